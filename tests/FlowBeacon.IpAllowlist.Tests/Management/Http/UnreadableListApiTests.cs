using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>A stored list that cannot be read denies every address; no edit may accidentally admit every address.</summary>
public sealed class UnreadableListApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string CouldNotBeRead = "the stored list could not be read";
    private const string Renamed = """[{"field":"name","old":"make-grid","new":"other"}]""";

    public static TheoryData<string> Emptying =>
    [
        """{"allowed_ips":[]}""", """{"allowed_ips":[],"accept_unreadable_list":false}""",
        """{"allowed_ips":[],"accept_lockout_risk":true}""", """{"allowed_ips":[],"allowlist_mode":"report_only","name":"other"}""",
    ];

    [Theory]
    [MemberData(nameof(Emptying))]
    public async Task Emptying_it_is_refused_and_changes_nothing(string edit)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateUnreadableAsync(host);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await EditAsync(host, key, edit);

        answer.ShouldBeProblem(409, "Conflict").Detail.Should().Be(
            "The key's stored list cannot be read, so the key is denied from everywhere. An empty list would admit it from everywhere."
            + " Set the addresses, or repeat the change with accept_unreadable_list.");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
    }

    [Fact]
    public async Task Emptying_it_is_possible_when_accepted_and_is_recorded_as_such()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateUnreadableAsync(host);

        Answer answer = await EditAsync(host, key, """{"allowed_ips":[],"accept_unreadable_list":true}""");

        answer.Status.Should().Be(200, answer.Body);
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(200);
        await ShouldBeOnRecordAsync(host, "[]", CouldNotBeRead);
    }

    [Theory]
    [InlineData("""{"allowed_ips":["203.0.113.7"]}""", "[]")]
    [InlineData("""{"allowed_ips":["203.0.113.7"],"name":"other"}""", Renamed)]
    public async Task Setting_addresses_is_the_remedy_and_on_record_without_a_list_before(string edit, string changes)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateUnreadableAsync(host);

        Answer answer = await EditAsync(host, key, edit);

        answer.Status.Should().Be(200, answer.Body);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        await ShouldBeOnRecordAsync(host, $"[\"{Listed}\"]", CouldNotBeRead, changes);
    }

    [Fact]
    public async Task An_edit_of_another_member_leaves_it_unchanged_without_a_warning()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateUnreadableAsync(host);

        Answer answer = await EditAsync(host, key, """{"name":"other","allowlist_mode":"report_only"}""");

        answer.Status.Should().Be(200, answer.Body);
        answer.Json.GetProperty("allowed_ips").ValueKind.Should().Be(JsonValueKind.Null);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(403);
        await ShouldBeOnRecordAsync(
            host, "null", null, """
            [{"field":"name","old":"make-grid","new":"other"},{"field":"allowlist_mode","old":"enforce","new":"report_only"}]
            """);
    }

    [Fact]
    public async Task Accepting_it_for_a_list_that_can_be_read_changes_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);

        (await EditAsync(host, key, """{"allowed_ips":[],"accept_unreadable_list":true}""")).Status.Should().Be(200);

        AuditEntry entry = (await host.AuditAsync())[0];
        entry.OldAllowedIps.Should().Equal(Listed);
        entry.Detail.Should().BeNull();
    }

    [Theory]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("\"true\"")]
    public async Task Only_true_or_false_accepts_it_or_not(string value)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await CreateUnreadableAsync(host);

        (await EditAsync(host, key, $$"""{"allowed_ips":[],"accept_unreadable_list":{{value}}}"""))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("accept_unreadable_list: must be true or false");
    }

    /// <summary>A key as a store hands it out whose column of addresses is spoilt.</summary>
    private static async Task<IssuedApiKey> CreateUnreadableAsync(KeyApiHost host)
    {
        IssuedApiKey issued = await host.CreateAsync("make-grid", Listed);
        ApiKeyDetails sound = issued.Details;
        ApiKeyDetails unreadable = sound with { Key = sound.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 };
        await host.WriteAsync(unreadable);
        (await host.UseAsync(issued.RawKey, Listed)).Should().Be(403);
        return issued;
    }

    private static Task<Answer> EditAsync(KeyApiHost host, IssuedApiKey key, string edit) =>
        host.SendAsync(Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", edit);

    private static async Task ShouldBeOnRecordAsync(KeyApiHost host, string newAllowedIps, string? detail, string changes = "[]")
    {
        Answer audit = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1");
        JsonElement entry = audit.Json.GetProperty("entries")[0];
        entry.GetProperty("action").GetString().Should().Be("update");
        entry.GetProperty("old_allowed_ips").GetRawText().Should().Be("null");
        entry.GetProperty("new_allowed_ips").GetRawText().Should().Be(newAllowedIps);
        entry.GetProperty("detail").GetString().Should().Be(detail);
        entry.GetProperty("changes").GetRawText().Should().Be(changes);
    }
}
