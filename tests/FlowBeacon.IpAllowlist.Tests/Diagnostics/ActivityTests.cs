using System.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>The tags of a check on the current activity.</summary>
public sealed class ActivityTests
{
    private const string Prefix = "flowbeacon.ip_allowlist.";
    private const string Rehearsed = "fb_live_666666666666666666666666666666666666666666666666";

    public static TheoryData<string?, string, string> Requests => new()
    {
        { TestKeys.Restricted, "203.0.113.7", "outcome=allowed key_id=restricted" },
        { TestKeys.Restricted, "198.51.100.9", "outcome=denied key_id=restricted reason=not_listed" },
        { TestKeys.Restricted, "garbage", "outcome=denied key_id=restricted reason=unusable_forwarded_for" },
        { Rehearsed, "198.51.100.9", "outcome=would_deny key_id=rehearsed reason=not_listed" },
        { TestKeys.Unrestricted, "198.51.100.9", "outcome=unrestricted key_id=unrestricted" },
        { TestKeys.Unknown, "203.0.113.7", "outcome=invalid_key" },
        { TestKeys.Revoked, "203.0.113.7", "outcome=invalid_key" },
        { "a.jwt.token", "203.0.113.7", "outcome=no_key" },
        { null, "203.0.113.7", "outcome=no_key" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_current_activity_tells_key_outcome_and_reason(string? rawKey, string forwardedFor, string tags)
    {
        using var traced = new Traced(ActivitySamplingResult.AllData);
        await using KestrelApp app = await StartAsync(traced);

        string[] key = rawKey is null ? [] : [HeaderLine.Bearer(rawKey)];

        await app.GetAsync([.. key, HeaderLine.ForwardedFor(forwardedFor)]);

        traced.TagsOfLibrary.Should().Equal(tags);
        traced.Last!.Baggage.Should().BeEmpty("baggage would travel on to other services");
    }

    [Fact]
    public async Task Sets_no_tags_for_a_request_that_is_not_checked()
    {
        using var traced = new Traced(ActivitySamplingResult.AllData);
        await using KestrelApp app = await StartAsync(traced, web => web.MapGet("/", () => "in").DisableIpAllowlist());

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted));

        traced.TagsOfLibrary.Should().Equal("");
    }

    [Fact]
    public async Task Sets_no_tags_if_not_all_data_is_requested()
    {
        using var traced = new Traced(ActivitySamplingResult.PropagationData);
        await using KestrelApp app = await StartAsync(traced);

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted));

        traced.Last!.IsAllDataRequested.Should().BeFalse();
        traced.TagsOfLibrary.Should().Equal("");
    }

    /// <summary>The host creates such an activity only for its log scopes, so every request would pay for unused tags.</summary>
    [Fact]
    public async Task Sets_no_tags_on_an_activity_without_listeners()
    {
        Activity? ofHost = null;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.Run(_ =>
            {
                ofHost = Activity.Current;
                return Task.CompletedTask;
            });
        });

        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted))).Status.Should().Be(200);

        ofHost!.IsAllDataRequested.Should().BeTrue();
        ofHost.TagObjects.Should().NotContain(tag => tag.Key.StartsWith(Prefix, StringComparison.Ordinal));
    }

    [Fact]
    public void The_name_of_the_meter_is_a_promise() => IpAllowlistTelemetry.MeterName.Should().Be("FlowBeacon.IpAllowlist");

    private static Task<KestrelApp> StartAsync(Traced traced, Action<WebApplication>? map = null)
    {
        InMemoryApiKeyStore store = TestKeys.Store("203.0.113.7");
        store.Set(TestKeys.Create(Rehearsed, "rehearsed", "203.0.113.7") with { AllowlistMode = AllowlistMode.ReportOnly });
        return KestrelApp.StartAsync(store, pipeline: web =>
        {
            web.Use(async (context, next) =>
            {
                using Activity? activity = traced.Start();
                await next(context);
            });
            web.UseFlowBeaconIpAllowlist();
            (map ?? (app => app.Run(context => context.Response.WriteAsync("in"))))(web);
        });
    }

    /// <summary>Activities of a source of its own, so that tests that run meanwhile are not traced.</summary>
    private sealed class Traced : IDisposable
    {
        private readonly ActivitySource _source = new($"tests.{Guid.NewGuid()}");
        private readonly ActivityListener _listener;

        // Started, not stopped: the answer may be read before its activity stops.
        private readonly List<Activity> _started = [];

        public Traced(ActivitySamplingResult sampling)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source == _source,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => sampling,
                ActivityStarted = _started.Add,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public Activity? Last => _started.LastOrDefault();

        /// <summary>The library's tags of each activity, without their prefix.</summary>
        public IEnumerable<string> TagsOfLibrary => _started.Select(activity => string.Join(' ', activity.TagObjects
            .Where(tag => tag.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(tag => $"{tag.Key[Prefix.Length..]}={tag.Value}")));

        public Activity? Start() => _source.StartActivity("request");

        public void Dispose()
        {
            _listener.Dispose();
            _source.Dispose();
        }
    }
}
