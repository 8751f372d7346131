using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Every use of a break-glass key is recorded, and a failure to record does not stop it.</summary>
public sealed class BreakGlassUseTests
{
    private static readonly string Key = HeaderLine.Bearer(SchemeKeys.BreakGlass);
    private static readonly string From = HeaderLine.ForwardedFor(SchemeKeys.NotListed);

    /// <summary>Where the use shows first: at the middleware, at the scheme in front of it, or at the scheme alone.</summary>
    public static TheoryData<string, string, int> Uses => new()
    {
        { "Allowlist > Authentication > Authorization", "/open", 200 },
        { "Allowlist > Authentication > Authorization", "/read", 200 },
        { "Allowlist > Authentication > Authorization", "/evaluate", 403 },
        { "Authentication > Authorization > Allowlist", "/open", 200 },
        { "Authentication > Authorization > Allowlist", "/read", 200 },
        { "Authentication > Authorization > Allowlist", "/evaluate", 403 },
        { "Allowlist", "/read", 200 },
        { "Allowlist", "/evaluate", 403 },
        { "Allowlist", "/unchecked-read", 200 },
        { "Allowlist", "/unchecked-evaluate", 403 },
        { "Allowlist", "/api/v1/keys", 200 },
        { "Allowlist", "/api/v1/keys/audit", 200 },
        { "Allowlist", "/nowhere", 404 },
    };

