using FlowBeacon.IpAllowlist;
using MinimalApi;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);

builder.Services
    .AddFlowBeaconIpAllowlist(builder.Configuration.GetSection("FlowBeacon:IpAllowlist"))
    .AddKeysFromConfiguration(builder.Configuration.GetSection("FlowBeacon:Keys"));

WebApplication app = builder.Build();

app.UseFlowBeaconIpAllowlist();

app.MapFlowBeaconHealth();
app.MapGet("/governance/report", (HttpContext context) => $"Report for {context.Features.Get<IIpAllowlistFeature>()!.Key!.Id}\n")
    .RequireApiKey();

DemoCurlLines.PrintWhenStarted(app);
app.Run();
