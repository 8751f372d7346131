using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>The meter <c>FlowBeacon.IpAllowlist</c>.</summary>
public sealed class MetricsTests
{
    private const string Rehearsed = "fb_live_666666666666666666666666666666666666666666666666";

    public static TheoryData<string?, string?, string> Requests => new()
    {
        { TestKeys.Restricted, "203.0.113.7", "1 outcome=allowed client_ip_source=forwarded_for" },
        { TestKeys.Restricted, "198.51.100.9", "1 outcome=denied client_ip_source=forwarded_for" },
        { TestKeys.Restricted, null, "1 outcome=denied client_ip_source=peer" },
        { TestKeys.Restricted, "garbage", "1 outcome=denied client_ip_source=none" },
        { Rehearsed, "203.0.113.7", "1 outcome=allowed client_ip_source=forwarded_for" },
        { Rehearsed, "198.51.100.9", "1 outcome=would_deny client_ip_source=forwarded_for" },
        { Rehearsed, null, "1 outcome=would_deny client_ip_source=peer" },
        { Rehearsed, "garbage", "1 outcome=would_deny client_ip_source=none" },
        { TestKeys.Unrestricted, "198.51.100.9", "1 outcome=unrestricted client_ip_source=forwarded_for" },
        { TestKeys.Unrestricted, null, "1 outcome=unrestricted client_ip_source=peer" },
        { TestKeys.Unrestricted, "garbage", "1 outcome=unrestricted client_ip_source=none" },
        { TestKeys.Unknown, "203.0.113.7", "1 outcome=invalid_key client_ip_source=none" },
        { TestKeys.Expired, "203.0.113.7", "1 outcome=invalid_key client_ip_source=none" },
        { "a.jwt.token", "203.0.113.7", "1 outcome=no_key client_ip_source=none" },
        { null, "203.0.113.7", "1 outcome=no_key client_ip_source=none" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Counts_each_check_with_its_outcome_and_the_origin_of_the_address(
        string? rawKey, string? forwardedFor, string measurement)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(Store());
        using var metrics = new MetricRecorder(app.Services);
        string[] key = rawKey is null ? [] : [HeaderLine.Bearer(rawKey)];
        string[] address = forwardedFor is null ? [] : [HeaderLine.ForwardedFor(forwardedFor)];

        await app.GetAsync([.. key, .. address]);

        metrics.Of("checks").Should().Equal(measurement);
    }

    [Fact]
    public async Task No_tag_holds_an_address_or_any_part_of_a_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(Store());
        using var metrics = new MetricRecorder(app.Services);

        foreach (string rawKey in new[] { TestKeys.Restricted, Rehearsed, TestKeys.Unrestricted, TestKeys.Unknown, "a.jwt.token" })
        {
            await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("203.0.113.7"));
            await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("198.51.100.9"));
        }

        metrics.Tags.Distinct().Should().BeEquivalentTo(
            "outcome=allowed", "outcome=denied", "outcome=would_deny", "outcome=unrestricted", "outcome=invalid_key", "outcome=no_key",
            "client_ip_source=forwarded_for", "client_ip_source=none");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Counts_a_store_failure_and_no_check(bool later)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(new ScriptedStore((_, _) =>
            later ? FailLater() : throw new InvalidOperationException("The database is away.")));
        using var metrics = new MetricRecorder(app.Services);

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted));

        metrics.Of("store_failures").Should().Equal("1");
        metrics.Of("checks").Should().BeEmpty();

        static async ValueTask<ApiKey?> FailLater()
        {
            await Task.Yield();
            throw new InvalidOperationException("The database is away.");
        }
    }

    [Fact]
    public async Task The_gauge_shows_the_number_of_keys_in_the_default_store()
    {
        await using KestrelApp app = await KestrelApp.StartAsync();
        using var metrics = new MetricRecorder(app.Services);

        metrics.ReadGauges();
        app.Services.GetRequiredService<InMemoryApiKeyStore>().Set(TestKeys.Create(TestKeys.Restricted, "one"));
        metrics.ReadGauges();

        metrics.Of("keys").Should().Equal("0", "1");
    }

    [Fact]
    public async Task The_gauge_shows_the_number_of_keys_in_an_in_memory_store_that_the_host_registered()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));
        using var metrics = new MetricRecorder(app.Services);

        metrics.ReadGauges();

        metrics.Of("keys").Should().Equal("4");
    }

    /// <summary>A key of each kind, and one whose list is only rehearsed.</summary>
    private static InMemoryApiKeyStore Store()
    {
        InMemoryApiKeyStore store = TestKeys.Store("203.0.113.7");
        store.Set(TestKeys.Create(Rehearsed, "rehearsed", "203.0.113.7") with { AllowlistMode = AllowlistMode.ReportOnly });
        return store;
    }
}
