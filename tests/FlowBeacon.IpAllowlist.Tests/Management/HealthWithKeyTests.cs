using System.Text.Json;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Management.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary><c>GET /governance/health</c> with a key: what is counted and kept of it, and a look-up that does not end.</summary>
public sealed class HealthWithKeyTests
{
    private const string Health = "/governance/health";
    private const string Listed = "203.0.113.7";
    private const string Foreign = "198.51.100.9";

    /// <summary>A safety net: no passing test reaches it.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>How a request to health comes, and how it is counted.</summary>
    public static TheoryData<string, string, string> Outcomes => new()
    {
        { TestKeys.Restricted, Listed, "1 outcome=allowed client_ip_source=forwarded_for" },
        { TestKeys.Restricted, Foreign, "1 outcome=denied client_ip_source=forwarded_for" },
        { TestKeys.Restricted, "unknown", "1 outcome=denied client_ip_source=none" },
        { TestKeys.Unrestricted, Foreign, "1 outcome=unrestricted client_ip_source=forwarded_for" },
        { TestKeys.Unknown, Foreign, "1 outcome=invalid_key client_ip_source=none" },
        { TestKeys.Revoked, Foreign, "1 outcome=invalid_key client_ip_source=none" },
        { TestKeys.Expired, Foreign, "1 outcome=invalid_key client_ip_source=none" },
    };

    /// <summary>How a store does not answer.</summary>
    public static TheoryData<string> Hangs => ["until it is cancelled", "for ever", "and blocks its caller"];

    [Theory]
    [MemberData(nameof(Outcomes))]
    public async Task Is_counted_by_its_outcome_and_refuses_nothing(string rawKey, string forwardedFor, string measured)
    {
        await using KestrelApp app = await StartAsync();
        using var metrics = new MetricRecorder(app.Services);

        (await GetAsync(app, HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor))).Status.Should().Be(200);

