using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The default fleet: this process, whose requests see a change as soon as it is committed.</summary>
public sealed class FleetStatusTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManagedKeys _keys = new();
    private readonly SingleNode _fleet;

    public FleetStatusTests() => _fleet = new SingleNode(_keys.Repository, _keys.Time);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_revision_is_that_of_the_last_committed_change()
    {
        _fleet.Revision.Should().Be(0);

        string id = (await _keys.CreateAsync("one", "203.0.113.7")).Details.Key.Id;
        _fleet.Revision.Should().Be(1);
        await _keys.RevokeAsync(id);
        _fleet.Revision.Should().Be(2);

        await ManagedKeys.RefusedAsync(() => _keys.RotateAsync(id));
        _fleet.Revision.Should().Be(2, "nothing was committed");
    }

    [Fact]
    public async Task The_fleet_is_this_node()
    {
        await _keys.CreateAsync("one", "203.0.113.7");

        FleetNode node = (await _fleet.GetNodesAsync(Cancelled)).Should().ContainSingle().Which;

        node.Should().BeEquivalentTo(new
        {
            Name = Environment.MachineName,
            IsThis = true,
            Revision = 1L,
            LastContact = _keys.Now,
            State = FleetNodeState.UpToDate,
        });
        node.Id.Should().NotBeEmpty().And.Be((await _fleet.GetNodesAsync(Cancelled)).Single().Id);
        node.Id.Should().NotBe((await new SingleNode(_keys.Repository, _keys.Time).GetNodesAsync(Cancelled)).Single().Id);
    }

    [Fact]
    public async Task A_committed_revision_need_not_be_waited_for()
    {
        await _keys.CreateAsync("one", "203.0.113.7");

        ValueTask<bool> waiting = _fleet.WaitAsync(1, TimeSpan.Zero, Cancelled);

        waiting.IsCompleted.Should().BeTrue();
        (await waiting).Should().BeTrue();
        (await _fleet.WaitAsync(2, TimeSpan.Zero, Cancelled)).Should().BeFalse();
    }

    [Fact]
    public async Task Waits_until_a_revision_is_committed()
    {
        Task<bool> waiting = _fleet.WaitAsync(1, Second, Cancelled).AsTask();
        waiting.IsCompleted.Should().BeFalse();

        await _keys.CreateAsync("one", "203.0.113.7");
        _keys.Time.Advance(Second / 2);

        (await waiting).Should().BeTrue();
    }

    [Fact]
    public async Task Waits_no_longer_than_the_timeout()
    {
        Task<bool> waiting = _fleet.WaitAsync(1, Second, Cancelled).AsTask();

        while (_keys.Now < ManagedKeys.Start + (0.9 * Second))
        {
            _keys.Time.Advance(TimeSpan.FromMilliseconds(50));
            waiting.IsCompleted.Should().BeFalse();
        }

        await Eventually.IsTrueAsync(
            () =>
            {
                _keys.Time.Advance(TimeSpan.FromMilliseconds(50));
                return waiting.IsCompleted;
            },
            () => "it still waits");
        (await waiting).Should().BeFalse();
    }

    [Fact]
    public async Task Waiting_can_be_cancelled_and_needs_a_finite_timeout()
    {
        using var source = new CancellationTokenSource();
        Task<bool> waiting = _fleet.WaitAsync(1, Second, source.Token).AsTask();
        await source.CancelAsync();

        await ((Func<Task>)(() => waiting)).Should().ThrowAsync<OperationCanceledException>();
        await ((Func<Task>)(() => _fleet.WaitAsync(1, Timeout.InfiniteTimeSpan, Cancelled).AsTask()))
            .Should().ThrowAsync<ArgumentOutOfRangeException>().WithParameterName("timeout");
    }

    [Fact]
    public async Task With_another_repository_it_throws_and_names_the_remedy()
    {
        var fleet = new SingleNode(new ForeignRepository(), new FakeTimeProvider());

        ((Func<long>)(() => fleet.Revision)).Should().Throw<InvalidOperationException>()
            .WithMessage($"*{nameof(ForeignRepository)}*AddSingleton<IFleetStatus, …>()*");
        await ((Func<Task>)(() => fleet.GetNodesAsync(Cancelled).AsTask())).Should().ThrowAsync<InvalidOperationException>();
        await ((Func<Task>)(() => fleet.WaitAsync(1, Second, Cancelled).AsTask())).Should().ThrowAsync<InvalidOperationException>();
    }

    private sealed class ForeignRepository : IApiKeyRepository
    {
        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => new(1);

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => new((ApiKeyDetails?)null);

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => new([]);

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
