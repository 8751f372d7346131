using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>A recovery may present the key itself, because its denial can be evicted from the record by others.</summary>
public sealed class RecoverWithKeyTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string Caller = "198.51.100.9";
    private const string NotDenied = $"The key was not recently denied from {Caller}. Send a request with it from here first.";

    /// <summary>More addresses than the record holds of one key.</summary>
    private const int Flood = 400;

    /// <summary>JSON values other than a string for the raw key.</summary>
    public static TheoryData<string> WrongTypes =>
        ["null", "7", "true", "{}", $"[\"{TestKeys.Unknown}\"]", $$"""{"key":"{{TestKeys.Unknown}}"}"""];

    [Fact]
    public async Task Recovery_succeeds_every_time_while_another_holder_floods_the_record_from_made_up_addresses()
    {
        const int Rounds = 20;
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string glass = (await host.CreateBreakGlassAsync()).RawKey;
        DenialCounter counter = new(host);
        var statuses = new List<int>();
        for (int round = 0; round < Rounds; round++)
        {
            IssuedApiKey key = await host.CreateAsync($"locked-out {round}", Listed);
            using var stop = new CancellationTokenSource();
            Task[] flood = [.. Enumerable.Range(0, 2).Select(holder => FloodAsync(host, key, holder, stop.Token))];
            (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);
            await counter.WaitAsync(key.Details.Key.Id, Flood, flood);

            Answer recovered = await RecoverAsync(host, key, glass, Body(key.RawKey));

            await stop.CancelAsync();
            await Task.WhenAll(flood);
            statuses.Add(recovered.Status);
        }

        statuses.Should().OnlyContain(status => status == 200).And.HaveCount(Rounds);
    }

    [Fact]
    public async Task A_denial_that_a_flood_pushed_out_is_no_evidence_and_the_key_is()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);
        for (int number = 0; number < Flood; number++)
        {
            (await host.UseAsync(key.RawKey, $"2001:db8::{number:x}")).Should().Be(403);
        }

        (await RecoverAsync(host, key, glass, null)).ShouldBeProblem(409, "Conflict").Detail.Should().Be(NotDenied);
        Answer recovered = await RecoverAsync(host, key, glass, Body(key.RawKey));

        recovered.Status.Should().Be(200, recovered.Body);
        recovered.Texts("allowed_ips").Should().Equal(Caller, Listed);
        recovered.Members.Should().NotContain("key");
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(200);
    }

    [Fact]
    public async Task Either_secret_of_a_rotation_is_evidence_as_long_as_it_works()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey first, string glass) = await StartAsync(host);
        string id = first.Details.Key.Id;
        string second = (await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/rotate", """{"grace_hours":2}""")).Text("key");

        (await RecoverAsync(host, first, glass, Body(first.RawKey))).Status.Should().Be(200);
        host.Time.Advance(TimeSpan.FromHours(1));
        (await RecoverAsync(host, first, glass, Body(second), "192.0.2.1")).Status.Should().Be(200);
        host.Time.Advance(TimeSpan.FromHours(1));

        (await RecoverAsync(host, first, glass, Body(first.RawKey), "192.0.2.2")).ShouldBeProblem(409, "Conflict").Detail.Should().Be(
            "The key was not recently denied from 192.0.2.2. Send a request with it from here first.", "its grace period is over");
    }

    [Fact]
    public async Task The_key_may_be_escaped_as_JSON_allows()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        string escaped = string.Concat(key.RawKey.Select(character => $"\\u{(int)character:x4}"));

        (await RecoverAsync(host, key, glass, Body(escaped))).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_like_a_key_that_was_not_denied()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        IssuedApiKey other = await host.CreateAsync("other", Listed);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        Answer notDenied = await RecoverAsync(host, key, glass, null);
        notDenied.ShouldBeProblem(409, "Conflict").Detail.Should().Be(NotDenied);
        string hash = ApiKeyHash.Compute(key.RawKey).ToString();
        string[] wrong =
        [
            TestKeys.Unknown, other.RawKey, glass, key.RawKey[..^1], key.RawKey + "0", key.RawKey.ToUpperInvariant(), $" {key.RawKey}",
            $"Bearer {key.RawKey}", hash, Convert.ToBase64String(Convert.FromHexString(hash)), key.Details.Key.Prefix,
            key.Details.Key.Id, "", new string('x', 5_000), "Schlüssel",
        ];

        foreach (string text in wrong)
        {
            (await RecoverAsync(host, key, glass, Body(text))).Should().BeEquivalentTo(
                new { notDenied.Status, notDenied.ContentType, notDenied.Body }, $"of {text}");
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Fact]
    public async Task A_wrong_key_is_refused_even_where_a_denial_would_do()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);

        (await RecoverAsync(host, key, glass, Body(TestKeys.Unknown))).ShouldBeProblem(409, "Conflict").Detail.Should().Be(NotDenied);
        (await RecoverAsync(host, key, glass, null)).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_key_replaces_the_denial_and_no_other_rule()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        IssuedApiKey open = await host.CreateAsync("open");
        IssuedApiKey revoked = await host.CreateAsync("revoked", Listed);
        await host.RevokeAsync(revoked.Details.Key.Id);
        DateTimeOffset soon = KeyApiHost.Start.AddMinutes(1);
        IssuedApiKey expired = await host.CreateAsync(new NewApiKey { Name = "expired", AllowedIps = [Listed], ExpiresAt = soon });
        host.Time.Advance(TimeSpan.FromMinutes(1));

        (await RecoverAsync(host, open, glass, Body(open.RawKey))).ShouldBeProblem(409, "Conflict")
            .Detail.Should().Be("The key has no list, so nothing locks it out. A first address would turn the check on.");
        (await RecoverAsync(host, revoked, glass, Body(revoked.RawKey))).ShouldBeProblem(409, "Conflict");
        (await RecoverAsync(host, expired, glass, Body(expired.RawKey))).ShouldBeProblem(409, "Conflict");
        (await RecoverAsync(host, key, glass, Body(key.RawKey), Listed)).ShouldBeProblem(409, "Conflict");
        (await RecoverAsync(host, key, glass, Body(key.RawKey), "unknown")).ShouldBeProblem(409, "Conflict");
        (await RecoverAsync(host, key, glass, Body(key.RawKey))).Status.Should().Be(200);
        (await RecoverAsync(host, key, glass, Body(key.RawKey), "192.0.2.1")).ShouldBeProblem(409, "Conflict")
            .Detail.Should().Contain("can be recovered once an hour");
        (await RecoverAsync(host, key, key.RawKey, Body(key.RawKey))).ShouldBeProblem(403, "Admin or owner role required");
    }

    [Theory]
    [MemberData(nameof(WrongTypes))]
    public async Task A_key_that_is_no_string_is_refused_without_repeating_it(string value)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);
        (await host.UseAsync(key.RawKey, Caller)).Should().Be(403);

        Answer answer = await RecoverAsync(host, key, glass, $$"""{"key":{{value}}}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("key: must be a string of Unicode characters");
        answer.Body.Should().NotContain(TestKeys.Unknown[12..]);
    }

    [Fact]
    public async Task Other_members_are_refused_beside_the_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey key, string glass) = await StartAsync(host);

        Answer answer = await RecoverAsync(host, key, glass, $$"""{"key":"{{key.RawKey}}","ip":"192.0.2.1"}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("ip: unknown member; the members are key");
        answer.Body.Should().NotContain(key.RawKey[12..]);
    }

    [Fact]
    public async Task The_audit_entry_contains_the_kind_of_evidence()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        (IssuedApiKey byKey, string glass) = await StartAsync(host);
        IssuedApiKey byDenial = await host.CreateAsync("denied", Listed);
        await host.UseAsync(byDenial.RawKey, Caller);

        (await RecoverAsync(host, byKey, glass, Body(byKey.RawKey))).Status.Should().Be(200);
        (await RecoverAsync(host, byDenial, glass, "{}")).Status.Should().Be(200);

        AuditEntry[] entries = [.. (await host.AuditAsync()).Where(entry => entry.Action == AuditAction.Recover)];
        entries.Select(entry => (entry.KeyId, entry.Detail)).Should().Equal(
            (byDenial.Details.Key.Id, null), (byKey.Details.Key.Id, "the caller showed the key itself"));
        entries.Should().OnlyContain(entry => entry.OldAllowedIps!.Count == 1 && entry.NewAllowedIps!.Count == 2);
    }

    private static string Body(string rawKey) => $$"""{"key":"{{rawKey}}"}""";

    private static async Task<(IssuedApiKey Key, string Glass)> StartAsync(KeyApiHost host) =>
        (await host.CreateAsync("locked-out", Listed), (await host.CreateBreakGlassAsync()).RawKey);

    private static Task<Answer> RecoverAsync(
        KeyApiHost host, IssuedApiKey key, string bearer, string? body, string from = Caller) => host.SendAsync(
        null, "POST", $"{Keys}/{key.Details.Key.Id}/recover", body, KeyApiHost.Bearer(bearer), $"X-Forwarded-For: {from}");

    /// <summary>Another holder of the same key, who is denied from one new address after another.</summary>
    private static async Task FloodAsync(KeyApiHost host, IssuedApiKey key, int holder, CancellationToken stop)
    {
        for (int number = 0; !stop.IsCancellationRequested; number++)
        {
            await host.UseAsync(key.RawKey, $"2001:db8:{holder}::{number:x}");
        }
    }

    /// <summary>Waits until a key was denied so many times more, by a flood that goes on.</summary>
    private sealed class DenialCounter(KeyApiHost host)
    {
        public async Task WaitAsync(string keyId, int more, Task[] flood)
        {
            long until = Denied(keyId) + more;
            while (Denied(keyId) < until)
            {
                flood.Should().NotContain(task => task.IsCompleted);
                await Task.Delay(TimeSpan.FromMilliseconds(5), TestContext.Current.CancellationToken);
            }
        }

        private long Denied(string keyId) => host.App.Services.GetRequiredService<IApiKeyTraffic>().ReadTotals(keyId).Denied;
    }
}
