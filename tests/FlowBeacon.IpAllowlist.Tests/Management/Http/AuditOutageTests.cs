using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>An audit log that throws, hangs or blocks holds up a change for a while, and no other one after it.</summary>
public sealed class AuditOutageTests : IDisposable
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string Accepting = "?accept_missing_audit=true";

    /// <summary>How long a change waits for the log, unless the settings say otherwise.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>A safety net: no passing test reaches it.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static readonly string[] Changes = ["create", "update", "rotate", "end-grace", "revoke", "recover"];

    private readonly OutageAuditLog _log = new();

    public static TheoryData<string> Outages => [.. OutageAuditLog.Outages];

    public static MatrixTheoryData<string, string> ChangesInOutages => new(Changes, OutageAuditLog.Outages);

    public void Dispose() => _log.Dispose();

    [Theory]
    [MemberData(nameof(ChangesInOutages))]
    public async Task A_change_whose_record_cannot_be_written_is_refused_in_time_and_changes_nothing(string change, string outage)
    {
        await using KeyApiHost host = await StartAsync();
        Func<Task<Answer>> send = await PrepareAsync(host, change);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        IReadOnlyList<AuditEntry> recorded = await ChangesOnRecordAsync(host);
        _log.Break(outage);

        Answer answer = await AnswerAsync(host, send(), outage);

        answer.ShouldBeProblem(503, "Audit unavailable").Text("type").Should().Be("urn:flowbeacon:problems/audit-unavailable");
        answer.Text("detail").Should().EndWith("with accept_missing_audit=true in the query.");
        answer.Detail.Should().NotContain("disk").And.NotContain("database", "what is wrong with the log is for its operators");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        _log.Attempts.Where(entry => entry.Detail?.StartsWith("not carried out", StringComparison.Ordinal) != true)
            .Should().ContainSingle();
        (await ChangesOnRecordAsync(host)).Should().Equal(recorded);
        LogEntry error = host.App.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "AuditUnavailable").Subject;
        error.Level.Should().Be(LogLevel.Error);
        error.Exception.Should().BeOfType(OutageAuditLog.Waits(outage) ? typeof(TimeoutException) : typeof(IOException));
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task A_record_that_lands_after_the_refusal_is_replaced_by_one_that_says_so(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string target = $"{Keys}/{key.Details.Key.Id}";
        _log.Break(outage);
        Answer refused = await AnswerAsync(host, host.SendAsync(Administrator, "PATCH", target, """{"name":"other"}"""), outage);
        refused.Status.Should().Be(503);

        _log.Mend();

        await Eventually.IsTrueAsync(
            async () => (await ChangesOnRecordAsync(host))[0].Detail?.Contains("not carried out", StringComparison.Ordinal) == true,
            () => "the record still tells of a change that did not happen");
        AuditEntry corrected = (await ChangesOnRecordAsync(host))[0];
        corrected.Should().BeEquivalentTo(
            new { _log.Attempts[0].Id, _log.Attempts[0].At, Action = AuditAction.Update, Detail = "not carried out" });
        (await ChangesOnRecordAsync(host)).Should().HaveCount(2, "the creation and the corrected entry");
        (await host.Manager.GetAsync(key.Details.Key.Id, TestContext.Current.CancellationToken)).Should().Be(key.Details);
    }

    [Fact]
    public async Task A_record_that_is_kept_by_a_log_that_throws_is_replaced_by_one_that_says_so()
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        _log.Break(OutageAuditLog.KeepsAndThrows);

        Answer refused = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", """{"name":"other"}""");

        refused.Status.Should().Be(503);
        await Eventually.IsTrueAsync(
            async () => (await ChangesOnRecordAsync(host))[0].Detail == "not carried out",
            () => "the record still tells of a change that did not happen");
        (await host.Manager.GetAsync(key.Details.Key.Id, TestContext.Current.CancellationToken)).Should().Be(key.Details);
    }

    [Theory]
    [InlineData(OutageAuditLog.Throws)]
    [InlineData(OutageAuditLog.FailsLater)]
    [InlineData(OutageAuditLog.Hangs)]
    public async Task A_break_glass_key_reads_and_others_are_refused_whatever_the_log_does(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        string glass = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);
        _log.Break(outage);

        (await host.SendAsync(null, "GET", Keys, null, glass).WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status
            .Should().Be(200);
        (await host.SendAsync(null, "GET", Keys).WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(401);
    }

    [Fact]
    public async Task A_record_that_lands_late_and_cannot_be_replaced_is_logged()
    {
        await using KeyApiHost host = await StartAsync();
        string target = $"{Keys}/{(await host.CreateAsync("make-grid", Listed)).Details.Key.Id}";
        _log.Break(OutageAuditLog.Hangs);
        Task<Answer> sent = host.SendAsync(Administrator, "PATCH", target, """{"name":"other"}""");
        (await AnswerAsync(host, sent, OutageAuditLog.Hangs)).Status.Should().Be(503);
        string id = _log.Attempts[0].Id;

        _log.Break(OutageAuditLog.Throws);
        _log.Release();

        await Eventually.IsTrueAsync(
            () => host.App.Logs.OfLibrary.Any(entry => entry.Id.Name == "AuditNotCorrected"), () => "it was not logged");
        LogEntry error = host.App.Logs.OfLibrary.Single(entry => entry.Id.Name == "AuditNotCorrected");
        error.Level.Should().Be(LogLevel.Error);
        error.Message.Should().Contain(id);
        error.Exception.Should().BeOfType<IOException>();
    }

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task Changes_after_the_outage_go_through(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        string target = $"{Keys}/{(await host.CreateAsync("make-grid", Listed)).Details.Key.Id}";
        _log.Break(outage);
        (await AnswerAsync(host, host.SendAsync(Administrator, "PATCH", target, """{"name":"other"}"""), outage)).Status.Should().Be(503);
        _log.Mend();

        Task<Answer> later = host.SendAsync(Administrator, "PATCH", target, """{"name":"third"}""");
        (await later.WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(200);
        (await host.SendAsync(Administrator, "DELETE", target)).Status.Should().Be(200);
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task Many_changes_behind_one_that_is_stuck_are_all_refused_in_about_the_time_of_one(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        string[] targets = await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
            $"{Keys}/{(await host.CreateAsync($"name {number}", Listed)).Details.Key.Id}"));
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        _log.Break(outage);

        Task<Answer>[] sent = [.. targets.Select((target, number) => number % 2 == 0
            ? host.SendAsync(Administrator, "DELETE", target)
            : host.SendAsync(Administrator, "PATCH", target, """{"allowed_ips":[]}"""))];
        TimeSpan waited = await PassTimeUntilAsync(host, Task.WhenAll(sent));

        (await Task.WhenAll(sent)).Should().OnlyContain(answer => answer.Status == 503);
        waited.Should().BeLessThan(10 * Patience, "20 changes one after the other would take 20 times as long as one");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task A_revocation_that_accepts_a_missing_record_goes_through_and_is_logged(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey leaked = await host.CreateAsync("leaked");
        string id = leaked.Details.Key.Id;
        _log.Break(outage);

        Answer answer = await AnswerAsync(host, host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}{Accepting}"), outage);

        answer.Status.Should().Be(200);
        answer.Text("state").Should().Be("revoked");
        (await host.UseAsync(leaked.RawKey)).Should().Be(401);
        _log.Attempts.Should().ContainSingle("the record is tried first").Which.Action.Should().Be(AuditAction.Revoke);
        LogEntry error = host.App.Logs.OfLibrary.Should().ContainSingle(entry => entry.Level == LogLevel.Error).Subject;
        error.Id.Name.Should().Be("AuditMissing");
        error.Message.Should().Contain(id).And.Contain("alice");
        error.Exception.Should().BeOfType(OutageAuditLog.Waits(outage) ? typeof(TimeoutException) : typeof(IOException));
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task A_record_that_lands_after_the_revocation_it_was_missing_from_stays_as_it_is(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        string id = (await host.CreateAsync("leaked")).Details.Key.Id;
        _log.Break(outage);
        (await AnswerAsync(host, host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}{Accepting}"), outage)).Status.Should().Be(200);

        _log.Mend();

        await Eventually.IsTrueAsync(async () => (await ChangesOnRecordAsync(host)).Count == 2, () => "the revocation never landed");
        AuditEntry landed = (await ChangesOnRecordAsync(host))[0];
        landed.Should().BeEquivalentTo(new { Action = AuditAction.Revoke, KeyId = id });
        landed.Detail.Should().BeNull("it happened");
    }

    [Theory]
    [InlineData(OutageAuditLog.Hangs)]
    [InlineData(OutageAuditLog.Blocks)]
    public async Task A_revocation_that_accepts_a_missing_record_waits_for_no_change_that_is_stuck(string outage)
    {
        await using KeyApiHost host = await StartAsync();
        string[] others = await Task.WhenAll(Enumerable.Range(0, 5).Select(async number =>
            $"{Keys}/{(await host.CreateAsync($"name {number}", Listed)).Details.Key.Id}"));
        IssuedApiKey leaked = await host.CreateAsync("leaked");
        _log.Break(outage);
        Task<Answer>[] stuck = [.. others.Select(other => host.SendAsync(Administrator, "PATCH", other, """{"allowed_ips":[]}"""))];
        await Eventually.IsTrueAsync(() => _log.Attempts.Count == 1, () => "no change reached the log");

        Task<Answer> revocation = host.SendAsync(Administrator, "DELETE", $"{Keys}/{leaked.Details.Key.Id}{Accepting}");
        await Eventually.IsTrueAsync(
            () => _log.Attempts.Any(entry => entry.Action == AuditAction.Revoke), () => "the revocation waits behind the stuck change");
        host.Time.Advance(Patience);

        (await revocation.WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(200);
        (await host.UseAsync(leaked.RawKey)).Should().Be(401);
        await PassTimeUntilAsync(host, Task.WhenAll(stuck));
        (await Task.WhenAll(stuck)).Should().OnlyContain(answer => answer.Status == 503);
    }

    [Fact]
    public async Task A_revocation_of_a_key_whose_change_is_stuck_goes_through_and_the_change_is_refused_even_if_its_record_lands_in_time()
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey leaked = await host.CreateAsync("leaked");
        string target = $"{Keys}/{leaked.Details.Key.Id}";
        _log.Break(OutageAuditLog.Hangs);
        Task<Answer> update = host.SendAsync(Administrator, "PATCH", target, """{"name":"other"}""", "If-Match: \"1\"");
        await Eventually.IsTrueAsync(() => _log.Attempts.Count == 1, () => "the update did not reach the log");
        _log.Break(OutageAuditLog.Throws);
        Task<Answer> revocation = host.SendAsync(Administrator, "DELETE", target + Accepting);
        (await revocation.WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(200);

        _log.Mend();

        (await update.WaitAsync(Deadline, TestContext.Current.CancellationToken)).ShouldBeProblem(412, "Stale version");
        (await host.UseAsync(leaked.RawKey)).Should().Be(401);
        await Eventually.IsTrueAsync(
            async () => (await ChangesOnRecordAsync(host))[0].Detail?.StartsWith("not carried out", StringComparison.Ordinal) == true,
            () => "the record tells of a change that did not happen");
    }

    [Fact]
    public async Task A_revocation_that_accepts_a_missing_record_has_one_where_the_log_works()
    {
        await using KeyApiHost host = await StartAsync();
        string id = (await host.CreateAsync("leaked")).Details.Key.Id;

        (await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}{Accepting}")).Status.Should().Be(200);

        (await ChangesOnRecordAsync(host))[0].Should().BeEquivalentTo(new { Action = AuditAction.Revoke, KeyId = id });
        host.App.Logs.OfLibrary.Should().NotContain(entry => entry.Level == LogLevel.Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("True")]
    [InlineData("TRUE")]
    [InlineData("1")]
    [InlineData("yes")]
    [InlineData("%20true")]
    public async Task Only_true_or_false_accepts_a_missing_record_or_not(string value)
    {
        await using KeyApiHost host = await StartAsync();
        string target = $"{Keys}/{(await host.CreateAsync("a")).Details.Key.Id}?accept_missing_audit=";
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        (await host.SendAsync(Administrator, "DELETE", target + value)).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("accept_missing_audit: must be true or false");

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        _log.Break(OutageAuditLog.Throws);
        (await host.SendAsync(Administrator, "DELETE", target + "false")).Status.Should().Be(503);
        (await host.SendAsync(Administrator, "DELETE", target + "true")).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_settings_say_how_long_a_change_waits()
    {
        await using KeyApiHost host = await StartAsync(options => options.AuditTimeout = TimeSpan.FromSeconds(40));
        string target = $"{Keys}/{(await host.CreateAsync("a")).Details.Key.Id}";
        _log.Break(OutageAuditLog.Hangs);
        Task<Answer> sent = host.SendAsync(Administrator, "DELETE", target);
        await Eventually.IsTrueAsync(() => _log.Attempts.Count > 0, () => "the change did not reach the log");

        host.Time.Advance(TimeSpan.FromSeconds(39));
        _log.Mend();

        (await sent.WaitAsync(Deadline, TestContext.Current.CancellationToken)).Status.Should().Be(200, "the log answered in time");
        _log.Break(OutageAuditLog.Throws);
        (await host.SendAsync(Administrator, "DELETE", target)).Status.Should().Be(200, "a revoked key needs no record to stay revoked");
    }

    [Fact]
    public async Task No_other_change_accepts_a_missing_record()
    {
        await using KeyApiHost host = await StartAsync();
        var sending = new List<Func<Task<Answer>>>();
        foreach (string change in Changes.Where(change => change != "revoke"))
        {
            sending.Add(await PrepareAsync(host, change, Accepting));
        }

        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        _log.Break(OutageAuditLog.Throws);
        foreach (Func<Task<Answer>> send in sending)
        {
            (await send()).Status.Should().Be(503);
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Fact]
    public async Task Revoking_without_a_record_needs_the_same_permission()
    {
        await using KeyApiHost host = await StartAsync();
        IssuedApiKey key = await host.CreateAsync("a");
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        string target = $"{Keys}/{key.Details.Key.Id}{Accepting}";
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        _log.Break(OutageAuditLog.Throws);

        (await host.SendAsync(null, "DELETE", target)).Status.Should().Be(401);
        (await host.SendAsync(KeyApiHost.Member, "DELETE", target)).Status.Should().Be(403);
        (await host.SendAsync(null, "DELETE", target, null, KeyApiHost.Bearer(glass.RawKey))).Status.Should().Be(403);

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        _log.Attempts.Should().BeEmpty();
    }

    private Task<KeyApiHost> StartAsync(Action<IpAllowlistOptions>? options = null) => KeyApiHost.StartAsync(builder =>
    {
        builder.Services.AddSingleton<IAuditLog>(_log);
        builder.Services.Configure(options ?? (_ => { }));
    });

    /// <summary>Prepares a change, and returns its request.</summary>
    private static async Task<Func<Task<Answer>>> PrepareAsync(KeyApiHost host, string change, string query = "")
    {
        if (change == "create")
        {
            return () => host.SendAsync(
                Administrator, "POST", Keys + query, $$"""{"name":"created","allowed_ips":["{{Listed}}"]}""");
        }

        IssuedApiKey key = await host.CreateAsync($"name of {change}", Listed);
        string target = $"{Keys}/{key.Details.Key.Id}";
        switch (change)
        {
            case "update":
                return () => host.SendAsync(Administrator, "PATCH", target + query, """{"allowed_ips":["2001:db8::7"]}""");
            case "revoke":
                return () => host.SendAsync(Administrator, "DELETE", target + query);
            case "rotate":
                return () => host.SendAsync(Administrator, "POST", $"{target}/rotate{query}");
            case "end-grace":
                (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).Status.Should().Be(200);
                return () => host.SendAsync(Administrator, "POST", $"{target}/end-grace{query}");
            default:
                (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
                string glass = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);
                return () => host.SendAsync(null, "POST", $"{target}/{change}{query}", null, glass, $"X-Forwarded-For: {NotListed}");
        }
    }

    /// <summary>The answer to a change during an outage: one that waits comes when the time is over, and not before.</summary>
    private async Task<Answer> AnswerAsync(KeyApiHost host, Task<Answer> sent, string outage)
    {
        if (OutageAuditLog.Waits(outage))
        {
            await Eventually.IsTrueAsync(() => _log.Attempts.Count > 0, () => "the change did not reach the log");
            host.Time.Advance(Patience - TimeSpan.FromTicks(10));
            sent.IsCompleted.Should().BeFalse("the time is not over");
            host.Time.Advance(TimeSpan.FromTicks(10));
        }

        return await sent.WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    /// <summary>Lets time pass until something has happened.</summary>
    /// <returns>How much passed.</returns>
    private static async Task<TimeSpan> PassTimeUntilAsync(KeyApiHost host, Task happened)
    {
        DateTimeOffset start = host.Time.GetUtcNow();
        await Eventually.IsTrueAsync(
            () =>
            {
                host.Time.Advance(Patience / 20);
                return happened.IsCompleted;
            },
            () => "it did not end, however much time passed");
        return host.Time.GetUtcNow() - start;
    }

    /// <summary>The entries about changes of keys, the newest first.</summary>
    private static async Task<IReadOnlyList<AuditEntry>> ChangesOnRecordAsync(KeyApiHost host) =>
        [.. (await host.AuditAsync()).Where(entry => entry.Action is not (AuditAction.Refused or AuditAction.BreakGlassUse))];
}
