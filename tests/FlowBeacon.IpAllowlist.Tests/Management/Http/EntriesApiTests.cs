using System.Globalization;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Entries of lists over HTTP: an item is a text or an object, and answers have both forms.</summary>
public sealed class EntriesApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    [Fact]
    public async Task An_item_is_a_text_or_an_object_and_answers_have_both_forms()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string until = Text(host.Time.GetUtcNow().AddDays(1));
        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""
            {"name":"make-grid","allowed_ips":["203.0.113.7",{"ip":"2001:db8::7","note":"Berlin office","expires_at":"{{until}}"}]}
            """);
        string target = $"{Keys}/{created.Text("id")}";
        Answer kept = await host.SendAsync(Administrator, "PATCH", target, """{"allowed_ips":["2001:db8::7"]}""");
        Answer replaced = await host.SendAsync(
            Administrator, "PATCH", target, """{"allowed_ips":[{"ip":"2001:db8::7","note":null,"expires_at":null}]}""");
        Answer listed = await host.SendAsync(Administrator, "GET", Keys);

        created.Json.GetProperty("allowed_ips").GetRawText().Should().Be("""["203.0.113.7","2001:db8::7"]""");
        JsonElement entry = created.Json.GetProperty("entries")[1];
        entry.GetProperty("ip").GetString().Should().Be("2001:db8::7");
        entry.GetProperty("note").GetString().Should().Be("Berlin office");
        entry.GetProperty("expires_at").GetDateTimeOffset().Should().Be(DateTimeOffset.Parse(until, null));
        entry.GetProperty("added_at").GetDateTimeOffset().Should().Be(created.Json.GetProperty("created_at").GetDateTimeOffset());
        entry.TryGetProperty("last_seen_at", out _).Should().BeFalse("the answer of a change does not tell of use");
        kept.Json.GetProperty("entries")[0].GetProperty("note").GetString().Should().Be("Berlin office");
        kept.Json.GetProperty("entries")[0].GetProperty("expires_at").ValueKind.Should().Be(JsonValueKind.String);
        replaced.Json.GetProperty("entries")[0].GetProperty("note").GetString().Should().BeEmpty();
        replaced.Json.GetProperty("entries")[0].GetProperty("expires_at").ValueKind.Should().Be(JsonValueKind.Null);
        listed.Json.GetProperty("keys")[0].GetProperty("entries").GetArrayLength().Should().Be(1);
    }

    [Theory]
    [InlineData("""["203.0.113.7",7]""", "allowed_ips[1]: must be a string, or an object with ip")]
    [InlineData("""["203.0.113.7",null]""", "allowed_ips[1]: must be a string, or an object with ip")]
    [InlineData("""[{"note":"no address"}]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData("""[{"ip":null}]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData("""[{"ip":"203.0.113.7","expires":"2099-01-01T00:00:00Z"}]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData("""[{"ip":"203.0.113.7","note":7}]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData("""[["203.0.113.7"]]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData("""[{"ip":"\ud800"}]""", "allowed_ips[0]: must be a string, or an object with ip")]
    [InlineData(""" "203.0.113.7" """, "allowed_ips: must be a list of strings and objects")]
    [InlineData("""["203.0.113.7",{"ip":"203.0.113.0/24"}]""", "allowed_ips[1]: '203.0.113.0/24' is a CIDR range; list each address")]
    [InlineData("""[{"ip":"203.0.113.7","note":" x"}]""", "allowed_ips[0].note: must not begin or end with white space")]
    [InlineData("""[{"ip":"203.0.113.7","expires_at":"tomorrow"}]""", "allowed_ips[0].expires_at: must be ")]
    public async Task Refuses_an_invalid_item_with_its_place(string list, string fault)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"make-grid","allowed_ips":{{list}}}""");
        string id = (await host.CreateAsync("other", "192.0.2.1")).Details.Key.Id;
        Answer updated = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"allowed_ips":{{list}}}""");

        created.ShouldBeProblem(400, "Validation failed").Errors.Should().ContainSingle().Which.Should().StartWith(fault);
        updated.ShouldBeProblem(400, "Validation failed").Errors.Should().ContainSingle().Which.Should().StartWith(fault);
    }

    [Fact]
    public async Task The_answer_of_one_key_tells_when_each_entry_was_last_used_and_warns_of_those_that_expire_soon()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string until = Text(host.Time.GetUtcNow().AddHours(2));
        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""
            {"name":"make-grid","allowed_ips":["192.0.2.1",{"ip":"203.0.113.7","expires_at":"{{until}}"}]}
            """);
        await host.UseAsync(created.Text("key"), "203.0.113.7");

        Answer read = await host.SendAsync(Administrator, "GET", $"{Keys}/{created.Text("id")}");

        JsonElement entries = read.Json.GetProperty("entries");
        entries[0].TryGetProperty("last_seen_at", out _).Should().BeFalse();
        entries[1].GetProperty("last_seen_at").GetDateTimeOffset().Should().Be(read.Json.GetProperty("last_used_at").GetDateTimeOffset());
        read.Json.GetProperty("warnings").EnumerateArray().Should().ContainSingle()
            .Which.GetString().Should().StartWith("allowed_ips: 203.0.113.7 admits until ");
    }

    [Fact]
    public async Task A_recovery_shows_when_its_entry_expires()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer glass = await host.SendAsync(
            Administrator, "POST", Keys, """{"name":"glass","break_glass":true,"scopes":["governance:read"]}""");
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"make-grid","allowed_ips":["192.0.2.1"]}""");
        await host.UseAsync(created.Text("key"), "203.0.113.7");

        Answer recovered = await host.SendAsync(
            null, "POST", $"{Keys}/{created.Text("id")}/recover", "{}", KeyApiHost.Bearer(glass.Text("key")!),
            "X-Forwarded-For: 203.0.113.7");

        recovered.Status.Should().Be(200);
        JsonElement entry = recovered.Json.GetProperty("entries")[1];
        entry.GetProperty("ip").GetString().Should().Be("203.0.113.7");
        entry.GetProperty("note").GetString().Should().Be(
            $"Recovery by key {glass.Text("id")}: the key was denied from here");
        entry.GetProperty("expires_at").GetDateTimeOffset().Should().Be(
            recovered.Json.GetProperty("updated_at").GetDateTimeOffset().AddHours(24));
    }

    [Fact]
    public async Task Answers_have_expired_entries_in_both_forms_so_that_the_list_can_be_written_back()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string until = Text(host.Time.GetUtcNow().AddHours(1));
        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""
            {"name":"make-grid","allowed_ips":[{"ip":"2001:db8::7","expires_at":"{{until}}"},{"ip":"192.0.2.1","expires_at":"{{until}}"}]}
            """);
        string target = $"{Keys}/{created.Text("id")}";
        (await host.UseAsync(created.Text("key"), "192.0.2.1")).Should().Be(200);
        host.Time.Advance(TimeSpan.FromHours(1));

        Answer read = await host.SendAsync(Administrator, "GET", target);
        Answer written = await host.SendAsync(
            Administrator, "PATCH", target, $$"""{"allowed_ips":{{read.Json.GetProperty("allowed_ips").GetRawText()}}}""");

        read.Texts("allowed_ips").Should().Equal("192.0.2.1", "2001:db8::7");
        read.Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("ip").GetString())
            .Should().Equal("192.0.2.1", "2001:db8::7");
        written.Status.Should().Be(200, written.Body);
        written.ETag.Should().Be(read.ETag, "nothing changed");
        (await host.UseAsync(created.Text("key"), "192.0.2.1")).Should().Be(403);
        (await host.UseAsync(created.Text("key"), "198.51.100.9")).Should().Be(403, "the list is not empty");
    }

    [Fact]
    public async Task A_change_of_a_note_alone_is_a_new_version_on_record()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"make-grid","allowed_ips":["203.0.113.7"]}""");
        string target = $"{Keys}/{created.Text("id")}";
        const string Noted = """{"allowed_ips":[{"ip":"203.0.113.7","note":"Berlin office"}]}""";

        Answer noted = await host.SendAsync(Administrator, "PATCH", target, Noted, "If-Match: \"1\"");
        Answer stale = await host.SendAsync(Administrator, "PATCH", target, Noted, "If-Match: \"1\"");
        Answer again = await host.SendAsync(Administrator, "PATCH", target, Noted, "If-Match: \"2\"");
        Answer audit = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?key_id={created.Text("id")}");

        noted.ETag.Should().Be("\"2\"");
        stale.Status.Should().Be(412);
        again.ETag.Should().Be("\"2\"", "nothing changed");
        JsonElement entry = audit.Json.GetProperty("entries")[0];
        entry.GetProperty("old_allowed_ips").ValueKind.Should().Be(JsonValueKind.Null);
        entry.GetProperty("changes").GetRawText().Should().Be(
            """[{"field":"allowed_ips[203.0.113.7].note","old":null,"new":"Berlin office"}]""");
    }

    [Theory]
    [InlineData("""[{"ip":"203.0.113.7","ip":"192.0.2.1"}]""")]
    [InlineData("""[{"ip":"203.0.113.7","\u0069p":"192.0.2.1"}]""")]
    public async Task A_member_that_an_item_names_twice_is_refused(string list)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"make-grid","allowed_ips":{{list}}}""");

        created.ShouldBeProblem(400, "Invalid body").Detail.Should().Be("A member occurs twice.");
    }

    [Fact]
    public async Task The_longest_list_with_the_longest_notes_fits_into_a_body()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string note = string.Concat(Enumerable.Repeat("\\u00e9", 200));
        const string Until = "2099-01-01T00:00:00.0000000+00:00";
        string items = string.Join(',', Enumerable.Range(0, 1_000).Select(number =>
            $$"""{"ip":"2001:0db8:1111:2222:3333:4444:5555:{{number:x4}}","note":"{{note}}","expires_at":"{{Until}}"}"""));

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"make-grid","allowed_ips":[{{items}}]}""");

        created.Status.Should().Be(201, created.Body);
        created.Json.GetProperty("entries")[999].GetProperty("note").GetString().Should().Be(new string('é', 200));
    }

    [Fact]
    public async Task The_entries_of_a_list_that_cannot_be_read_are_null_like_the_list()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        ApiKeyDetails key = (await host.CreateAsync("make-grid", "203.0.113.7")).Details;
        await host.WriteAsync(key with { Key = key.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 });

        Answer read = await host.SendAsync(Administrator, "GET", $"{Keys}/{key.Key.Id}");

        read.Json.GetProperty("allowed_ips").ValueKind.Should().Be(JsonValueKind.Null);
        read.Json.GetProperty("entries").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_raw_key_in_place_of_an_address_or_a_note_is_refused_and_not_repeated()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string rawKey = (await host.CreateAsync("other", "192.0.2.1")).RawKey;

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""
            {"name":"make-grid","allowed_ips":[
              "{{rawKey}}",{"ip":"203.0.113.7","note":"{{rawKey}}"},{"ip":"203.0.113.8","expires_at":"{{rawKey}}"}]}
            """);

        created.ShouldBeProblem(400, "Validation failed").Errors.Should().HaveCount(3);
        string secret = rawKey[ApiKey.PrefixLength..];
        created.Body.Should().NotContain(secret);
        host.App.Logs.OfLibrary.Should().NotContain(entry => entry.Message.Contains(secret, StringComparison.Ordinal));
    }

    private static string Text(DateTimeOffset instant) => instant.ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