    [Theory]
    [MemberData(nameof(Uses))]
    public async Task A_use_is_logged_counted_and_audited_once(string order, string path, int status)
    {
        var audit = new ScriptedAuditLog(_ => ValueTask.CompletedTask);
        await using KestrelApp app = await StartAsync(audit, order);
        using var metrics = new MetricRecorder(app.Services);

        (await app.GetPathAsync(path, Key, From)).Status.Should().Be(status);

        LogEntry entry = app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Id == 11).Subject;
        entry.Level.Should().Be(LogLevel.Warning);
        entry.Id.Name.Should().Be("BreakGlassKeyUsed");
        entry.Message.Should().Be("Break-glass key break-glass ('fb_live_bbbb') was used from 198.51.100.9");
        metrics.Of("break_glass_uses").Should().Equal("1");
        await AppendedAsync(audit, 1);
        AuditEntry use = audit.Appended.Should().ContainSingle().Subject;
        use.Action.Should().Be(AuditAction.BreakGlassUse);
        use.Actor.Should().Be(new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = "break-glass", Address = "198.51.100.9" });
        use.KeyId.Should().Be("break-glass");
        use.KeyName.Should().Be("In the safe");
        use.Count.Should().Be(1);
    }

    [Fact]
    public async Task The_secret_that_was_presented_is_the_one_logged()
    {
        await using KestrelApp app = await StartAsync(new InMemoryAuditLog());

        (await app.GetPathAsync("/read", HeaderLine.Bearer(SchemeKeys.BreakGlassRetiring), From)).Status.Should().Be(200);

        app.Logs.OfLibrary.Single(entry => entry.Id.Id == 11).Message.Should().Contain("('fb_live_cccc')").And.NotContain("bbbb");
    }

    [Fact]
    public async Task A_use_from_an_address_that_is_not_known_says_so()
    {
        var audit = new ScriptedAuditLog(_ => ValueTask.CompletedTask);
        await using KestrelApp app = await StartAsync(audit);

        (await app.GetPathAsync("/read", Key, HeaderLine.ForwardedFor("unknown"))).Status.Should().Be(200);
        await AppendedAsync(audit, 1);

        app.Logs.OfLibrary.Single(entry => entry.Id.Id == 11).Message.Should().EndWith("was used from unknown");
        audit.Appended.Single().Actor.Address.Should().BeNull();
    }

    [Fact]
    public async Task Other_keys_refused_ones_and_requests_without_a_key_are_no_use()
    {
        var audit = new ScriptedAuditLog(_ => ValueTask.CompletedTask);
        InMemoryApiKeyStore store = SchemeKeys.Store();
        store.Set(SchemeKeys.Create(SchemeKeys.BreakGlass, "break-glass", []) with { IsBreakGlass = true, IsRevoked = true });
        await using KestrelApp app = await StartAsync(audit, store: store);
        using var metrics = new MetricRecorder(app.Services);

        await app.GetPathAsync("/read", Key, From);
        await app.GetPathAsync("/read", HeaderLine.Bearer(SchemeKeys.Anywhere), From);
        await app.GetPathAsync("/read", HeaderLine.Bearer(SchemeKeys.Evaluator), From);
        await app.GetPathAsync("/open", From);

        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Id == 11);
        metrics.Of("break_glass_uses").Should().BeEmpty();
        audit.Appended.Should().BeEmpty();
    }

    [Fact]
    public async Task Uses_within_a_minute_are_one_audit_entry_for_each_address_that_ends_with_their_count()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var audit = new ScriptedAuditLog(_ => ValueTask.CompletedTask);
        await using KestrelApp app = await StartAsync(audit, time: time);
        using var metrics = new MetricRecorder(app.Services);

        for (int i = 0; i < 3; i++)
        {
            await app.GetPathAsync("/read", Key, From);
        }

        await app.GetPathAsync("/read", Key, HeaderLine.ForwardedFor("2001:db8::1"));
        await AppendedAsync(audit, 2);
        audit.Appended.Select(entry => (entry.Actor.Address, entry.Count))
            .Should().BeEquivalentTo([("198.51.100.9", 1), ("2001:db8::1", 1)]);

        time.Advance(TimeSpan.FromMinutes(1));
        await AppendedAsync(audit, 3);

        AuditEntry final = audit.Appended[^1];
        final.Id.Should().Be(audit.Appended.Single(entry => entry.Count == 1 && entry.Actor.Address == "198.51.100.9").Id);
        final.Count.Should().Be(3);
        app.Logs.OfLibrary.Count(entry => entry.Id.Id == 11).Should().Be(4);
        metrics.Sum("break_glass_uses").Should().Be(4);

        await app.GetPathAsync("/read", Key, From);
        await AppendedAsync(audit, 4);
        audit.Appended[^1].Count.Should().Be(1);
        audit.Appended[^1].Id.Should().NotBe(final.Id);
    }

    [Fact]
    public async Task An_audit_log_that_throws_does_not_stop_the_request_and_is_reported()
    {
        var audit = new ScriptedAuditLog(_ => throw new InvalidOperationException("The disk is full."));
        await using KestrelApp app = await StartAsync(audit);

        (await app.GetPathAsync("/read", Key, From)).Status.Should().Be(200);
        await Eventually.IsTrueAsync(() => app.Logs.OfLibrary.Any(entry => entry.Id.Id == 12), () => "the failure was not logged");

        LogEntry entry = app.Logs.OfLibrary.Single(entry => entry.Id.Id == 12);
        entry.Level.Should().Be(LogLevel.Error);
        entry.Message.Should().Contain("BreakGlassUse by break-glass").And.NotContain("fb_live_");
        entry.Exception!.Message.Should().Be("The disk is full.");
        app.Logs.OfLibrary.Should().Contain(entry => entry.Id.Id == 11);
    }

    [Fact]
    public async Task An_audit_log_that_fails_later_does_not_stop_the_request_and_is_reported()
    {
        var audit = new ScriptedAuditLog(async _ =>
        {
            await Task.Yield();
            throw new TimeoutException("The database is away.");
        });
        await using KestrelApp app = await StartAsync(audit);

        (await app.GetPathAsync("/read", Key, From)).Status.Should().Be(200);
        await Eventually.IsTrueAsync(
            () => app.Logs.OfLibrary.Any(entry => entry.Id.Id == 12 && entry.Exception is TimeoutException),
            () => "the failure was not logged");
    }

    [Fact]
    public async Task An_audit_log_that_never_completes_does_not_stop_the_request()
    {
        var never = new TaskCompletionSource();
        var audit = new ScriptedAuditLog(_ => new ValueTask(never.Task));
        await using KestrelApp app = await StartAsync(audit);

        for (int i = 0; i < 3; i++)
        {
            RawResponse response = await app.GetPathAsync("/read", Key, From)
                .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            response.Status.Should().Be(200);
        }
    }

    [Fact]
    public async Task An_audit_log_that_is_away_does_not_keep_a_break_glass_key_from_reading_the_listing()
    {
        var audit = new ScriptedAuditLog(_ => throw new InvalidOperationException("The disk is full."));
        await using KestrelApp app = await StartAsync(audit);

        (await app.GetPathAsync("/api/v1/keys", Key, From)).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_use_that_an_error_page_repeats_is_one_use()
    {
        var audit = new ScriptedAuditLog(_ => ValueTask.CompletedTask);
        await using KestrelApp app = await StartAsync(audit, errorPage: "/open");
        using var metrics = new MetricRecorder(app.Services);

        (await app.GetPathAsync("/nowhere", Key, From)).Status.Should().Be(404);

        app.Logs.OfLibrary.Count(entry => entry.Id.Id == 11).Should().Be(1);
        metrics.Sum("break_glass_uses").Should().Be(1);
    }

    private static Task AppendedAsync(ScriptedAuditLog audit, int entries) =>
        Eventually.IsTrueAsync(() => audit.Appended.Count == entries, () => $"{audit.Appended.Count} entries, expected {entries}");

    private static Task<KestrelApp> StartAsync(
        IAuditLog audit, string order = "Allowlist", InMemoryApiKeyStore? store = null, TimeProvider? time = null,
        string? errorPage = null) =>
        SchemeApp.StartAsync(
            app =>
            {
                if (errorPage is not null)
                {
                    app.UseStatusCodePagesWithReExecute(errorPage);
                    app.UseRouting();
                    app.UseAuthentication();
                    app.UseAuthorization();
                }

                PipelineOrder.Build(app, order);
                app.MapFlowBeaconApiKeys();
                app.MapGet("/open", () => "open");
                app.MapGet("/read", () => "read").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
                app.MapGet("/evaluate", () => "evaluate").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
                app.MapGet("/unchecked-read", () => "read").DisableIpAllowlist().RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
                app.MapGet("/unchecked-evaluate", () => "evaluate").DisableIpAllowlist()
                    .RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            },
            store: store,
            configure: builder =>
            {
                builder.Services.AddSingleton(audit);
                if (time is not null)
                {
                    builder.Services.AddSingleton(time);
                }
            });
}
