using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A store that fails, hangs or takes its time never turns into an allowed request.</summary>
public sealed class StoreFailureTests
{
    private static readonly string Key = HeaderLine.Bearer(TestKeys.Unrestricted);

    public static TheoryData<string> Failures =>
        ["synchronously", "with a failed task", "later", "with a cancelled task", "by cancelling later"];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_store_that_throws_ends_in_a_500_and_never_reaches_the_endpoint(string how)
    {
        bool ran = false;
        var store = new ScriptedStore(async (_, _) =>
        {
            await Task.Yield();
            throw (how == "later"
                ? new InvalidOperationException("The database is away.")
                : new OperationCanceledException("The database timed out."));
        });
        store = how switch
        {
            "synchronously" => new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away.")),
            "with a failed task" =>
                new ScriptedStore((_, _) => ValueTask.FromException<ApiKey?>(new InvalidOperationException("The database is away."))),
            "with a cancelled task" => new ScriptedStore((_, _) => ValueTask.FromCanceled<ApiKey?>(new CancellationToken(canceled: true))),
            _ => store,
        };
        await using KestrelApp app = await StartAsync(store, () => ran = true);

        RawResponse response = await app.GetAsync(Key);

        response.Status.Should().Be(500);
        ran.Should().BeFalse();
        store.Lookups.Should().Be(1);
    }

    [Fact]
    public async Task A_store_in_memory_that_throws_ends_in_a_500_and_is_counted()
    {
        bool ran = false;
        await using KestrelApp app = await StartAsync(new BrokenMemory(), () => ran = true);
        using var metrics = new MetricRecorder(app.Services);

        (await app.GetAsync(Key)).Status.Should().Be(500);

        ran.Should().BeFalse();
        metrics.Of("store_failures").Should().Equal("1");
    }

    [Fact]
    public async Task A_store_that_throws_does_not_hurt_requests_without_a_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away.")));

        (await app.GetAsync()).Content.Should().Be("NoKey");
        (await app.GetAsync("Authorization: Basic dXNlcjpwYXNz")).Content.Should().Be("NoKey");
    }

    [Fact]
    public async Task A_store_that_hangs_is_cancelled_when_the_client_leaves_and_the_endpoint_never_runs()
    {
        bool ran = false;
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new ScriptedStore(async (_, cancellationToken) =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return null;
        });
        await using KestrelApp app = await KestrelApp.StartAsync(store, pipeline: pipeline =>
        {
            pipeline.Use(async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    left.SetResult(context.RequestAborted.IsCancellationRequested);
                }
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ =>
            {
                ran = true;
                return Task.CompletedTask;
            });
        });

        await app.SendAndResetAsync(entered.Task, Key);

        (await left.Task.WaitAsync(TestContext.Current.CancellationToken)).Should().BeTrue();
        ran.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_that_finds_nothing_leaves_our_own_keys_invalid_and_others_unclaimed(bool later)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(StoreOf(_ => null, later));

        (await app.GetAsync(Key)).Status.Should().Be(401);
        (await app.GetAsync(HeaderLine.Bearer("a.jwt.token"))).Content.Should().Be("NoKey");
    }

    [Theory]
    [InlineData(TestKeys.Restricted, "203.0.113.7", 200)]
    [InlineData(TestKeys.Restricted, "198.51.100.9", 403)]
    [InlineData(TestKeys.Unrestricted, "198.51.100.9", 200)]
    [InlineData(TestKeys.Unknown, "203.0.113.7", 401)]
    [InlineData(TestKeys.Expired, "203.0.113.7", 401)]
    [InlineData(TestKeys.Revoked, "203.0.113.7", 401)]
    public async Task A_store_that_answers_later_leads_to_the_same_verdicts(string rawKey, string forwardedFor, int status)
    {
        InMemoryApiKeyStore keys = TestKeys.Store("203.0.113.7");
        await using KestrelApp now = await KestrelApp.StartAsync(StoreOf(keys.Find, later: false));
        await using KestrelApp later = await KestrelApp.StartAsync(StoreOf(keys.Find, later: true));

        (await now.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor))).Status.Should().Be(status);
        (await later.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor))).Status.Should().Be(status);
    }

    [Fact]
    public async Task Nothing_runs_before_the_store_has_answered()
    {
        var answer = new TaskCompletionSource<ApiKey?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool ran = false;
        await using KestrelApp app = await StartAsync(
            new ScriptedStore((_, _) =>
            {
                asked.SetResult();
                return new(answer.Task);
            }),
            () => ran = true);

        Task<RawResponse> response = app.GetAsync(Key);
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);
        ran.Should().BeFalse();
        answer.SetResult(TestKeys.Create(TestKeys.Unrestricted, "late"));

        (await response).Status.Should().Be(200);
        ran.Should().BeTrue();
    }

    private static ScriptedStore StoreOf(Func<ApiKeyHash, ApiKey?> find, bool later) => new(async (hash, _) =>
    {
        if (later)
        {
            await Task.Yield();
        }

        return find(hash);
    });

    private static Task<KestrelApp> StartAsync(IApiKeyStore store, Action endpoint) =>
        KestrelApp.StartAsync(store, pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ =>
            {
                endpoint();
                return Task.CompletedTask;
            });
        });

    private sealed class BrokenMemory : IApiKeyStore, ISynchronousApiKeyStore
    {
        public int Count => 0;

        public ApiKey? Find(ApiKeyHash hash) => throw new InvalidOperationException("Memory is broken.");

        public ValueTask<ApiKey?> FindAsync(ApiKeyHash hash, CancellationToken cancellationToken) => new(Find(hash));
    }
}
