using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Answers of administration and health depend on the caller, so no output cache stores them, in any position.</summary>
public sealed class CachedAnswerTests
{
    private const string KeyHeader = "X-Api-Key";

    public static TheoryData<bool> Places => [true, false];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Key_administration_never_answers_from_a_cache(bool cacheInFront)
    {
        await using KeyApiHost host = await StartAsync(cacheInFront);
        string key = (await host.CreateBreakGlassAsync()).RawKey;

        foreach (string target in new[] { KeyApiHost.Keys, $"{KeyApiHost.Keys}/audit", $"{KeyApiHost.Keys}/denials" })
        {
            (await host.SendAsync(null, "GET", target, null, $"{KeyHeader}: {key}")).Status.Should().Be(200);
            (await host.SendAsync(null, "GET", target)).Status.Should().Be(401, target);
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Health_never_shows_the_address_of_another_caller(bool cacheInFront)
    {
        await using KeyApiHost host = await StartAsync(cacheInFront);
        string key = (await host.CreateAsync("program")).RawKey;

        Answer own = await host.SendAsync(null, "GET", "/governance/health", null, $"{KeyHeader}: {key}", "X-Forwarded-For: 203.0.113.7");

        own.Text("client_ip").Should().Be("203.0.113.7");
        (await host.SendAsync(null, "GET", "/governance/health")).Members.Should().Equal("ok", "service", "version");
    }

    private static Task<KeyApiHost> StartAsync(bool cacheInFront) => KeyApiHost.StartAsync(
        builder =>
        {
            builder.Services.Configure<IpAllowlistOptions>(options => options.ApiKeyHeaderName = KeyHeader);
            builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Cache()));
        },
        pipeline: app =>
        {
            app.UseRouting();
            if (cacheInFront)
            {
                app.UseOutputCache();
            }

            KeyApiHost.UseAll(app);
            if (!cacheInFront)
            {
                app.UseOutputCache();
            }

            app.MapFlowBeaconHealth();
        });
}
