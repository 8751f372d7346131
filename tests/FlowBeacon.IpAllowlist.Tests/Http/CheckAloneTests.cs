using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The check without key administration: nothing of that is registered, and nothing of the check needs it.</summary>
public sealed class CheckAloneTests
{
    [Fact]
    public async Task Checks_tells_its_health_and_lets_a_break_glass_key_in_without_key_administration()
    {
        await using WebApplication app = Build();
        app.UseFlowBeaconIpAllowlist();
        app.MapFlowBeaconHealth();
        app.MapGet("/", () => "in").RequireApiKey();
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        (await StatusAsync(client, "/", SchemeKeys.Evaluator, SchemeKeys.Listed)).Should().Be(200);
        (await StatusAsync(client, "/", SchemeKeys.Evaluator, SchemeKeys.NotListed)).Should().Be(403);
        (await StatusAsync(client, "/", SchemeKeys.BreakGlass, SchemeKeys.NotListed)).Should().Be(200);
        (await StatusAsync(client, "/governance/health", SchemeKeys.Evaluator, SchemeKeys.Listed)).Should().Be(200);
        app.Services.GetService<ApiKeyManager>().Should().BeNull();
        app.Services.GetService<IAuditLog>().Should().BeNull();
        app.Services.GetService<IApiKeyRepository>().Should().BeNull();
    }

    [Fact]
    public async Task Mapping_key_administration_without_it_fails_at_once_and_names_the_call()
    {
        await using WebApplication app = Build();

        Action map = () => app.MapFlowBeaconApiKeys();

        map.Should().Throw<InvalidOperationException>().WithMessage("*AddFlowBeaconIpAllowlist().AddKeyManagement()*");
    }

    private static WebApplication Build()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<IApiKeyStore>(SchemeKeys.Store());
        builder.Services.AddAuthorization();
        builder.Services.AddFlowBeaconIpAllowlist();
        return builder.Build();
    }

    private static async Task<int> StatusAsync(HttpClient client, string path, string rawKey, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Authorization", $"Bearer {rawKey}");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return (int)response.StatusCode;
    }
}
