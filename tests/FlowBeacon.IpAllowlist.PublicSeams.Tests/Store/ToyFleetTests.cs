using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>Two hosts with one store: how far a change has come, and waiting until it is in force on both.</summary>
public sealed class ToyFleetTests : IAsyncLifetime
{
    private const string Listed = "203.0.113.7";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly ToyStore _store = new();
    private ToyHost _a = null!;
    private ToyHost _b = null!;

    public async ValueTask InitializeAsync()
    {
        _a = await ToyHost.StartAsync(_store, "a");
        _b = await ToyHost.StartAsync(_store, "b");
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public async Task A_change_on_one_host_is_awaited_until_it_is_in_force_on_the_other_one()
    {
        IssuedApiKey key = await _a.CreateAsync("make-grid", Listed);
        (await WaitAsync(key.Revision, TimeSpan.Zero)).Should().BeFalse();
        _b.Node.Load();
        (await WaitAsync(key.Revision, TimeSpan.Zero)).Should().BeTrue();

        ChangedApiKey revoked = await _a.RevokeAsync(key.Details.Key.Id);
        Task<bool> waiting = WaitAsync(revoked.Revision, Bound);

        (await _a.UseAsync(key.RawKey, Listed)).Should().Be(401, "where the change was made it is in force at once");
        (await _b.UseAsync(key.RawKey, Listed)).Should().Be(200);
        waiting.IsCompleted.Should().BeFalse();
        _b.Node.Load();
        (await waiting).Should().BeTrue();
        (await _b.UseAsync(key.RawKey, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task Waiting_ends_at_the_timeout_and_the_nodes_show_which_is_behind()
    {
        IssuedApiKey key = await _a.CreateAsync("make-grid", Listed);
        Task<bool> waiting = WaitAsync(key.Revision, Bound);

        _a.Time.Advance(Bound - Tick);
        waiting.IsCompleted.Should().BeFalse();
        _a.Time.Advance(Tick);

        (await waiting).Should().BeFalse();
        (await NodesAsync(_a)).Should().Equal($"a {key.Revision} UpToDate this", "b 0 Behind");
        (await NodesAsync(_b)).Should().Equal("b 0 Behind this", $"a {key.Revision} UpToDate");
    }

    [Fact]
    public async Task A_host_that_is_silent_may_serve_older_keys_so_waiting_is_for_it_too()
    {
        IssuedApiKey key = await _a.CreateAsync("make-grid", Listed);
        _b.Node.Load();
        ChangedApiKey revoked = await _a.RevokeAsync(key.Details.Key.Id);

        _a.Time.Advance(ToyNode.Lease + Tick);
        _a.Node.Load();

        (await NodesAsync(_a)).Should().Equal($"a {revoked.Revision} UpToDate this", $"b {key.Revision} Silent");
        (await WaitAsync(revoked.Revision, TimeSpan.Zero)).Should().BeFalse();
    }

    [Fact]
    public async Task A_host_that_could_not_load_any_keys_yet_is_behind()
    {
        _store.IsAway = true;
        await using ToyHost late = await ToyHost.StartAsync(_store, "late");
        _store.IsAway = false;

        (await NodesAsync(late)).Should().Equal("late 0 Behind this", "a 0 UpToDate", "b 0 UpToDate");
        (await NodesAsync(_a)).Should().Equal("a 0 UpToDate this", "b 0 UpToDate");

        late.Node.Load();
        (await NodesAsync(_a)).Should().Equal("a 0 UpToDate this", "b 0 UpToDate", "late 0 UpToDate");
    }

    [Fact]
    public async Task The_management_API_answers_a_change_with_the_revision_to_wait_for()
    {
        Answer created = await _a.SendAsync(
            ToyHost.Administrator, "POST", ToyHost.Keys, """{"name":"make-grid","allowed_ips":[]}""");

        created.Status.Should().Be(201, created.Body);
        created.Number("revision").Should().Be(_a.Fleet.Revision).And.Be(_store.Revision).And.BePositive();
        _b.Fleet.Revision.Should().Be(0);
    }

    [Fact]
    public async Task Waiting_without_end_is_refused_and_waiting_can_be_cancelled()
    {
        IssuedApiKey key = await _a.CreateAsync("make-grid", Listed);
        using var cancellation = new CancellationTokenSource();
        Task<bool> waiting = _a.Fleet.WaitAsync(key.Revision, Bound, cancellation.Token).AsTask();

        await cancellation.CancelAsync();

        await ((Func<Task>)(() => waiting)).Should().ThrowAsync<OperationCanceledException>();
        await ((Func<Task>)(() => WaitAsync(key.Revision, Timeout.InfiniteTimeSpan))).Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    private Task<bool> WaitAsync(long revision, TimeSpan timeout) =>
        _a.Fleet.WaitAsync(revision, timeout, TestContext.Current.CancellationToken).AsTask();

    private static async Task<IEnumerable<string>> NodesAsync(ToyHost host) =>
        (await host.Fleet.GetNodesAsync(TestContext.Current.CancellationToken))
            .Select(node => $"{node.Name} {node.Revision} {node.State}{(node.IsThis ? " this" : "")}");
}
