using System.Security.Claims;
using System.Text.Json.Serialization;
using KeyConsole;
using Microsoft.AspNetCore.Authentication.Cookies;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.Services
    .AddFlowBeaconIpAllowlist(builder.Configuration.GetSection("FlowBeacon:IpAllowlist"))
    .AddKeyManagement();

// People sign in with a cookie, programs use an API key, both on the same host.
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
    .AddCookie(options => options.Cookie.SameSite = SameSiteMode.Strict)
    .AddFlowBeaconApiKey();
builder.Services.AddAuthorization();
builder.Services.AddOpenApi(KeyApiDocument.Describe);
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
builder.Services.AddHealthChecks().AddFlowBeaconIpAllowlist();
builder.Services.AddSingleton<DevelopmentAdministrator>();

WebApplication app = builder.Build();

app.UseFlowBeaconIpAllowlist();
app.UseAuthentication();
app.UseAuthorization();

app.MapFlowBeaconHealth();
app.MapHealthChecks("/governance/ready");
app.MapFlowBeaconApiKeys();
app.MapOpenApi();
app.MapGet("/governance/report", (ClaimsPrincipal caller) => $"Report for {caller.Identity!.Name}\n")
    .RequireApiKeyScope("governance:read");
app.MapPost("/governance/evaluate", (ClaimsPrincipal caller) => $"Evaluated for {caller.Identity!.Name}\n")
    .RequireApiKeyScope("governance:evaluate");

app.Services.GetRequiredService<DevelopmentAdministrator>().MapSignIn(app);
app.Run();