        metrics.Of("checks").Should().Equal(measured);
        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Name == "Denied" || entry.Id.Name == "InvalidKey", "nothing was refused");
    }

    [Theory]
    [InlineData("X-Other: 1")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz")]
    [InlineData("Authorization: Bearer a.jwt.token")]
    public async Task Is_not_counted_without_a_key(string headerLine)
    {
        await using KestrelApp app = await StartAsync();
        using var metrics = new MetricRecorder(app.Services);

        (await GetAsync(app, headerLine)).Status.Should().Be(200);

        metrics.Of("checks").Should().BeEmpty("probes without a credential are no checks");
    }

    [Fact]
    public async Task Is_counted_once_where_the_check_has_counted_it_already()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapFlowBeaconHealth().RequireApiKey();
        });
        using var metrics = new MetricRecorder(app.Services);

        (await GetAsync(app, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed))).Status.Should().Be(200);
        (await GetAsync(app, HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Foreign))).Status.Should().Be(403);

        metrics.Of("checks").Should().BeEquivalentTo(
            "1 outcome=allowed client_ip_source=forwarded_for", "1 outcome=denied client_ip_source=forwarded_for");
    }

    [Theory]
    [InlineData("GET", AllowlistMode.Enforce)]
    [InlineData("HEAD", AllowlistMode.Enforce)]
    [InlineData("GET", AllowlistMode.ReportOnly)]
    public async Task A_key_from_a_foreign_address_is_kept_in_a_row_of_its_own_outside_the_totals(string method, AllowlistMode mode)
    {
        await using KeyApiHost host = await StartHostAsync();
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { Name = "stolen", AllowedIps = [Listed], AllowlistMode = mode });
        int passes = mode == AllowlistMode.Enforce ? 403 : 200;

        await AskAsync(host, key, Foreign, method);
        await AskAsync(host, key, Foreign, method);
        await AskAsync(host, key, Listed, method);
        (await host.UseAsync(key.RawKey, Foreign)).Should().Be(passes);

        foreach (string target in new[] { $"{KeyApiHost.Keys}/denials", $"{KeyApiHost.Keys}/{key.Details.Key.Id}/denials" })
        {
            JsonElement record = (await host.SendAsync(KeyApiHost.Administrator, "GET", target)).Json;
            bool isRehearsal = mode == AllowlistMode.ReportOnly;
            record.GetProperty("denied").GetInt64().Should().Be(isRehearsal ? 0 : 1);
            record.GetProperty("would_deny").GetInt64().Should().Be(isRehearsal ? 1 : 0);
            record.GetProperty("denials").EnumerateArray().Select(row => string.Join(' ', new[]
            {
                "key_id", "ip", "reason", "report_only", "health", "origin", "hop", "count", "last_method", "last_path",
            }.Select(member => row.GetProperty(member)))).Should().BeEquivalentTo(
                $"{key.Details.Key.Id} {Foreign} not_listed {isRehearsal} True forwarded_for 1 2 {method} {Health}",
                $"{key.Details.Key.Id} {Foreign} not_listed {isRehearsal} False forwarded_for 1 1 GET /report");
        }
    }

    [Fact]
    public async Task Asking_health_from_a_foreign_address_is_no_evidence_for_a_recovery()
    {
        await using KeyApiHost host = await StartHostAsync();
        IssuedApiKey key = await host.CreateAsync("locked-out", Listed);
        string glass = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);
        string target = $"{KeyApiHost.Keys}/{key.Details.Key.Id}/recover";
        await AskAsync(host, key, Foreign);
        JsonElement denials = (await host.SendAsync(KeyApiHost.Administrator, "GET", $"{KeyApiHost.Keys}/denials")).Json;
        denials.GetProperty("denials").GetArrayLength().Should().Be(1, "it is kept");

        Answer refused = await host.SendAsync(null, "POST", target, null, glass, $"X-Forwarded-For: {Foreign}");

        refused.ShouldBeProblem(409, "Conflict").Detail.Should().StartWith($"The key was not recently denied from {Foreign}.");
        (await host.UseAsync(key.RawKey, Foreign)).Should().Be(403);
        (await host.SendAsync(null, "POST", target, null, glass, $"X-Forwarded-For: {Foreign}")).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_first_denial_after_a_health_request_is_still_a_warning()
    {
        await using KeyApiHost host = await StartHostAsync();
        IssuedApiKey key = await host.CreateAsync("stolen", Listed);

        await AskAsync(host, key, Foreign);
        host.App.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Name == "Denied");
        (await host.UseAsync(key.RawKey, Foreign)).Should().Be(403);

        host.App.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "Denied" && entry.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task Asking_health_is_no_use_of_the_key_and_pushes_no_source_and_no_denial_out()
    {
        const int Rows = 128;
        await using KeyApiHost host = await StartHostAsync();
        IssuedApiKey key = await host.CreateAsync("key", Listed);
        IssuedApiKey open = await host.CreateAsync("open");
        for (int number = 0; number < Rows; number++)
        {
            (await host.UseAsync(key.RawKey, $"2001:db8::{number:x}")).Should().Be(403);
        }

        for (int number = 0; number < 2 * Rows; number++)
        {
            await AskAsync(host, key, $"192.0.2.{number}");
            await AskAsync(host, open, $"192.0.2.{number}");
        }

        await AskAsync(host, key, Listed);
        JsonElement[] rows = [.. (await host.SendAsync(
            KeyApiHost.Administrator, "GET", $"{KeyApiHost.Keys}/{key.Details.Key.Id}/denials?limit=1000")).Json
            .GetProperty("denials").EnumerateArray()];
        rows.Count(row => !row.GetProperty("health").GetBoolean() && row.GetProperty("count_error").GetInt64() == 0).Should().Be(Rows);
        rows.Count(row => row.GetProperty("health").GetBoolean()).Should().Be(Rows, "as bounded as the others");
        foreach (IssuedApiKey asked in new[] { key, open })
        {
            Answer sources = await host.SendAsync(KeyApiHost.Administrator, "GET", $"{KeyApiHost.Keys}/{asked.Details.Key.Id}/sources");
            sources.Json.GetProperty("sources").GetArrayLength().Should().Be(0);
        }
    }

    [Fact]
    public async Task Asking_health_is_no_sign_that_the_client_address_source_is_wrong()
    {
        await using KeyApiHost host = await StartHostAsync();
        ClientIpSourceDiagnosis diagnosis = host.App.Services.GetRequiredService<ClientIpSourceDiagnosis>();
        IssuedApiKey[] keys = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => host.CreateAsync($"key {number}", Listed)));
        foreach (IssuedApiKey key in keys)
        {
            await AskAsync(host, key, "127.0.0.1");
        }

        diagnosis.Judge().Should().BeNull("whoever looks after the process asks from the same machine");
        foreach (IssuedApiKey key in keys)
        {
            (await host.UseAsync(key.RawKey, "127.0.0.1")).Should().Be(403);
        }

        diagnosis.Judge().Should().NotBeNull();
    }

    [Theory]
    [MemberData(nameof(Hangs))]
    public async Task A_store_that_does_not_answer_within_a_second_leaves_the_three_members(string how)
    {
        var time = new FakeTimeProvider();
        var asked = new TaskCompletionSource<CancellationToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var answers = new ManualResetEventSlim();
        var store = new ScriptedStore(async (hash, cancellationToken) =>
        {
            asked.SetResult(cancellationToken);
            switch (how)
            {
                case "until it is cancelled":
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                    break;
                case "for ever":
                    await Task.Delay(Timeout.Infinite, CancellationToken.None);
                    break;
                default:
                    answers.Wait(CancellationToken.None);
                    break;
            }

            return TestKeys.Create(TestKeys.Unrestricted, "late");
        });
        await using KestrelApp app = await StartAsync(store, time);
        using var metrics = new MetricRecorder(app.Services);

        Task<RawResponse> asking = GetAsync(app, HeaderLine.Bearer(TestKeys.Unrestricted));
        CancellationToken lookup = await asked.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMilliseconds(999));
        lookup.IsCancellationRequested.Should().BeFalse("the second is not over");
        asking.IsCompleted.Should().BeFalse();
        time.Advance(TimeSpan.FromMilliseconds(1));

        RawResponse response = await asking.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        answers.Set();
        response.Status.Should().Be(200);
        JsonDocument.Parse(response.Content).RootElement.EnumerateObject().Select(member => member.Name)
            .Should().Equal("ok", "service", "version");
        lookup.IsCancellationRequested.Should().BeTrue();
        metrics.Of("checks").Should().BeEmpty("nothing was found out");
    }

    [Fact]
    public async Task A_store_that_answers_within_the_second_tells_the_address()
    {
        var time = new FakeTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource<ApiKey?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelApp app = await StartAsync(
            new ScriptedStore((_, _) =>
            {
                asked.SetResult();
                return new(answer.Task);
            }),
            time);

        Task<RawResponse> asking = GetAsync(app, HeaderLine.Bearer(TestKeys.Unrestricted), HeaderLine.ForwardedFor(Foreign));
        await asked.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMilliseconds(999));
        answer.SetResult(TestKeys.Create(TestKeys.Unrestricted, "late"));

        JsonDocument.Parse((await asking).Content).RootElement.GetProperty("client_ip").GetString().Should().Be(Foreign);
    }

    [Fact]
    public async Task A_late_answer_of_the_store_reaches_no_later_request_on_the_connection()
    {
        var time = new FakeTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Waiting code continues before the answer is set.
        var answer = new TaskCompletionSource<ApiKey?>();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new ScriptedStore((_, _) =>
        {
            asked.SetResult();
            return new(answer.Task);
        });
        await using KestrelApp app = await StartAsync(store, time, pipeline => pipeline.Map("/outcome", async (HttpContext context) =>
        {
            entered.SetResult();
            await go.Task;
            return context.Features.Get<IIpAllowlistFeature>()!.Outcome.ToString();
        }));
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

        Task<(int Status, string Body)> asking = client.GetPathAsync(Health, HeaderLine.Bearer(TestKeys.Unrestricted));
        await asked.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(1));
        (await asking.WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(200);
        Task<(int Status, string Body)> next = client.GetPathAsync("/outcome");
        await entered.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        answer.SetResult(TestKeys.Create(TestKeys.Unrestricted, "late"));
        go.SetResult();

        (await next).Body.Should().Be("NoKey");
    }

    private static Task<KestrelApp> StartAsync(
        IApiKeyStore? store = null, TimeProvider? time = null, Action<WebApplication>? more = null) => KestrelApp.StartAsync(
        store ?? TestKeys.Store(Listed),
        configure: builder => builder.Services.AddSingleton(time ?? TimeProvider.System),
        pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapFlowBeaconHealth();
            more?.Invoke(pipeline);
        });

    private static Task<KeyApiHost> StartHostAsync() => KeyApiHost.StartAsync(pipeline: app =>
    {
        KeyApiHost.UseAll(app);
        app.MapFlowBeaconHealth();
    });

    private static Task<RawResponse> GetAsync(KestrelApp app, params string[] headerLines) =>
        KestrelApp.SendAsync(app.IPv4, "GET", Health, headerLines);

    private static async Task AskAsync(KeyApiHost host, IssuedApiKey key, string forwardedFor, string method = "GET") =>
        (await host.SendAsync(null, method, Health, null, KeyApiHost.Bearer(key.RawKey), $"X-Forwarded-For: {forwardedFor}"))
            .Status.Should().Be(200);
}
