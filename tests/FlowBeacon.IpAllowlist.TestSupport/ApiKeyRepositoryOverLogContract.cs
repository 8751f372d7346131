using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>
/// What an <see cref="IApiKeyRepository"/> does in addition that hands its entries to an <see cref="IAuditLog"/> and writes none itself:
/// the log may be away, and the changes must not wait for it without end.
/// </summary>
public abstract class ApiKeyRepositoryOverLogContract : ApiKeyRepositoryContract
{
    public static TheoryData<string> Outages => [.. OutageAuditLog.Outages];

    /// <summary>A repository without keys that hands its entries to a log.</summary>
    protected abstract IApiKeyRepository CreateOver(IAuditLog audit, TimeProvider time);

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task Refuses_a_change_whose_entries_cannot_be_appended_in_time(string outage)
    {
        (IApiKeyRepository repository, OutageAuditLog log, FakeTimeProvider time) = Failing();
        using OutageAuditLog closing = log;
        await repository.CommitAsync(Change([New(Key("key_1", "one"))], []), TestContext.Current.CancellationToken);
        log.Break(outage);

        Task<long> commit = repository.CommitAsync(
            Change(
                [New(Key("key_2", "two")), Changed(Revoked(Key("key_1", "one")) with { Version = 2 })], [Entry("audit_1", "key_1")]) with
            {
                AuditTimeout = TimeSpan.FromSeconds(2),
            },
            TestContext.Current.CancellationToken).AsTask();
        await PassTimeAsync(commit, log, time, outage, TimeSpan.FromSeconds(2));

        await commit.Invoking(refused => refused).Should().ThrowAsync<AuditUnavailableException>();
        (await repository.GetAsync("key_1", TestContext.Current.CancellationToken))!.Key.IsRevoked.Should().BeFalse();
        (await repository.GetAsync("key_2", TestContext.Current.CancellationToken)).Should().BeNull();
        (await repository.ListAsync(new ApiKeyQuery(), Now, TestContext.Current.CancellationToken)).Should().ContainSingle();
    }

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task Writes_a_change_that_accepts_it_without_its_entries_when_they_were_tried(string outage)
    {
        (IApiKeyRepository repository, OutageAuditLog log, FakeTimeProvider time) = Failing();
        using OutageAuditLog closing = log;
        long before = await repository.CommitAsync(Change([New(Key("key_1", "one"))], []), TestContext.Current.CancellationToken);
        log.Break(outage);

        Task<long> commit = repository.CommitAsync(
            Change([Changed(Revoked(Key("key_1", "one")) with { Version = 2 })], [Entry("audit_1", "key_1")]) with
            {
                AcceptMissingAudit = true,
            },
            TestContext.Current.CancellationToken).AsTask();
        await PassTimeAsync(commit, log, time, outage, TimeSpan.FromSeconds(5));

        (await commit).Should().BeGreaterThan(before);
        (await repository.GetAsync("key_1", TestContext.Current.CancellationToken))!.Key.IsRevoked.Should().BeTrue();
        log.Attempts.Select(entry => entry.Id).Should().Equal("audit_1");
    }

    [Fact]
    public async Task Refuses_a_change_that_accepts_missing_entries_like_any_other_where_it_conflicts()
    {
        (IApiKeyRepository repository, OutageAuditLog log, _) = Failing();
        using OutageAuditLog closing = log;
        await repository.CommitAsync(Change([New(Key("key_1", "one"))], []), TestContext.Current.CancellationToken);
        log.Break(OutageAuditLog.Throws);

        Func<Task> commit = async () => await repository.CommitAsync(
            Change([Changed(Revoked(Key("key_1", "one")) with { Version = 3 })], [Entry("audit_1", "key_1")]) with
            {
                AcceptMissingAudit = true,
            },
            TestContext.Current.CancellationToken);

        (await commit.Should().ThrowAsync<ApiKeyConflictException>()).Which.Conflict.Should().Be(ApiKeyConflict.StaleVersion);
        (await repository.GetAsync("key_1", TestContext.Current.CancellationToken))!.Key.IsRevoked.Should().BeFalse();
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task Marks_entries_recorded_after_the_refusal_as_not_carried_out(string outage)
    {
        (IApiKeyRepository repository, OutageAuditLog log, FakeTimeProvider time) = Failing();
        using OutageAuditLog closing = log;
        log.Break(outage);
        AuditEntry[] entries = [Entry("audit_1", "key_1") with { Detail = "a break-glass key" }, Entry("audit_2", "key_1")];
        Task<long> commit = repository.CommitAsync(
            Change([New(Key("key_1", "one"))], entries), TestContext.Current.CancellationToken).AsTask();
        await PassTimeAsync(commit, log, time, outage, TimeSpan.FromSeconds(5));
        await commit.Invoking(refused => refused).Should().ThrowAsync<AuditUnavailableException>();

        log.Mend();

        await Eventually.IsTrueAsync(
            async () => (await log.ReadAsync(new AuditQuery { Limit = 10 }, TestContext.Current.CancellationToken)).Entries
                .Select(entry => $"{entry.Id} {entry.Detail}").SequenceEqual(["audit_1 not carried out; a break-glass key"]),
            () => "the log tells of a change that did not happen");
        log.Attempts.Should().NotContain(entry => entry.Id == "audit_2", "what was refused need not be begun");
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task A_change_behind_one_that_is_stuck_waits_no_longer_than_its_own_time(string outage)
    {
        (IApiKeyRepository repository, OutageAuditLog log, FakeTimeProvider time) = Failing();
        using OutageAuditLog closing = log;
        log.Break(outage);
        Task<long> first = CommitAsync("key_1", TimeSpan.FromSeconds(50));
        await Eventually.IsTrueAsync(() => log.Attempts.Count == 1, () => "the first change did not reach the log");
        Task<long> second = CommitAsync("key_2", TimeSpan.FromSeconds(3));

        time.Advance(TimeSpan.FromSeconds(3));

        await second.Invoking(refused => refused).Should().ThrowAsync<AuditUnavailableException>();
        first.IsCompleted.Should().BeFalse();
        log.Mend();
        (await first).Should().BePositive();

        Task<long> CommitAsync(string id, TimeSpan timeout) => repository.CommitAsync(
            Change([New(Key(id, id))], [Entry($"audit of {id}", id)]) with { AuditTimeout = timeout },
            TestContext.Current.CancellationToken).AsTask();
    }

    /// <summary>Lets the time of a commit pass that waits for the log.</summary>
    private static async Task PassTimeAsync(Task commit, OutageAuditLog log, FakeTimeProvider time, string outage, TimeSpan timeout)
    {
        if (OutageAuditLog.Waits(outage))
        {
            await Eventually.IsTrueAsync(() => log.Attempts.Count > 0, () => "the change did not reach the log");
            time.Advance(timeout - TimeSpan.FromTicks(10));
            commit.IsCompleted.Should().BeFalse("its time is not over");
            time.Advance(TimeSpan.FromTicks(10));
        }
    }

    private (IApiKeyRepository Repository, OutageAuditLog Log, FakeTimeProvider Time) Failing()
    {
        var log = new OutageAuditLog();
        var time = new FakeTimeProvider(Now);
        return (CreateOver(log, time), log, time);
    }
}
