using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// An edit that would cut off working traffic is refused with the addresses concerned, unless the risk is accepted.
/// </summary>
public sealed class LockoutGuardApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Kept = "203.0.113.7";
    private const string CutOff = "198.51.100.9";
    private const string Other = "192.0.2.1";

    private const string Remedy =
        ", in use within the last 24 hours. Add what is missing to the list, or repeat the change with accept_lockout_risk.";

    private const string NotRemembered =
        " in use within the last 24 hours: the key came from more addresses than are remembered, so the list of its sources is not"
        + " complete. Add what is missing to the list, or repeat the change with accept_lockout_risk.";

    /// <summary>A key's list and mode, and an edit of it that would cut off <see cref="CutOff"/>.</summary>
    public static TheoryData<string[], AllowlistMode, string> Dangerous => new()
    {
        { [Kept, CutOff], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        {
            [Kept, CutOff], AllowlistMode.Enforce,
            $$"""{"allowed_ips":["{{Kept}}","{{Other}}"],"allowlist_mode":"enforce","name":"other"}"""
        },
        { [], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        { [], AllowlistMode.ReportOnly, $$"""{"allowed_ips":["{{Kept}}"],"allowlist_mode":"enforce"}""" },
        { [Kept], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
        { [Kept, CutOff], AllowlistMode.ReportOnly, $$"""{"allowed_ips":["{{Kept}}"],"allowlist_mode":"enforce"}""" },
    };

    /// <summary>The same keys, and edits that cut nothing off.</summary>
    public static TheoryData<string[], AllowlistMode, string> Harmless => new()
    {
        { [Kept, CutOff], AllowlistMode.Enforce, """{"name":"other"}""" },
        { [Kept, CutOff], AllowlistMode.Enforce, """{"scopes":["admin"],"expires_at":"2027-06-01T00:00:00Z"}""" },
        { [Kept, CutOff], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}","{{CutOff}}","{{Other}}"]}""" },
        { [Kept, CutOff, Other], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}","::ffff:{{CutOff}}"]}""" },
        { [Kept, CutOff], AllowlistMode.Enforce, """{"allowed_ips":[]}""" },
        { [Kept, CutOff], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"],"allowlist_mode":"report_only"}""" },
        { [Kept, CutOff], AllowlistMode.ReportOnly, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        { [Kept], AllowlistMode.ReportOnly, """{"allowed_ips":[]}""" },
        { [Kept, CutOff], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
        { [], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}","{{CutOff}}"]}""" },
        { [], AllowlistMode.Enforce, """{"allowlist_mode":"report_only"}""" },
        { [], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
    };

    /// <summary>
    /// Edits that may cut off <see cref="Other"/>, which used the key and is no longer remembered; <see cref="Kept"/> is.
    /// </summary>
    public static TheoryData<string[], AllowlistMode, string> DangerousBeyondWhatIsRemembered => new()
    {
        { [Kept, Other], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        { [Kept, Other], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}","{{CutOff}}"],"name":"other"}""" },
        { [], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        { [], AllowlistMode.ReportOnly, $$"""{"allowed_ips":["{{Kept}}"],"allowlist_mode":"enforce"}""" },
        { [Kept], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
        { [Kept, Other], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
    };

    /// <summary>Edits that cannot deny anything that passed before.</summary>
    public static TheoryData<string[], AllowlistMode, string> HarmlessBeyondWhatIsRemembered => new()
    {
        { [Kept, Other], AllowlistMode.Enforce, """{"name":"other","scopes":["admin"]}""" },
        { [Kept, Other], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}","{{Other}}","{{CutOff}}"]}""" },
        { [Kept, Other], AllowlistMode.Enforce, """{"allowed_ips":[]}""" },
        { [Kept, Other], AllowlistMode.Enforce, $$"""{"allowed_ips":["{{Kept}}"],"allowlist_mode":"report_only"}""" },
        { [Kept, Other], AllowlistMode.ReportOnly, $$"""{"allowed_ips":["{{Kept}}"]}""" },
        { [], AllowlistMode.ReportOnly, """{"allowlist_mode":"enforce"}""" },
    };

    [Fact]
    public async Task A_refusal_lists_all_that_would_be_cut_off_with_every_member()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        foreach (string? forwardedFor in new[] { CutOff, Kept, null, CutOff, "unknown" })
        {
            host.Time.Advance(TimeSpan.FromMinutes(1));
            (await host.UseAsync(key.RawKey, forwardedFor)).Should().Be(200);
        }

        Answer answer = await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""");

        answer.ShouldBeProblem(409, "Lockout risk").Body.Should().Be(
            """
            {"type":"urn:flowbeacon:problems/lockout-risk","title":"Lockout risk","status":409,
            "detail":"The change would deny requests without a usable address, 198.51.100.9, 127.0.0.1, in use within the last 24 hours.
             Add what is missing to the list, or repeat the change with accept_lockout_risk.","code":"lockout_risk","sources":[
            {"ip":null,"origin":"none","first_seen":"2027-01-01T12:05:00+00:00","last_seen":"2027-01-01T12:05:00+00:00","count":1},
            {"ip":"198.51.100.9","origin":"forwarded_for",
            "first_seen":"2027-01-01T12:01:00+00:00","last_seen":"2027-01-01T12:04:00+00:00","count":2},
            {"ip":"127.0.0.1","origin":"peer","first_seen":"2027-01-01T12:03:00+00:00","last_seen":"2027-01-01T12:03:00+00:00","count":1}],
            "older_sources_evicted":false}
            """.ReplaceLineEndings(""));
    }

    [Theory]
    [MemberData(nameof(Dangerous))]
    public async Task An_edit_that_cuts_off_a_source_in_use_is_refused_and_goes_through_when_the_risk_is_accepted(
        string[] allowedIps, AllowlistMode mode, string edit)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, allowedIps, mode);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        int audited = (await host.AuditAsync()).Count;

        foreach (string refused in new[] { edit, With(edit, "false") })
        {
            (await EditAsync(host, key, refused))
                .ShouldBeProblem(409, "Lockout risk").Detail.Should().Be($"The change would deny {CutOff}{Remedy}");
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await host.AuditAsync()).Should().HaveCount(audited);
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(200);

        Answer accepted = await EditAsync(host, key, With(edit, "true"));
        accepted.Status.Should().Be(200, accepted.Body);
        accepted.ETag.Should().Be("\"2\"");
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(403);
        (await host.UseAsync(key.RawKey, Kept)).Should().Be(200);
        AuditEntry entry = (await host.AuditAsync())[0];
        entry.Action.Should().Be(AuditAction.Update);
        entry.Detail.Should().EndWith($"lockout risk accepted for {CutOff}");
    }

    [Theory]
    [MemberData(nameof(Harmless))]
    public async Task An_edit_that_denies_no_source_is_not_refused(string[] allowedIps, AllowlistMode mode, string edit)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, allowedIps, mode);

        Answer answer = await EditAsync(host, key, edit);

        answer.Status.Should().Be(200, answer.Body);
        (await host.AuditAsync())[0].Detail.Should().Match(detail => detail == null || !detail.Contains("lockout"));
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(200);
        (await host.UseAsync(key.RawKey, Kept)).Should().Be(200);
    }

    [Fact]
    public async Task Accepting_a_risk_that_does_not_exist_is_not_recorded()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, [Kept, CutOff], AllowlistMode.Enforce);

        (await EditAsync(host, key, """{"name":"other","accept_lockout_risk":true}""")).Status.Should().Be(200);

        AuditEntry entry = (await host.AuditAsync())[0];
        entry.Detail.Should().BeNull();
        entry.Changes.Should().Equal(new AuditChange { Field = "name", Old = "make-grid", New = "other" });
    }

    [Fact]
    public async Task Switching_to_enforce_with_the_risk_accepted_is_on_record_with_both()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, [Kept], AllowlistMode.ReportOnly);

        await EditAsync(host, key, """{"allowlist_mode":"enforce","accept_lockout_risk":true}""");

        Answer audit = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1");
        JsonElement entry = audit.Json.GetProperty("entries")[0];
        entry.GetProperty("detail").GetString().Should().Be($"lockout risk accepted for {CutOff}");
        entry.GetProperty("changes").GetRawText().Should().Be("""[{"field":"allowlist_mode","old":"report_only","new":"enforce"}]""");
    }

    [Theory]
    [InlineData(24 * 60 * 60, 409)]
    [InlineData((24 * 60 * 60) + 1, 200)]
    public async Task A_source_counts_for_24_hours_after_it_was_last_seen(int seconds, int status)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromHours(5));
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(200);

        host.Time.Advance(TimeSpan.FromSeconds(seconds));

        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""")).Status.Should().Be(status);
    }

    [Fact]
    public async Task Sources_denied_before_an_edit_are_not_a_risk()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Kept, Other);
        (await host.UseAsync(key.RawKey, Kept)).Should().Be(200);
        (await host.UseAsync(key.RawKey, CutOff)).Should().Be(403);

        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Sources_cut_off_by_an_accepted_edit_are_no_risk_of_the_next_one()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, [Kept, CutOff, Other], AllowlistMode.Enforce);
        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}","{{Other}}"],"accept_lockout_risk":true}""")).Status.Should().Be(200);

        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_traffic_of_another_key_is_not_held_against_an_edit()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        await CreateInUseAsync(host, [Kept, CutOff], AllowlistMode.Enforce);
        IssuedApiKey other = await host.CreateAsync("other", Kept, CutOff);

        (await EditAsync(host, other, $$"""{"allowed_ips":["{{Kept}}"]}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_sources_of_both_secrets_count_through_a_rotation()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        (await host.UseAsync(key.RawKey, Kept)).Should().Be(200);
        string target = $"{Keys}/{key.Details.Key.Id}";
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");
        (await host.UseAsync(rotated.Text("key"), CutOff)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        (await host.UseAsync(key.RawKey, Other)).Should().Be(200);
        string edit = """{"allowed_ips":["2001:db8::7"]}""";

        Answer during = await EditAsync(host, key, edit);
        (await host.SendAsync(Administrator, "POST", $"{target}/end-grace", """{"accept_lockout_risk":true}""")).Status
            .Should().Be(200);
        Answer after = await EditAsync(host, key, edit);

        foreach (Answer answer in new[] { during, after })
        {
            answer.ShouldBeProblem(409, "Lockout risk");
            answer.Json.GetProperty("sources").EnumerateArray().Select(source => source.GetProperty("ip").GetString())
                .Should().BeEquivalentTo(Kept, CutOff, Other);
        }
    }

    [Fact]
    public async Task More_than_ten_addresses_are_all_listed_and_the_text_names_ten()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string[] addresses = [.. Enumerable.Range(1, 12).Select(number => $"192.0.2.{number}")];
        foreach (string address in addresses)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            await host.UseAsync(key.RawKey, address);
        }

        Answer answer = await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""");

        string named = $"{string.Join(", ", addresses.Reverse().Take(10))} and 2 more";
        answer.ShouldBeProblem(409, "Lockout risk").Detail.Should().Be($"The change would deny {named}{Remedy}");
        answer.Json.GetProperty("sources").EnumerateArray().Select(source => source.GetProperty("ip").GetString())
            .Should().Equal(addresses.Reverse());

        await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"],"accept_lockout_risk":true}""");
        (await host.AuditAsync())[0].Detail.Should().Be($"lockout risk accepted for {named}");
    }

    [Fact]
    public async Task A_list_of_the_64_remembered_sources_is_refused_because_a_65th_may_be_cut_off()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string[] addresses = [.. Enumerable.Range(1, 65).Select(number => $"192.0.2.{number}")];
        foreach (string address in addresses)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            (await host.UseAsync(key.RawKey, address)).Should().Be(200);
        }

        string edit = $$"""{"allowed_ips":[{{string.Join(',', addresses.Skip(1).Select(address => $"\"{address}\""))}}]}""";
        Answer refused = await EditAsync(host, key, edit);

        refused.ShouldBeProblem(409, "Lockout risk").Detail.Should().Be($"The change may deny addresses{NotRemembered}");
        refused.Json.GetProperty("sources").GetArrayLength().Should().Be(0);
        refused.Json.GetProperty("older_sources_evicted").GetBoolean().Should().BeTrue();
        Answer accepted = await EditAsync(host, key, With(edit, "true"));
        accepted.Status.Should().Be(200, accepted.Body);
        (await host.AuditAsync())[0].Detail.Should().Be("lockout risk accepted for sources that are no longer remembered");
        (await host.UseAsync(key.RawKey, addresses[0])).Should().Be(403);
    }

    [Theory]
    [MemberData(nameof(DangerousBeyondWhatIsRemembered))]
    public async Task An_edit_that_may_cut_off_a_source_that_is_no_longer_remembered_is_refused(
        string[] allowedIps, AllowlistMode mode, string edit)
    {
        await using KeyApiHost host = await StartWithOneSourceRememberedAsync();
        IssuedApiKey key = await CreateUsedFromTwoAsync(host, allowedIps, mode);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        (await EditAsync(host, key, edit)).ShouldBeProblem(409, "Lockout risk")
            .Detail.Should().Be($"The change may deny addresses{NotRemembered}");

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await EditAsync(host, key, With(edit, "true"))).Status.Should().Be(200);
    }

    [Theory]
    [MemberData(nameof(HarmlessBeyondWhatIsRemembered))]
    public async Task An_edit_that_denies_nothing_new_is_not_refused_for_what_is_no_longer_remembered(
        string[] allowedIps, AllowlistMode mode, string edit)
    {
        await using KeyApiHost host = await StartWithOneSourceRememberedAsync();
        IssuedApiKey key = await CreateUsedFromTwoAsync(host, allowedIps, mode);

        Answer answer = await EditAsync(host, key, edit);

        answer.Status.Should().Be(200, answer.Body);
        (await host.UseAsync(key.RawKey, Other)).Should().Be(200);
    }

    [Theory]
    [InlineData(24 * 60 * 60, 409)]
    [InlineData((24 * 60 * 60) + 1, 200)]
    public async Task A_source_that_is_no_longer_remembered_counts_for_24_hours_after_it_was_last_seen(int seconds, int status)
    {
        await using KeyApiHost host = await StartWithOneSourceRememberedAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        (await host.UseAsync(key.RawKey, Other)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromSeconds(seconds));
        (await host.UseAsync(key.RawKey, Kept)).Should().Be(200);

        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""")).Status.Should().Be(status);
    }

    [Fact]
    public async Task A_refusal_says_whether_older_sources_are_forgotten()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.Configure<IpAllowlistOptions>(options => options.MaxSourcesPerKey = 1));
        IssuedApiKey key = await host.CreateAsync("make-grid");
        await host.UseAsync(key.RawKey, Other);
        await host.UseAsync(key.RawKey, CutOff);

        Answer answer = await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"]}""");

        answer.ShouldBeProblem(409, "Lockout risk").Detail.Should().Be(
            $"The change would deny {CutOff}, in use within the last 24 hours, and may deny others: the key came from more addresses than"
            + " are remembered, so the list of its sources is not complete. Add what is missing to the list, or repeat the change with"
            + " accept_lockout_risk.");
        answer.Json.GetProperty("older_sources_evicted").GetBoolean().Should().BeTrue();
        await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"],"accept_lockout_risk":true}""");
        (await host.AuditAsync())[0].Detail.Should().Be($"lockout risk accepted for {CutOff} and sources that are no longer remembered");
    }

    [Fact]
    public async Task A_stale_version_is_reported_before_the_risk()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, [Kept, CutOff], AllowlistMode.Enforce);
        string edit = $$"""{"allowed_ips":["{{Kept}}"]}""";

        // A caller that read an older version must read the key again, even if it accepts the risk.
        (await EditAsync(host, key, edit, "If-Match: \"2\"")).ShouldBeProblem(412, "Stale version");
        (await EditAsync(host, key, With(edit, "true"), "If-Match: \"2\"")).ShouldBeProblem(412, "Stale version");
        (await EditAsync(host, key, edit, "If-Match: \"1\"")).ShouldBeProblem(409, "Lockout risk");
        (await EditAsync(host, key, With(edit, "true"), "If-Match: \"1\"")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Faults_of_the_input_are_reported_before_the_risk()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateInUseAsync(host, [Kept, CutOff], AllowlistMode.Enforce);

        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"],"scopes":["all"]}""")).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("scopes[0]: 'all' is not a scope; the scopes are governance:read, governance:evaluate, admin");
        (await EditAsync(host, key, $$"""{"allowed_ips":["{{Kept}}"],"accept_lockout_risk":"yes"}"""))
            .ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("accept_lockout_risk: must be true or false");
    }

    /// <summary>A key that was used from <see cref="Kept"/> and, a second later, from <see cref="CutOff"/>.</summary>
    private static async Task<IssuedApiKey> CreateInUseAsync(KeyApiHost host, string[] allowedIps, AllowlistMode mode)
    {
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { Name = "make-grid", AllowedIps = [.. allowedIps], AllowlistMode = mode });
        foreach (string address in new[] { Kept, CutOff })
        {
            (await host.UseAsync(key.RawKey, address)).Should().Be(200);
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        return key;
    }

    private static Task<KeyApiHost> StartWithOneSourceRememberedAsync() => KeyApiHost.StartAsync(
        builder => builder.Services.Configure<IpAllowlistOptions>(options => options.MaxSourcesPerKey = 1));

    /// <summary>A key that was used from <see cref="Other"/> and then from <see cref="Kept"/>.</summary>
    private static async Task<IssuedApiKey> CreateUsedFromTwoAsync(KeyApiHost host, string[] allowedIps, AllowlistMode mode)
    {
        IssuedApiKey key = await host.CreateAsync(new NewApiKey { Name = "make-grid", AllowedIps = [.. allowedIps], AllowlistMode = mode });
        foreach (string address in new[] { Other, Kept })
        {
            (await host.UseAsync(key.RawKey, address)).Should().Be(200);
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        return key;
    }

    private static Task<Answer> EditAsync(KeyApiHost host, IssuedApiKey key, string edit, params string[] headerLines) =>
        host.SendAsync(Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", edit, headerLines);

    private static string With(string edit, string isAccepted) => $"{edit[..^1]},\"accept_lockout_risk\":{isAccepted}}}";
}
