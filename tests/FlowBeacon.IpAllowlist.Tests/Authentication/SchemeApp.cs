using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Starts applications whose only authentication scheme is ours.</summary>
internal static class SchemeApp
{
    public static readonly IAuthorizeData OurScheme =
        new AuthorizeAttribute { AuthenticationSchemes = ApiKeyAuthenticationDefaults.AuthenticationScheme };

    public static Task<KestrelApp> StartAsync(
        Action<WebApplication> pipeline, Action<IpAllowlistOptions>? options = null, IApiKeyStore? store = null,
        Action<WebApplicationBuilder>? configure = null) =>
        KestrelApp.StartAsync(
            store ?? SchemeKeys.Store(),
            options,
            builder =>
            {
                builder.Services.AddAuthentication().AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
                configure?.Invoke(builder);
            },
            pipeline);

    public static Task<RawResponse> GetPathAsync(this KestrelApp app, string path, params string[] headerLines) =>
        KestrelApp.SendAsync(app.IPv4, "GET", path, headerLines);
}
