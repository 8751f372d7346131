using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Traffic;

/// <summary>Which requests count as a use of a key from an address.</summary>
public sealed class SourceUseTests
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string Rehearsed = "fb_live_666666666666666666666666666666666666666666666666";

    /// <summary>A raw key, a path and where from; then the answer, and the key that was used from this address, if any was.</summary>
    public static TheoryData<string, string, string, int, string?> Requests => new()
    {
        { TestKeys.Restricted, "/", Listed, 200, "restricted" },
        { TestKeys.Restricted, "/", NotListed, 403, null },
        { TestKeys.Unrestricted, "/", Listed, 200, "unrestricted" },
        { TestKeys.Unrestricted, "/", NotListed, 200, "unrestricted" },
        { Rehearsed, "/", Listed, 200, "rehearsed" },
        { Rehearsed, "/", NotListed, 200, "rehearsed" },
        { TestKeys.Restricted, "/required", Listed, 200, "restricted" },
        { TestKeys.Restricted, "/missing", Listed, 404, "restricted" },
        { TestKeys.Restricted, "/disabled", Listed, 200, null },
        { TestKeys.Unrestricted, "/disabled", Listed, 200, null },
        { TestKeys.Restricted, "/governance/health", Listed, 200, null },
        { TestKeys.Unrestricted, "/governance/health", Listed, 200, null },
        { TestKeys.Expired, "/", Listed, 401, null },
        { TestKeys.Revoked, "/", Listed, 401, null },
        { TestKeys.Unknown, "/", Listed, 401, null },
        { "a.jwt.token", "/", Listed, 200, null },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_the_check_lets_through_with_a_key_is_a_use_of_it(
        string rawKey, string path, string from, int status, string? used)
    {
        await using KestrelApp app = await StartAsync();

        (await app.GetPathAsync(path, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(from))).Status.Should().Be(status);

        SourcesSeen sources = app.Services.GetRequiredService<SourcesSeen>();
        sources.ByKey.Select(key => key.Key).Should().Equal(used is null ? [] : [used]);
        if (used is not null)
        {
            Traffic(app).ReadSources(used).Sources.Should().ContainSingle().Which.Should().BeEquivalentTo(
                new { ClientIp = from, ClientIpOrigin = ClientIpOrigin.ForwardedFor, Count = 1 });
        }
    }

    [Fact]
    public async Task A_use_without_an_address_is_told_apart()
    {
        await using KestrelApp app = await StartAsync();

        await app.GetPathAsync("/", HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor("unknown"));
        await app.GetPathAsync("/", HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor("_hidden"));
        await app.GetPathAsync("/", HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("unknown"));

        ApiKeySources seen = Traffic(app).ReadSources("unrestricted");
        seen.Sources.Should().BeEmpty();
        seen.WithoutAddress.Should().BeEquivalentTo(new { ClientIp = (string?)null, ClientIpOrigin = ClientIpOrigin.None, Count = 2 });
        Traffic(app).ReadSources("restricted").WithoutAddress.Should().BeNull("it was denied");
    }

    [Theory]
    [InlineData("Authentication > Allowlist > Authorization")]
    [InlineData("Allowlist > Authentication > Authorization")]
    public async Task A_request_that_authenticates_as_well_is_one_use(string order)
    {
        await using KestrelApp app = await SchemeApp.StartAsync(
            pipeline =>
            {
                PipelineOrder.Build(pipeline, order);
                pipeline.MapGet("/", () => "answer").RequireAuthorization(SchemeApp.OurScheme);
            },
            store: Store());

        for (int request = 0; request < 5; request++)
        {
            (await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed))).Status.Should().Be(200);
        }

        Traffic(app).ReadSources("restricted").Sources.Should().ContainSingle().Which.Count.Should().Be(5);
    }

    [Fact]
    public async Task A_source_that_made_room_for_others_comes_back_when_it_is_used_again()
    {
        var time = new FakeTimeProvider(ObservedTraffic.Start);
        await using KestrelApp app = await StartAsync(options => options.MaxSourcesPerKey = 2, time);
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

        // The result of the first request is kept, and so is the source that it was counted by.
        foreach (int last in new[] { 1, 1, 2, 3, 1 })
        {
            (await client.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor($"198.51.100.{last}"))).Status
                .Should().Be(200);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        ApiKeySources seen = Traffic(app).ReadSources("unrestricted");
        seen.Sources.Select(source => (source.ClientIp, source.Count)).Should().Equal(("198.51.100.1", 1), ("198.51.100.3", 1));
        seen.AreOlderEvicted.Should().BeTrue();
    }

    [Fact]
    public async Task A_source_whose_whole_record_made_room_for_other_keys_comes_back_when_it_is_used_again()
    {
        await using KestrelApp app = await StartAsync(
            configure: builder => builder.Services.AddSingleton(provider =>
                new SourcesSeen(provider.GetRequiredService<CoarseClock>(), mostPerKey: 64, mostCells: 10)));
        SourcesSeen sources = app.Services.GetRequiredService<SourcesSeen>();
        string[] request = [HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor(NotListed)];
        for (int last = 1; last <= 10; last++)
        {
            await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor($"198.51.100.{last}"));
        }

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed));
        sources.ByKey.Should().ContainSingle().Which.Key.Should().Be("restricted");
        await app.GetAsync(request);

        Traffic(app).ReadSources("unrestricted").Sources
            .Should().ContainSingle().Which.Should().BeEquivalentTo(new { ClientIp = NotListed, Count = 1 });
    }

    [Fact]
    public async Task A_key_keeps_its_sources_when_it_is_changed_and_rotated()
    {
        var time = new FakeTimeProvider(ObservedTraffic.Start);
        await using KestrelApp app = await KestrelApp.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        ApiKeyManager manager = app.Services.GetRequiredService<ApiKeyManager>();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        IssuedApiKey issued = await manager.CreateAsync(new NewApiKey { Name = "key", AllowedIps = [] }, ManagedKeys.Actor, cancellation);
        string id = issued.Details.Key.Id;

        await UseAsync(issued.RawKey);
        await manager.UpdateAsync(id, new ApiKeyUpdate { Name = "changed", AllowedIps = [Listed] }, null, ManagedKeys.Actor, cancellation);
        await UseAsync(issued.RawKey);
        string rawKey = (await manager.RotateAsync(id, 1, null, ManagedKeys.Actor, cancellation)).RawKey;
        await UseAsync(rawKey);
        await UseAsync(issued.RawKey);

        Traffic(app).ReadSources(id).Sources.Should().Equal(new SourceSeen
        {
            ClientIp = Listed,
            ClientIpOrigin = ClientIpOrigin.ForwardedFor,
            FirstSeen = ObservedTraffic.Start,
            LastSeen = ObservedTraffic.Start.AddMinutes(3),
            Count = 4,
        });

        async Task UseAsync(string secret)
        {
            (await app.GetAsync(HeaderLine.Bearer(secret), HeaderLine.ForwardedFor(Listed))).Status.Should().Be(200);
            time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private static Task<KestrelApp> StartAsync(
        Action<IpAllowlistOptions>? options = null,
        TimeProvider? time = null,
        Action<WebApplicationBuilder>? configure = null,
        Action<HttpContext>? handler = null) =>
        KestrelApp.StartAsync(
            Store(),
            options,
            builder =>
            {
                builder.Services.AddSingleton(time ?? TimeProvider.System);
                configure?.Invoke(builder);
            },
            pipeline =>
            {
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/", context =>
                {
                    handler?.Invoke(context);
                    return Task.CompletedTask;
                });
                pipeline.MapGet("/required", () => "answer").RequireApiKey();
                pipeline.MapGet("/disabled", () => "answer").DisableIpAllowlist();
                pipeline.MapFlowBeaconHealth();
            });

    private static InMemoryApiKeyStore Store()
    {
        InMemoryApiKeyStore store = TestKeys.Store(Listed);
        store.Set(TestKeys.Create(Rehearsed, "rehearsed", Listed) with { AllowlistMode = AllowlistMode.ReportOnly });
        return store;
    }

    private static IApiKeyTraffic Traffic(KestrelApp app) => app.Services.GetRequiredService<IApiKeyTraffic>();
}
