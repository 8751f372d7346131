using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>What a caller can repeat at will is one entry per action, actor and minute, with its count.</summary>
public sealed class ThrottledAuditTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2027, 1, 1, 12, 0, 10, TimeSpan.Zero);
    private static readonly ApiKeyActor Glass = new() { Kind = ApiKeyActorKind.Key, Id = "key_glass", Address = "203.0.113.7" };

    private readonly FakeTimeProvider _time = new(Start);
    private readonly LogRecorder _logs = new();
    private readonly ILoggerFactory _loggers;

    public ThrottledAuditTests() => _loggers = LoggerFactory.Create(logging => logging.AddProvider(_logs));

    public void Dispose()
    {
        _loggers.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public void Writes_the_first_event_at_once_with_all_details()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);

        audit.Record(AuditAction.BreakGlassUse, Glass, "key_glass", "glass", "GET /api/v1/keys");

        AuditEntry entry = log.Written.Should().ContainSingle().Which;
        entry.Should().BeEquivalentTo(new
        {
            At = Start,
            Action = AuditAction.BreakGlassUse,
            Actor = Glass,
            KeyId = "key_glass",
            KeyName = "glass",
            Detail = "GET /api/v1/keys",
            Count = 1,
        });
        entry.Id.Should().MatchRegex("^audit_[0-9a-f]{32}$");
    }

    [Fact]
    public void Writes_the_final_count_under_the_same_id_when_the_minute_is_over()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        Repeat(5, () => Record(audit));
        log.Written.Should().ContainSingle("the others of the minute are only counted");

        _time.Advance(TimeSpan.FromMinutes(1));

        log.Written.Should().HaveCount(2);
        log.Written[1].Should().BeEquivalentTo(log.Written[0] with { Count = 5 });
        _time.Advance(TimeSpan.FromMinutes(10));
        log.Written.Should().HaveCount(2, "the final count is written once");
    }

    [Fact]
    public void Writes_a_single_event_once()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        Record(audit);

        _time.Advance(TimeSpan.FromMinutes(10));

        log.Written.Should().ContainSingle();
    }

    [Fact]
    public void Begins_a_new_entry_with_every_minute()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        for (int minute = 0; minute < 3; minute++)
        {
            Repeat(minute + 2, () => Record(audit));
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        log.Final.Select(entry => entry.Count).Should().Equal(2, 3, 4);
        log.Final.Select(entry => entry.At).Should().Equal(Start, Start.AddMinutes(1), Start.AddMinutes(2));
    }

    [Fact]
    public void Does_not_close_a_minute_that_still_runs()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        _time.Advance(TimeSpan.FromSeconds(50));

        // 12:01:00: its minute has just begun when the timer comes at 12:01:10.
        Record(audit);
        _time.Advance(TimeSpan.FromSeconds(20));
        Record(audit);
        log.Written.Should().ContainSingle();

        _time.Advance(TimeSpan.FromMinutes(1));
        log.Final.Should().ContainSingle().Which.Count.Should().Be(2);
    }

    [Fact]
    public void Keeps_actions_actors_and_addresses_apart()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        (AuditAction, ApiKeyActor)[] occasions =
        [
            (AuditAction.BreakGlassUse, Glass),
            (AuditAction.Refused, Glass),
            (AuditAction.BreakGlassUse, Glass with { Address = "203.0.113.8" }),
            (AuditAction.BreakGlassUse, Glass with { Address = null }),
            (AuditAction.BreakGlassUse, Glass with { Id = "key_other" }),
            (AuditAction.BreakGlassUse, Glass with { Kind = ApiKeyActorKind.User }),
        ];
        foreach ((AuditAction action, ApiKeyActor actor) in occasions.Concat(occasions))
        {
            audit.Record(action, actor, null, null, null);
        }

        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final.Select(entry => (entry.Action, entry.Actor)).Should().Equal(occasions);
        log.Final.Should().OnlyContain(entry => entry.Count == 2);
    }

    [Fact]
    public async Task Counts_every_one_of_many_callers_at_once()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Repeat(1_000, () => Record(audit)))));
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Written.Should().HaveCount(2);
        log.Final.Should().ContainSingle().Which.Count.Should().Be(8_000);
    }

    [Fact]
    public void Does_not_fail_because_the_audit_log_throws()
    {
        var outage = new IOException("the audit database is away");
        var log = new ScriptedAuditLog { OnAppend = _ => throw outage };
        using ThrottledAudit audit = Create(log);

        Repeat(3, () => Record(audit));
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Appends.Should().Be(2);
        _logs.OfLibrary.Should().HaveCount(2).And.OnlyContain(entry =>
            entry.Level == LogLevel.Error && entry.Id.Id == 12 && entry.Exception == outage
            && entry.Message == "The audit log failed to record an entry: BreakGlassUse by key_glass. The request continued");
    }

    [Fact]
    public void Does_not_fail_because_the_audit_log_fails_later()
    {
        var log = new ScriptedAuditLog { OnAppend = _ => ValueTask.FromException(new IOException("the audit database is away")) };
        using ThrottledAudit audit = Create(log);

        Repeat(3, () => Record(audit));
        _time.Advance(TimeSpan.FromMinutes(1));

        _logs.OfLibrary.Select(entry => entry.Id.Id).Should().Equal(12, 12);
    }

    [Fact]
    public void Writes_the_count_of_the_outage_once_the_audit_log_is_back()
    {
        bool isAway = true;
        var log = new ScriptedAuditLog { OnAppend = _ => isAway ? throw new IOException("away") : ValueTask.CompletedTask };
        using ThrottledAudit audit = Create(log);
        Repeat(3, () => Record(audit));

        isAway = false;
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final.Should().ContainSingle().Which.Count.Should().Be(3);
    }

    [Fact]
    public void Does_not_wait_for_an_audit_log_that_hangs()
    {
        var never = new TaskCompletionSource();
        var log = new ScriptedAuditLog { OnAppend = _ => new ValueTask(never.Task) };
        using ThrottledAudit audit = Create(log);

        Repeat(3, () => Record(audit));
        audit.Record(AuditAction.Refused, Glass, null, null, null);
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Appends.Should().BeGreaterThanOrEqualTo(2);
    }

    [Fact]
    public void A_slow_first_write_does_not_replace_the_final_count()
    {
        var first = new TaskCompletionSource();
        var log = new ScriptedAuditLog();
        log.OnAppend = entry => log.Appends == 1 ? new ValueTask(first.Task) : ValueTask.CompletedTask;
        using ThrottledAudit audit = Create(log);
        Repeat(5, () => Record(audit));
        _time.Advance(TimeSpan.FromMinutes(1));

        first.SetResult();
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final.Should().ContainSingle().Which.Count.Should().Be(5);
    }

    [Fact]
    public void Writes_what_it_has_counted_when_the_host_stops()
    {
        var log = new ScriptedAuditLog();
        ThrottledAudit audit = Create(log);
        Repeat(4, () => Record(audit));
        audit.Record(AuditAction.Refused, Glass, null, null, null);

        audit.Dispose();

        log.Final.Select(entry => (entry.Action, entry.Count)).Should().Equal((AuditAction.BreakGlassUse, 4), (AuditAction.Refused, 1));
        log.Written.Should().HaveCount(3);
    }

    [Fact]
    public void Is_bounded_for_any_number_of_addresses()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        for (int number = 0; number < 20_000; number++)
        {
            audit.Record(
                AuditAction.Refused, Anonymous($"2001:db8::{number:x}"), null, null, null);
            audit.Record(AuditAction.BreakGlassUse, Glass with { Address = $"2001:db8::{number:x}" }, "key_glass", "glass", null);
        }

        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final.Should().HaveCountLessThanOrEqualTo(2_002, "strangers and keys have a bound each");
        log.Final.Sum(entry => entry.Count).Should().Be(40_000, "nothing goes uncounted");
        AuditEntry[] shared = [.. log.Final.Where(entry => entry.Actor.Address is null)];
        shared.Select(entry => (entry.Action, entry.Actor.Kind, entry.Actor.Id)).Should().BeEquivalentTo(
            [(AuditAction.Refused, ApiKeyActorKind.Anonymous, "others"), (AuditAction.BreakGlassUse, ApiKeyActorKind.Key, "key_glass")],
            "a break-glass key is named even where its address is not");
    }

    [Fact]
    public void Uses_beyond_the_bound_share_entries_that_say_what_was_done_and_no_longer_to_which_key()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        for (int number = 0; number < 5_000; number++)
        {
            string what = number % 2 == 0 ? "GET /keys/{id}" : "GET /keys/{id}/sources";
            audit.Record(AuditAction.BreakGlassUse, Glass, "key_glass", "glass", $"{what} of key_{number}", what);
        }

        ApiKeyActor other = Glass with { Id = "key_other" };
        audit.Record(AuditAction.BreakGlassUse, other, "key_other", "other", "GET /keys/{id} of key_1", "GET /keys/{id}");
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final.Should().HaveCount(1_000 + 2 + 1);
        log.Final.Where(entry => entry.Actor.Address is null).Select(entry => $"{entry.Detail} {entry.Count}")
            .Should().Equal("GET /keys/{id} 2000", "GET /keys/{id}/sources 2000");
        log.Final[^1].Should().BeEquivalentTo(
            new { KeyId = "key_other", Actor = other, Detail = "GET /keys/{id} of key_1" }, "each key has its own bound");
    }

    [Fact]
    public void Has_room_again_in_the_next_minute()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        for (int number = 0; number < 2_000; number++)
        {
            audit.Record(
                AuditAction.Refused, Anonymous($"2001:db8::{number:x}"), null, null, null);
        }

        _time.Advance(TimeSpan.FromMinutes(1));
        Record(audit);

        log.Final[^1].Actor.Should().Be(Glass);
    }

    [Fact]
    public void A_caller_who_was_there_before_the_bound_keeps_his_entry()
    {
        var log = new ScriptedAuditLog();
        using ThrottledAudit audit = Create(log);
        Record(audit);
        for (int number = 0; number < 2_000; number++)
        {
            audit.Record(
                AuditAction.Refused, Anonymous($"2001:db8::{number:x}"), null, null, null);
        }

        Record(audit);
        _time.Advance(TimeSpan.FromMinutes(1));

        log.Final[0].Should().BeEquivalentTo(new { Actor = Glass, Count = 2 });
    }

    private static void Record(ThrottledAudit audit) => audit.Record(AuditAction.BreakGlassUse, Glass, "key_glass", "glass", null);

    private static void Repeat(int times, Action action)
    {
        for (int time = 0; time < times; time++)
        {
            action();
        }
    }

    private ThrottledAudit Create(IAuditLog log) => new(log, _time, _loggers);

    /// <summary>An audit log that a test controls; it keeps accepted entries in the order of acceptance.</summary>
    private sealed class ScriptedAuditLog : IAuditLog
    {
        private readonly ConcurrentQueue<AuditEntry> _written = new();
        private int _appends;

        public Func<AuditEntry, ValueTask> OnAppend { get; set; } = _ => ValueTask.CompletedTask;

        public int Appends => Volatile.Read(ref _appends);

        public IReadOnlyList<AuditEntry> Written => [.. _written];

        /// <summary>Every entry as it was last written, in the order of the first writing.</summary>
        public IReadOnlyList<AuditEntry> Final => [.. _written.GroupBy(entry => entry.Id).Select(written => written.Last())];

        public async ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _appends);
            await OnAppend(entry);
            _written.Enqueue(entry);
        }

        public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private static ApiKeyActor Anonymous(string address) =>
        new() { Kind = ApiKeyActorKind.Anonymous, Id = "anonymous", Address = address };
}
