using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>What the application reads about the check of its request.</summary>
public sealed class FeatureTests
{
    public static TheoryData<string?, string?, string> Requests => new()
    {
        { TestKeys.Restricted, "::ffff:203.0.113.7", "Allowed restricted 203.0.113.7 ForwardedFor -" },
        { TestKeys.Restricted, null, "Denied restricted 127.0.0.1 Peer NotListed" },
        { TestKeys.Restricted, "198.51.100.9", "Denied restricted 198.51.100.9 ForwardedFor NotListed" },
        { TestKeys.Restricted, "unknown", "Denied restricted - None UnusableForwardedFor" },
        { TestKeys.Unrestricted, "2001:DB8::9", "Unrestricted unrestricted 2001:db8::9 ForwardedFor -" },
        { TestKeys.Unrestricted, null, "Unrestricted unrestricted 127.0.0.1 Peer -" },
        { TestKeys.Unrestricted, "unknown", "Unrestricted unrestricted - None -" },
        { TestKeys.Unknown, "203.0.113.7", "InvalidKey - - None -" },
        { TestKeys.Expired, "203.0.113.7", "InvalidKey - - None -" },
        { TestKeys.Revoked, "203.0.113.7", "InvalidKey - - None -" },
        { "a.jwt.token", "203.0.113.7", "NoKey - - None -" },
        { null, "203.0.113.7", "NoKey - - None -" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Has_the_result_of_the_check(string? rawKey, string? forwardedFor, string expected)
    {
        string? found = null;
        await using KestrelApp app = await StartAsync(feature => found = Describe(feature));
        string[] key = rawKey is null ? [] : [HeaderLine.Bearer(rawKey)];
        string[] address = forwardedFor is null ? [] : [HeaderLine.ForwardedFor(forwardedFor)];

        await app.GetAsync([.. key, .. address]);

        found.Should().Be(expected);
    }

    [Fact]
    public async Task Is_not_there_where_the_check_is_disabled()
    {
        IIpAllowlistFeature? found = null;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", (HttpContext context) => found = context.Features.Get<IIpAllowlistFeature>()).DisableIpAllowlist();
        });

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted));

        found.Should().BeNull();
    }

    [Fact]
    public async Task Returns_a_copy_of_the_address()
    {
        var found = new List<IIpAllowlistFeature>();
        await using KestrelApp app = await StartAsync(feature => found.Add(feature!));

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("203.0.113.7"));

        found.Single().ClientIp.Should().NotBeSameAs(found.Single().ClientIp).And.Be(found.Single().ClientIp);
    }

    [Fact]
    public async Task Two_requests_at_once_do_not_see_each_others_result()
    {
        var found = new System.Collections.Concurrent.ConcurrentBag<string>();
        await using KestrelApp app = await StartAsync(feature => found.Add(Describe(feature)));

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => app.GetAsync(
            HeaderLine.Bearer(i % 2 == 0 ? TestKeys.Restricted : TestKeys.Unrestricted), HeaderLine.ForwardedFor($"198.51.100.{i}"))));

        found.Should().BeEquivalentTo(Enumerable.Range(0, 200).Select(i =>
            i % 2 == 0
                ? $"Denied restricted 198.51.100.{i} ForwardedFor NotListed"
                : $"Unrestricted unrestricted 198.51.100.{i} ForwardedFor -"));
    }

    private static Task<KestrelApp> StartAsync(Action<IIpAllowlistFeature?> see) =>
        KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.Use(async (context, next) =>
            {
                await next(context);
                see(context.Features.Get<IIpAllowlistFeature>());
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ => Task.CompletedTask);
        });

    private static string Describe(IIpAllowlistFeature? feature) => feature is null
        ? "none"
        : $"{feature.Outcome} {feature.Key?.Id ?? "-"} {feature.ClientIp?.ToString() ?? "-"} {feature.ClientIpOrigin} "
            + $"{feature.DenialReason?.ToString() ?? "-"}";
}
