using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.AotHost;
using Microsoft.AspNetCore.Authentication;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);

builder.Services.AddFlowBeaconIpAllowlist().AddKeyManagement();
builder.Services.AddAuthentication(HeaderAuthenticationHandler.SchemeName)
    .AddScheme<AuthenticationSchemeOptions, HeaderAuthenticationHandler>(HeaderAuthenticationHandler.SchemeName, null)
    .AddFlowBeaconApiKey();
builder.Services.AddAuthorization();

WebApplication app = builder.Build();

app.UseAuthentication();
app.UseFlowBeaconIpAllowlist();
app.UseAuthorization();

app.MapFlowBeaconHealth();
app.MapFlowBeaconApiKeys();
app.MapGet("/report", () => "report\n").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
app.MapGet("/evaluate", () => "evaluated\n").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);

app.Run();
