using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The management API for an administrator.</summary>
public sealed class ApiKeyApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string WholeHours = "grace_hours: must be a whole number from 1 to 168, written without a fraction";
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string ConfigurationHash = "66a045b452102c59d840ec097d59d9467e13a3f34f6494e539ffd32c1bb35f18";

    private static readonly string[] KeyMembers =
    [
        "id", "name", "description", "origin", "state", "enabled", "prefix", "allowed_ips", "entries", "allowlist_mode",
        "scopes", "break_glass", "expires_at", "retiring", "created_at",
        "created_by", "updated_at", "revoked_at", "version", "revision",
    ];

    [Fact]
    public async Task Creates_a_key_and_says_where_it_is()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(Administrator, "POST", Keys,
            $$"""
            {"name":"make-grid","allowed_ips":["{{Listed}}","2001:DB8:0:0::7"],"scopes":["governance:evaluate","governance:read"],
            "expires_at":"2027-06-01T02:00:00+02:00"}
            """.ReplaceLineEndings(""));

        created.Status.Should().Be(201, created.Body);
        created.ContentType.Should().Be("application/json");
        created.Members.Should().Equal([.. KeyMembers, "key", "warnings"]);
        string id = created.Text("id");
        created.Headers.Location.Should().Be(new Uri($"{Keys}/{id}", UriKind.Relative));
        created.ETag.Should().Be("\"1\"");
        created.Headers.CacheControl!.ToString().Should().Be("no-store");
        created.Text("key").Should().MatchRegex("^fb_live_[0-9a-f]{48}$");
        created.Text("prefix").Should().Be(created.Text("key")[..12]);
        created.Text("name").Should().Be("make-grid");
        created.Text("origin").Should().Be("repository");
        created.Text("state").Should().Be("active");
        created.Texts("allowed_ips").Should().BeEquivalentTo(Listed, "2001:db8::7");
        created.Text("allowlist_mode").Should().Be("enforce");
        created.Texts("scopes").Should().Equal("governance:read", "governance:evaluate");
        created.Json.GetProperty("break_glass").GetBoolean().Should().BeFalse();
        created.Json.GetProperty("expires_at").GetDateTimeOffset().Should().Be(new DateTimeOffset(2027, 6, 1, 0, 0, 0, TimeSpan.Zero));
        created.Json.GetProperty("created_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start);
        created.Json.GetProperty("version").GetInt64().Should().Be(1);
        created.Json.GetProperty("retiring").ValueKind.Should().Be(JsonValueKind.Null);

        Answer read = await host.SendAsync(Administrator, "GET", created.Headers.Location!.ToString());
        read.Status.Should().Be(200);
        read.Text("id").Should().Be(id);
        read.ETag.Should().Be("\"1\"");
        read.Members.Should().Equal([.. KeyMembers, "warnings", "last_used_at", "last_used_ip"]);
    }

    [Fact]
    public async Task The_created_key_works_at_once_and_only_from_its_addresses()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string key = (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"make-grid","allowed_ips":["{{Listed}}"]}"""))
            .Text("key");

        (await host.UseAsync(key, Listed)).Should().Be(200);
        (await host.UseAsync(key, NotListed)).Should().Be(403);
    }

    [Theory]
    [InlineData("enforce", 403)]
    [InlineData("report_only", 200)]
    public async Task The_list_of_a_key_is_enforced_or_reported_on_according_to_its_mode(string mode, int status)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(
            Administrator, "POST", Keys, $$"""{"name":"make-grid","allowed_ips":["{{Listed}}"],"allowlist_mode":"{{mode}}"}""");

        created.Status.Should().Be(201, created.Body);
        created.Text("allowlist_mode").Should().Be(mode);
        (await host.UseAsync(created.Text("key"), NotListed)).Should().Be(status);
        (await host.UseAsync(created.Text("key"), Listed)).Should().Be(200);
    }

    [Fact]
    public async Task Warnings_stand_in_the_answers_of_create_and_update_and_of_one_key()
    {
        const string Warning = $"allowed_ips: {Listed} is reserved for documentation; no client ever comes from it";
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"a","allowed_ips":["{{Listed}}"]}""");
        string target = $"{Keys}/{created.Text("id")}";
        Answer updated = await host.SendAsync(Administrator, "PATCH", target, """{"name":"b"}""");
        Answer mended = await host.SendAsync(Administrator, "PATCH", target, """{"allowed_ips":["8.8.8.8"]}""");
        Answer read = await host.SendAsync(Administrator, "GET", target);
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");
        Answer ended = await host.SendAsync(Administrator, "POST", $"{target}/end-grace");
        Answer revoked = await host.SendAsync(Administrator, "DELETE", target);

        created.Texts("warnings").Should().Equal(Warning);
        updated.Texts("warnings").Should().Equal(Warning);
        mended.Texts("warnings").Should().BeEmpty();
        read.Members.Should().Equal([.. KeyMembers, "warnings", "last_used_at", "last_used_ip"]);
        rotated.Members.Should().Equal([.. KeyMembers, "key"]);
        ended.Members.Should().Equal(KeyMembers);
        revoked.Members.Should().Equal(KeyMembers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    public async Task The_location_of_a_new_key_leads_to_it_with_or_without_a_slash_at_the_end(string slash)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer created = await host.SendAsync(Administrator, "POST", Keys + slash, """{"name":"a","allowed_ips":[]}""");

        created.Headers.Location!.ToString().Should().Be($"{Keys}/{created.Text("id")}");
    }

    [Fact]
    public async Task The_location_of_a_new_key_is_under_the_base_path_of_the_host()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: app =>
        {
            app.UsePathBase("/app");
            app.UseRouting();
            app.UseAuthentication();
            app.UseFlowBeaconIpAllowlist();
            app.UseAuthorization();
        });

        Answer created = await host.SendAsync(Administrator, "POST", $"/app{Keys}", """{"name":"a","allowed_ips":[]}""");

        created.Headers.Location!.ToString().Should().Be($"/app{Keys}/{created.Text("id")}");
        (await host.SendAsync(Administrator, "GET", created.Headers.Location.ToString())).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_location_of_a_new_key_is_a_legal_header_where_the_route_has_other_letters()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pattern: "/tenants/{tenant}/keys");

        Answer created = await host.SendAsync(Administrator, "POST", "/tenants/caf%C3%A9%20x/keys", """{"name":"a","allowed_ips":[]}""");

        created.Status.Should().Be(201, created.Body);
        (await host.SendAsync(Administrator, "GET", created.Headers.Location!.OriginalString)).Status.Should().Be(200);
    }

    [Fact]
    public async Task An_owner_administers_keys_too()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(KeyApiHost.Owner, "POST", Keys, """{"name":"a","allowed_ips":[]}""")).Status.Should().Be(201);
    }

    [Fact]
    public async Task A_listing_is_in_the_order_of_creation_and_is_read_page_by_page()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        for (int number = 1; number <= 5; number++)
        {
            await host.CreateAsync($"key-{number}");
            host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var names = new List<string>();
        var pages = new List<int>();
        string? next = "";
        while (next is not null)
        {
            Answer page = await host.SendAsync(Administrator, "GET", $"{Keys}?limit=2{(next.Length > 0 ? $"&after={next}" : "")}");
            page.Status.Should().Be(200, page.Body);
            page.Members.Should().Equal("keys", "next");
            JsonElement[] keys = [.. page.Json.GetProperty("keys").EnumerateArray()];
            pages.Add(keys.Length);
            names.AddRange(keys.Select(key => key.GetProperty("name").GetString()!));
            next = page.Json.GetProperty("next").GetString();
            next?.Should().Be(keys[^1].GetProperty("id").GetString());
        }

        names.Should().Equal("key-1", "key-2", "key-3", "key-4", "key-5");
        pages.Should().Equal(2, 2, 1);
    }

    [Fact]
    public async Task A_page_that_is_just_full_is_the_last_when_nothing_follows()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        await host.CreateAsync("a");
        await host.CreateAsync("b");

        Answer page = await host.SendAsync(Administrator, "GET", $"{Keys}?limit=2");

        page.Json.GetProperty("keys").GetArrayLength().Should().Be(2);
        page.Json.GetProperty("next").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_page_has_fifty_keys_unless_told_otherwise_and_two_hundred_at_most()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        for (int number = 0; number < 201; number++)
        {
            await host.CreateAsync($"key-{number}");
        }

        (await host.SendAsync(Administrator, "GET", Keys)).Json.GetProperty("keys").GetArrayLength().Should().Be(50);
        Answer largest = await host.SendAsync(Administrator, "GET", $"{Keys}?limit=200");
        largest.Json.GetProperty("keys").GetArrayLength().Should().Be(200);
        largest.Json.GetProperty("next").ValueKind.Should().Be(JsonValueKind.String);
    }

    [Theory]
    [InlineData("active", "lives")]
    [InlineData("expired", "ended")]
    [InlineData("revoked", "gone")]
    public async Task A_listing_is_filtered_by_state(string state, string name)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        await host.CreateAsync("lives");
        await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "ended", ExpiresAt = KeyApiHost.Start.AddHours(1) });
        await host.RevokeAsync((await host.CreateAsync("gone")).Details.Key.Id);
        host.Time.Advance(TimeSpan.FromHours(1));

        Answer listing = await host.SendAsync(Administrator, "GET", $"{Keys}?state={state}");

        JsonElement key = listing.Json.GetProperty("keys").EnumerateArray().Should().ContainSingle().Subject;
        key.GetProperty("name").GetString().Should().Be(name);
        key.GetProperty("state").GetString().Should().Be(state);
    }

    [Theory]
    [InlineData("limit=0", "limit: must be a number from 1 to 200")]
    [InlineData("limit=201", "limit: must be a number from 1 to 200")]
    [InlineData("limit=-1", "limit: must be a number from 1 to 200")]
    [InlineData("limit=", "limit: must be a number from 1 to 200")]
    [InlineData("limit=ten", "limit: must be a number from 1 to 200")]
    [InlineData("limit=99999999999", "limit: must be a number from 1 to 200")]
    [InlineData("state=gone", "state: must be active, expired, disabled or revoked")]
    [InlineData("state=Active", "state: must be active, expired, disabled or revoked")]
    [InlineData("state=0", "state: must be active, expired, disabled or revoked")]
    [InlineData("state=", "state: must be active, expired, disabled or revoked")]
    [InlineData("limit=0&state=x", "limit: must be a number from 1 to 200", "state: must be active, expired, disabled or revoked")]
    public async Task A_listing_refuses_what_it_does_not_understand(string query, params string[] errors)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "GET", $"{Keys}?{query}");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(errors);
    }

    [Theory]
    [InlineData("""{"name":"renamed"}""", "name")]
    [InlineData("""{"allowed_ips":["198.51.100.9"]}""", "allowed_ips")]
    [InlineData("""{"allowlist_mode":"report_only"}""", "allowlist_mode")]
    [InlineData("""{"scopes":["admin"]}""", "scopes")]
    [InlineData("""{"name":"renamed","accept_lockout_risk":true}""", "name")]
    [InlineData("""{"expires_at":"2028-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("""{"expires_at":null}""", "expires_at")]
    public async Task An_update_changes_only_the_given_members(string body, string changed)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey issued = await host.CreateAsync(new NewApiKey
        {
            Name = "make-grid",
            AllowedIps = [Listed],
            Scopes = ["governance:read"],
            ExpiresAt = KeyApiHost.Start.AddDays(1),
        });
        string target = $"{Keys}/{issued.Details.Key.Id}";
        Answer before = await host.SendAsync(Administrator, "GET", target);
        host.Time.Advance(TimeSpan.FromMinutes(1));

        Answer after = await host.SendAsync(Administrator, "PATCH", target, body);

        after.Status.Should().Be(200, after.Body);
        after.ETag.Should().Be("\"2\"");
        after.Members.Should().Equal([.. KeyMembers, "warnings"]);
        KeyMembers.Where(member => before.Json.GetProperty(member).GetRawText() != after.Json.GetProperty(member).GetRawText())
            .Should().BeEquivalentTo(
                new[] { changed, changed == "allowed_ips" ? "entries" : changed, "updated_at", "version", "revision" }.Distinct());
        string warnings = $",\"warnings\":{after.Json.GetProperty("warnings").GetRawText()}";
        (await host.SendAsync(Administrator, "GET", target)).Body.Should().Be(
            after.Body.Replace(warnings, ",\"warnings\":[],\"last_used_at\":null,\"last_used_ip\":null", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"1\"", 200)]
    [InlineData("*", 200)]
    [InlineData("\"2\"", 412)]
    [InlineData("\"0\"", 412)]
    [InlineData("W/\"1\"", 412)]
    [InlineData("\"01\"", 412)]
    [InlineData("\"+1\"", 412)]
    [InlineData("\"-1\"", 412)]
    [InlineData("\" 1\"", 412)]
    [InlineData("1", 412)]
    [InlineData("garbage", 412)]
    [InlineData("\"", 412)]
    [InlineData("\"\"", 412)]
    [InlineData("\"99999999999999999999999\"", 412)]
    public async Task A_change_happens_only_if_the_tag_it_names_is_the_one_of_the_key(string ifMatch, int status)
    {
        foreach (KeyOperation operation in KeyOperation.All.Where(operation => operation.Name is "update" or "rotate" or "revoke"))
        {
            await using KeyApiHost host = await KeyApiHost.StartAsync();
            string id = (await host.CreateAsync("make-grid", Listed)).Details.Key.Id;
            IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

            Answer answer = await host.SendAsync(
                Administrator, operation.Method, operation.Target(id), operation.Body, $"If-Match: {ifMatch}");

            answer.Status.Should().Be(status, $"{operation.Name}: {answer.Body}");
            (await host.IsUnchangedSinceAsync(before)).Should().Be(status == 412, operation.Name);
            if (status == 412)
            {
                answer.ShouldBeProblem(412, "Stale version");
            }
        }
    }

    [Fact]
    public async Task Ending_a_grace_period_honours_the_tag_too()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;
        await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/rotate");

        (await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/end-grace", null, "If-Match: \"1\""))
            .ShouldBeProblem(412, "Stale version");
        (await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/end-grace", null, "If-Match: \"2\"")).Status.Should().Be(200);
    }

    [Theory]
    [InlineData("", 24)]
    [InlineData("{}", 24)]
    [InlineData("""{"grace_hours":1}""", 1)]
    [InlineData("""{"grace_hours":168}""", 168)]
    public async Task A_rotation_gives_a_new_secret_and_lets_the_old_one_work_for_the_grace_period(string body, int hours)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey issued = await host.CreateAsync("make-grid");

        Answer rotated = await host.SendAsync(Administrator, "POST", $"{Keys}/{issued.Details.Key.Id}/rotate", body);

        rotated.Status.Should().Be(200, rotated.Body);
        rotated.Headers.CacheControl!.ToString().Should().Be("no-store");
        rotated.ETag.Should().Be("\"2\"");
        string newKey = rotated.Text("key");
        newKey.Should().MatchRegex("^fb_live_[0-9a-f]{48}$").And.NotBe(issued.RawKey);
        rotated.Text("prefix").Should().Be(newKey[..12]);
        JsonElement retiring = rotated.Json.GetProperty("retiring");
        retiring.EnumerateObject().Select(member => member.Name).Should().Equal("prefix", "expires_at");
        retiring.GetProperty("prefix").GetString().Should().Be(issued.RawKey[..12]);
        retiring.GetProperty("expires_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start.AddHours(hours));

        host.Time.Advance(TimeSpan.FromHours(hours) - TimeSpan.FromTicks(1));
        (await host.UseAsync(issued.RawKey)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromTicks(1));
        (await host.UseAsync(issued.RawKey)).Should().Be(401);
        (await host.UseAsync(newKey)).Should().Be(200);
        (await host.SendAsync(Administrator, "GET", $"{Keys}/{issued.Details.Key.Id}")).Json.GetProperty("retiring").ValueKind
            .Should().Be(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("0", "grace_hours: must be 1 to 168, and is 0")]
    [InlineData("169", "grace_hours: must be 1 to 168, and is 169")]
    [InlineData("-24", "grace_hours: must be 1 to 168, and is -24")]
    [InlineData("99999999999", WholeHours)]
    [InlineData("2147483648", WholeHours)]
    [InlineData("1.5", WholeHours)]
    [InlineData("24.0", WholeHours)]
    [InlineData("null", WholeHours)]
    [InlineData("\"24\"", WholeHours)]
    public async Task A_rotation_refuses_another_grace_period(string graceHours, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey issued = await host.CreateAsync("make-grid");
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await host.SendAsync(
            Administrator, "POST", $"{Keys}/{issued.Details.Key.Id}/rotate", $$"""{"grace_hours":{{graceHours}}}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Fact]
    public async Task A_key_in_its_grace_period_is_not_rotated_until_that_is_ended()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey issued = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{issued.Details.Key.Id}";
        (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).Status.Should().Be(200);

        (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).ShouldBeProblem(409, "Conflict");
        Answer ended = await host.SendAsync(Administrator, "POST", $"{target}/end-grace");

        ended.Status.Should().Be(200);
        ended.ETag.Should().Be("\"3\"");
        ended.Json.GetProperty("retiring").ValueKind.Should().Be(JsonValueKind.Null);
        (await host.UseAsync(issued.RawKey)).Should().Be(401);
        (await host.SendAsync(Administrator, "POST", $"{target}/end-grace")).ShouldBeProblem(409, "Conflict");
        (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Revoking_ends_a_key_at_once_and_a_repetition_changes_nothing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey issued = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{issued.Details.Key.Id}";
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");

        Answer first = await host.SendAsync(Administrator, "DELETE", target);
        host.Time.Advance(TimeSpan.FromMinutes(1));
        Answer second = await host.SendAsync(Administrator, "DELETE", target);

        first.Status.Should().Be(200, first.Body);
        first.Text("state").Should().Be("revoked");
        first.Json.GetProperty("revoked_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start);
        second.Status.Should().Be(200);
        second.Body.Should().Be(first.Body);
        (await host.UseAsync(issued.RawKey)).Should().Be(401);
        (await host.UseAsync(rotated.Text("key"))).Should().Be(401);
        (await host.AuditAsync()).Count(entry => entry.Action == AuditAction.Revoke).Should().Be(1);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_every_change()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;
        await host.RevokeAsync(id);

        foreach (KeyOperation operation in KeyOperation.All
            .Where(operation => operation.Name is "update" or "rotate" or "end-grace" or "recover"))
        {
            (await host.SendAsync(Administrator, operation.Method, operation.Target(id), operation.Body))
                .ShouldBeProblem(409, "Conflict").Detail.Should().Be("The key is revoked, which is final. Create a new one.");
        }
    }

    [Fact]
    public async Task A_name_is_taken_until_its_key_is_revoked()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;

        Answer taken = await host.SendAsync(Administrator, "POST", Keys, """{"name":"Make-Grid","allowed_ips":[]}""");
        await host.RevokeAsync(id);
        Answer free = await host.SendAsync(Administrator, "POST", Keys, """{"name":"Make-Grid","allowed_ips":[]}""");

        taken.ShouldBeProblem(409, "Conflict").Detail.Should().Contain("'Make-Grid'");
        free.Status.Should().Be(201);
    }

    [Fact]
    public async Task A_key_that_does_not_exist_is_not_found_whatever_is_asked_of_it()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        foreach (KeyOperation operation in KeyOperation.All.Where(operation => operation.Path.Contains("{id}", StringComparison.Ordinal)))
        {
            foreach (string id in new[] { "key_0", "%00", "..%2Faudit", "KEY", new string('x', 3000), "%ED%A0%80" })
            {
                Answer answer = await host.SendAsync(Administrator, operation.Method, operation.Target(id), operation.Body);

                answer.Status.Should().BeOneOf([404, 400], $"{operation.Name} {id}: {answer.Body}");
            }

            (await host.SendAsync(Administrator, operation.Method, operation.Target("key_0"), operation.Body))
                .ShouldBeProblem(404, "Key not found");
        }
    }

    [Fact]
    public async Task The_audit_trail_is_read_newest_first_page_by_page_and_for_one_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":["203.0.113.7"]}""")).Text("id");
        await host.SendAsync(Administrator, "POST", Keys, """{"name":"b","allowed_ips":[]}""");
        await host.SendAsync(
            KeyApiHost.Owner, "PATCH", $"{Keys}/{id}", """{"name":"c","allowed_ips":["2001:db8::7"]}""", "X-Forwarded-For: 192.0.2.200");
        await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}");

        Answer newest = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?key_id={id}&limit=2");
        Answer oldest = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?key_id={id}&limit=2&after={newest.Text("next")}");
        Answer all = await host.SendAsync(Administrator, "GET", $"{Keys}/audit");

        Actions(newest).Should().Equal("revoke", "update");
        Actions(oldest).Should().Equal("create");
        oldest.Json.GetProperty("next").ValueKind.Should().Be(JsonValueKind.Null);
        Actions(all).Should().Equal("revoke", "update", "create", "create");
        JsonElement update = newest.Json.GetProperty("entries")[1];
        update.EnumerateObject().Select(member => member.Name).Should().Equal(
            "id", "at", "action", "actor", "key_id", "key_name", "old_allowed_ips", "new_allowed_ips", "changes", "detail", "count");
        update.GetProperty("actor").GetRawText().Should().Be("""{"kind":"user","id":"olga","address":"192.0.2.200"}""");
        update.GetProperty("key_id").GetString().Should().Be(id);
        update.GetProperty("key_name").GetString().Should().Be("c");
        update.GetProperty("old_allowed_ips")[0].GetString().Should().Be("203.0.113.7");
        update.GetProperty("new_allowed_ips")[0].GetString().Should().Be("2001:db8::7");
        update.GetProperty("changes").GetRawText().Should().Be("""[{"field":"name","old":"a","new":"c"}]""");
        update.GetProperty("at").GetDateTimeOffset().Should().Be(KeyApiHost.Start);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=201")]
    public async Task The_audit_trail_refuses_a_limit_out_of_range(string query)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "GET", $"{Keys}/audit?{query}"))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("limit: must be a number from 1 to 200");
    }

    [Fact]
    public async Task Keys_from_configuration_are_listed_and_refuse_every_change()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["FlowBeacon:Keys:from-a-file:Hash"] = ConfigurationHash,
                ["FlowBeacon:Keys:from-a-file:AllowedIps:0"] = Listed,
            });
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection("FlowBeacon:Keys"));
        });
        await host.CreateAsync("from-the-api");

        Answer listing = await host.SendAsync(Administrator, "GET", Keys);
        JsonElement[] keys = [.. listing.Json.GetProperty("keys").EnumerateArray()];
        keys.Select(
            key => $"{key.GetProperty("name").GetString()} {key.GetProperty("origin").GetString()} {key.GetProperty("version").GetInt64()}")
            .Should().BeEquivalentTo("from-a-file configuration 0", "from-the-api repository 1");
        listing.Body.Should().NotContain(ConfigurationHash);
        string id = keys.Single(key => key.GetProperty("origin").GetString() == "configuration").GetProperty("id").GetString()!;

        (await host.SendAsync(Administrator, "GET", $"{Keys}/{id}")).ETag.Should().Be("\"0\"");
        foreach (KeyOperation operation in KeyOperation.All
            .Where(operation => operation.Path.StartsWith("/{id}", StringComparison.Ordinal) && !operation.IsRead))
        {
            foreach (string[] ifMatch in new string[][] { [], ["If-Match: \"0\""] })
            {
                (await host.SendAsync(Administrator, operation.Method, operation.Target(id), operation.Body, ifMatch))
                    .ShouldBeProblem(409, "Conflict").Detail.Should().Contain("Edit the configuration");
            }
        }

        (await host.SendAsync(Administrator, "POST", Keys, """{"name":"FROM-A-FILE","allowed_ips":[]}""")).ShouldBeProblem(409, "Conflict");
    }

    [Fact]
    public async Task Only_the_answers_of_create_and_rotate_contain_the_raw_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":[]}""");
        string target = $"{Keys}/{created.Text("id")}";
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");

        Answer[] others =
        [
            await host.SendAsync(Administrator, "GET", target),
            await host.SendAsync(Administrator, "GET", Keys),
            await host.SendAsync(Administrator, "PATCH", target, """{"name":"b"}"""),
            await host.SendAsync(Administrator, "POST", $"{target}/rotate"),
            await host.SendAsync(Administrator, "POST", $"{target}/end-grace"),
            await host.SendAsync(Administrator, "DELETE", target),
            await host.SendAsync(Administrator, "DELETE", target),
            await host.SendAsync(Administrator, "GET", $"{Keys}/audit"),
        ];

        foreach (Answer other in others)
        {
            other.Body.Should().NotContain("\"key\"").And.NotContain(created.Text("key")[12..]).And.NotContain(rotated.Text("key")[12..]);
        }

        rotated.Body.Should().NotContain(created.Text("key")[12..]);
    }

    [Theory]
    [InlineData("camel")]
    [InlineData("kebab")]
    [InlineData("none")]
    public async Task Member_names_are_snake_case_with_any_naming_policy_of_the_host(string policy)
    {
        JsonNamingPolicy? naming = policy switch
        {
            "camel" => JsonNamingPolicy.CamelCase,
            "kebab" => JsonNamingPolicy.KebabCaseUpper,
            _ => null,
        };
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.Configure<JsonOptions>(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = naming;
            options.SerializerOptions.DictionaryKeyPolicy = naming;
            options.SerializerOptions.WriteIndented = true;
            options.SerializerOptions.DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault;
        }));

        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":["203.0.113.7"]}""");
        Answer refused = await host.SendAsync(Administrator, "POST", Keys, """{"name":"b","allowed_ips":["x/8"]}""");

        created.Status.Should().Be(201, created.Body);
        created.Members.Should().Equal([.. KeyMembers, "key", "warnings"]);
        (await host.SendAsync(Administrator, "GET", Keys)).Members.Should().Equal("keys", "next");
        (await host.SendAsync(Administrator, "GET", $"{Keys}/audit")).Json.GetProperty("entries")[0]
            .TryGetProperty("new_allowed_ips", out _)
            .Should().BeTrue();
        refused.Members.Should().Equal("type", "title", "status", "detail", "errors");
        refused.Errors.Should().Equal("allowed_ips[0]: 'x/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges");
    }

    private static IEnumerable<string> Actions(Answer answer) =>
        answer.Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()!);
}
