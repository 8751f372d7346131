using System.Text;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// Recovers a locked-out key over HTTP from the address that it was just denied from.
/// </summary>
public sealed class RecoverApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string Caller = "198.51.100.9";
    private const string Elsewhere = "192.0.2.1";

    [Fact]
    public async Task A_break_glass_key_allows_the_address_it_calls_from_and_no_other_at_the_next_request()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);
        (await host.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);

        Answer answer = await RecoverAsync(host, key, glass);

        answer.Status.Should().Be(200, answer.Body);
        answer.ContentType.Should().Be("application/json");
        answer.Headers.CacheControl!.ToString().Should().Be("no-store");
        answer.Text("id").Should().Be(key.Details.Key.Id);
        answer.Texts("allowed_ips").Should().Equal(Caller, Listed);
        answer.Json.GetProperty("version").GetInt64().Should().Be(2);
        answer.ETag.Should().Be("\"2\"");
        answer.Members.Should().NotContain("key");
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(200);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
    }

    [Fact]
    public async Task A_recovery_is_on_record_with_who_where_and_both_lists()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("locked-out", Listed);
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        await host.UseAsync(key.RawKey, Caller);

        (await RecoverAsync(host, key, glass.RawKey)).Status.Should().Be(200);

        Answer audit = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?key_id={key.Details.Key.Id}&limit=1");
        JsonElement entry = audit.Json.GetProperty("entries")[0];
        entry.GetProperty("action").GetString().Should().Be("recover");
        entry.GetProperty("actor").GetRawText().Should().Be($$"""{"kind":"key","id":"{{glass.Details.Key.Id}}","address":"{{Caller}}"}""");
        entry.GetProperty("key_name").GetString().Should().Be("locked-out");
        entry.GetProperty("old_allowed_ips").GetRawText().Should().Be($$"""["{{Listed}}"]""");
        entry.GetProperty("new_allowed_ips").GetRawText().Should().Be($$"""["{{Caller}}","{{Listed}}"]""");
    }

    [Fact]
    public async Task A_signed_in_administrator_recovers_by_the_same_rules()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, _) = await StartLockedOutAsync(host);

        (await RecoverAsync(host, key, null, Elsewhere, Administrator)).ShouldBeProblem(409, "Conflict")
            .Detail.Should().Be($"The key was not recently denied from {Elsewhere}. Send a request with it from here first.");
        (await RecoverAsync(host, key, null, Caller, Administrator)).Texts("allowed_ips").Should().Equal(Caller, Listed);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(200);

        AuditEntry entry = (await host.AuditAsync()).First(entry => entry.Action == AuditAction.Recover);
        entry.Actor.Should().Be(new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = "alice", Address = Caller });
    }

    [Theory]
    [InlineData(60 * 60, 200)]
    [InlineData((60 * 60) + 1, 409)]
    public async Task A_denial_counts_as_recent_for_an_hour(int seconds, int status)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);

        host.Time.Advance(TimeSpan.FromSeconds(seconds));

        (await RecoverAsync(host, key, glass)).Status.Should().Be(status);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(status == 200 ? 200 : 403);
    }

    [Fact]
    public async Task A_key_is_recovered_once_an_hour_whoever_asks_and_from_wherever()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);
        (await RecoverAsync(host, key, glass)).Status.Should().Be(200);
        await host.UseAsync(key.RawKey, Elsewhere);

        Answer[] tooSoon =
        [
            await RecoverAsync(host, key, glass, Elsewhere),
            await RecoverAsync(host, key, null, Elsewhere, Administrator),
        ];
        foreach (Answer again in tooSoon)
        {
            again.ShouldBeProblem(409, "Conflict").Detail.Should().Be(
                "The key was recovered at 2027-01-01 12:00:00Z. It can be recovered once an hour.");
        }

        host.Time.Advance(TimeSpan.FromHours(1));
        (await RecoverAsync(host, key, glass, Elsewhere)).Texts("allowed_ips").Should().Equal(Elsewhere, Caller, Listed);
    }

    [Fact]
    public async Task The_hour_of_one_key_does_not_hold_up_another()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);
        IssuedApiKey other = await host.CreateAsync("other", Listed);
        await host.UseAsync(other.RawKey, Caller);

        (await RecoverAsync(host, key, glass)).Status.Should().Be(200);
        (await RecoverAsync(host, other, glass)).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_recorded_denials_of_the_key_decide_and_a_refusal_changes_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string glass = (await host.CreateBreakGlassAsync()).RawKey;
        IssuedApiKey never = await host.CreateAsync("never denied", Listed);
        IssuedApiKey elsewhere = await host.CreateAsync("denied elsewhere", Listed);
        await host.UseAsync(elsewhere.RawKey, Elsewhere);
        IssuedApiKey unusable = await host.CreateAsync("denied without an address", Listed);
        await host.UseAsync(unusable.RawKey, "unknown");
        IssuedApiKey rehearsed = await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });
        (await host.UseAsync(rehearsed.RawKey, Caller)).Should().Be(200);
        IssuedApiKey unrestricted = await host.CreateAsync("unrestricted");
        (await host.UseAsync(unrestricted.RawKey, Caller)).Should().Be(200);
        IssuedApiKey listed = await host.CreateAsync("listed", Caller);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach (IssuedApiKey key in new[] { never, elsewhere, unusable, rehearsed })
        {
            (await RecoverAsync(host, key, glass)).ShouldBeProblem(409, "Conflict")
                .Detail.Should().Be($"The key was not recently denied from {Caller}. Send a request with it from here first.");
        }

        (await RecoverAsync(host, unrestricted, glass)).ShouldBeProblem(409, "Conflict")
            .Detail.Should().Be("The key has no list, so nothing locks it out. A first address would turn the check on.");
        (await RecoverAsync(host, listed, glass))
            .ShouldBeProblem(409, "Conflict").Detail.Should().Be($"{Caller} is on the key's list already.");
        (await RecoverAsync(host, never, glass, "unknown")).ShouldBeProblem(409, "Conflict")
            .Detail.Should().Be("The client address of your request is unknown, so it cannot be allowed.");
        (await host.SendAsync(Administrator, "POST", $"{Keys}/key_unknown/recover")).ShouldBeProblem(404, "Key not found")
            .Detail.Should().Be("There is no key with this id.");

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await host.AuditAsync()).Should().NotContain(entry => entry.Action == AuditAction.Recover);
    }

    [Fact]
    public async Task A_rehearsed_denial_from_before_the_list_was_enforced_is_none()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string glass = (await host.CreateBreakGlassAsync()).RawKey;
        IssuedApiKey key = await host.CreateAsync(
            new NewApiKey { Name = "rehearsed", AllowedIps = [Listed], AllowlistMode = AllowlistMode.ReportOnly });
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(200);
        (await host.SendAsync(
            Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", """{"allowlist_mode":"enforce","accept_lockout_risk":true}""")).Status
            .Should().Be(200);

        (await RecoverAsync(host, key, glass)).ShouldBeProblem(409, "Conflict");
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);
        (await RecoverAsync(host, key, glass)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Other_callers_cannot_recover()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);
        string ordinary = (await host.CreateAsync(new NewApiKey { Name = "ordinary", AllowedIps = [], Scopes = ApiKeyScopes.All })).RawKey;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        (await RecoverAsync(host, key, ordinary)).ShouldBeProblem(403, "Admin or owner role required")
            .Detail.Should().Be("Keys are administered by signed-in people in the role admin or owner, not by API keys.");
        (await RecoverAsync(host, key, null, Caller, KeyApiHost.Member)).ShouldBeProblem(403, "Admin or owner role required");
        (await RecoverAsync(host, key, key.RawKey)).ShouldBeProblem(403, "IP address not allowed");
        (await RecoverAsync(host, key, glass[..^1] + (glass[^1] == '0' ? '1' : '0'))).ShouldBeProblem(401, "Invalid or expired API key");
        (await RecoverAsync(host, key, null))
            .ShouldBeProblem(401, "Sign in required").Detail.Should().Be("Keys are administered by people who are signed in.");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();

        (await RecoverAsync(host, key, glass, Caller, KeyApiHost.Member)).Status
            .Should().Be(200, "who has no role may hold the key from the safe");
    }

    [Fact]
    public async Task The_request_must_be_JSON_without_members()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartLockedOutAsync(host);
        string target = $"{Keys}/{key.Details.Key.Id}/recover";
        string[] lines = [KeyApiHost.Bearer(glass), $"X-Forwarded-For: {Caller}"];
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        (await host.SendContentAsync(null, "POST", target, null, lines)).ShouldBeProblem(415, "JSON required")
            .Detail.Should().Be("Send Content-Type: application/json, even without a body.");
        (await host.SendContentAsync(null, "POST", target, new StringContent("{}", Encoding.UTF8, "text/plain"), lines))
            .ShouldBeProblem(415, "JSON required");
        (await host.SendAsync(null, "POST", target, """{"ip":"192.0.2.1"}""", lines)).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().ContainSingle().Which.Should().StartWith("ip: unknown member");
        (await host.SendAsync(null, "POST", target, "[]", lines))
            .ShouldBeProblem(400, "Invalid body").Detail.Should().Be("The body must be a JSON object.");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();

        (await host.SendAsync(null, "POST", target, "{}", lines)).Status.Should().Be(200);
    }

    /// <summary>A key that was just denied from <see cref="Caller"/>, and a break-glass key.</summary>
    private static async Task<(IssuedApiKey Key, string Glass)> StartLockedOutAsync(KeyApiHost host)
    {
        IssuedApiKey key = await host.CreateAsync("locked-out", Listed);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);
        return (key, (await host.CreateBreakGlassAsync()).RawKey);
    }

    private static Task<Answer> RecoverAsync(
        KeyApiHost host, IssuedApiKey key, string? glass, string from = Caller, string? person = null) =>
        host.SendAsync(
            person, "POST", $"{Keys}/{key.Details.Key.Id}/recover", null,
            [.. new[] { glass is null ? null : KeyApiHost.Bearer(glass), $"X-Forwarded-For: {from}" }.OfType<string>()]);
}
