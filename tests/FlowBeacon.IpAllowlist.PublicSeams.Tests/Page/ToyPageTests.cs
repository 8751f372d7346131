using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;

/// <summary>What people do with keys on a page of a host's own.</summary>
public sealed class ToyPageTests : IAsyncLifetime
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";

    private readonly ToyStore _store = new();
    private ToyHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await ToyHost.StartAsync(_store);

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Shows_keys_with_counts_filters_pages_last_uses_and_denials()
    {
        IssuedApiKey one = await _host.CreateAsync("grid one", Listed);
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        IssuedApiKey two = await _host.CreateAsync("grid two", Listed);
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        IssuedApiKey other = await _host.CreateAsync("other");
        await _host.RevokeAsync(other.Details.Key.Id);
        await _host.UseAsync(one.RawKey, Listed);
        foreach (string from in new[] { NotListed, "198.51.100.8", "198.51.100.8", "198.51.100.7", "198.51.100.7", "198.51.100.7" })
        {
            (await _host.UseAsync(two.RawKey, from)).Should().Be(403);
        }

        Answer all = await GetAsync("");
        all.Items("keys").Select(Row).Should().Equal(
            "grid one Active 2027-01-01T12:00:02+00:00", "grid two Active ", "other Revoked ");
        Counts(all).Should().Be("2 active, 0 expired, 1 revoked");
        all.Text("next").Should().BeNull();
        all.Number("denied").Should().Be(6);
        string id = two.Details.Key.Id;
        all.Texts("denials").Should().Equal($"{id} 198.51.100.7 NotListed 3", $"{id} 198.51.100.8 NotListed 2");
        (await GetAsync($"?denialsAfter={Uri.EscapeDataString(all.Text("nextDenials")!)}")).Texts("denials")
            .Should().Equal($"{id} {NotListed} NotListed 1");

        Answer first = await GetAsync("?name=GRID&state=Active&limit=1");
        first.Items("keys").Select(Row).Should().ContainSingle().Which.Should().StartWith("grid one");
        Counts(first).Should().Be("2 active, 0 expired, 0 revoked");
        Answer second = await GetAsync($"?name=GRID&state=Active&limit=1&after={first.Text("next")}");
        second.Items("keys").Select(Row).Should().ContainSingle().Which.Should().StartWith("grid two");
        second.Text("next").Should().BeNull();
        (await GetAsync($"?prefix={one.RawKey[..ApiKey.PrefixLength]}")).Items("keys").Select(Row)
            .Should().Contain(row => row.StartsWith("grid one", StringComparison.Ordinal));

        static string Row(JsonElement key) => $"{key.GetProperty("name")} {key.GetProperty("state")} {key.GetProperty("lastUsed")}";
    }

    [Theory]
    [InlineData("?limit=1", 200)]
    [InlineData("?limit=10000", 200)]
    [InlineData("?limit=0", 400)]
    [InlineData("?limit=10001", 400)]
    [InlineData("?prefix=fb_live_1234", 200)]
    [InlineData("?prefix=fb_live_12345", 400)]
    public async Task Refuses_a_query_beyond_the_public_limits(string query, int status) =>
        (await _host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page + query)).Status.Should().Be(status);

    [Fact]
    public async Task Shows_one_key_with_its_sources_suggestion_and_audit_trail()
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid");
        await _host.UseAsync(key.RawKey, Listed);
        await _host.UseAsync(key.RawKey, Listed);
        _host.Time.Advance(TimeSpan.FromHours(23));
        _host.Node.Load();

        Answer shown = await GetAsync($"/{key.Details.Key.Id}");

        shown.Number("revision").Should().Be(key.Revision);
        shown.Texts("allowedIps").Should().BeEmpty();
        shown.Texts("sources").Should().Equal($"{Listed} 2");
        shown.Texts("suggested").Should().Equal(Listed);
        shown.Texts("audit").Should().Equal("Create by Application tests");
        (await _host.SendAsync(ToyHost.Operator, "GET", $"{ToyHost.Page}/key_none")).Status.Should().Be(404);
    }

    [Fact]
    public async Task Creates_a_key_once_for_an_id_that_was_chosen_and_warns_of_the_hosts_own_proxy()
    {
        string id = (await GetAsync("/limits")).Text("newId")!;
        string form = JsonSerializer.Serialize(new { id, name = "make-grid", allowedIps = new[] { Listed, ToyHost.Peer.ToString() } });

        Answer created = await PostAsync("", form, $"X-Forwarded-For: {NotListed}");
        Answer repeated = await PostAsync("", form);
        Answer invalid = await PostAsync("", """{"name":"","allowedIps":["10.0.0.0/8"]}""");

        created.Status.Should().Be(200, created.Body);
        created.Text("id").Should().Be(id);
        created.Number("revision").Should().Be(_store.Revision);
        Warnings(created).Should().Equal($"OwnProxy {ToyHost.Peer}", $"NeverAClient {Listed}");
        (await _host.UseAsync(created.Text("rawKey")!, Listed)).Should().Be(200);
        (await _host.UseAsync(created.Text("rawKey")!, NotListed)).Should().Be(403);
        repeated.Status.Should().Be(409);
        repeated.Text("fault").Should().Be("Conflict");
        invalid.Status.Should().Be(400);
        invalid.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name).Should().BeEquivalentTo("Name", "AllowedIps[0]");
        Counts(await GetAsync("")).Should().Be("1 active, 0 expired, 0 revoked");
    }

    [Fact]
    public async Task Previews_an_update_then_makes_it_only_if_the_risk_is_accepted()
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed, NotListed);
        (await _host.UseAsync(key.RawKey, NotListed)).Should().Be(200);
        string update = $"/{key.Details.Key.Id}/update";
        object narrower = new { version = 1, allowedIps = new[] { Listed, "224.0.0.1" }, expiresAt = ToyHost.Start.AddHours(1) };

        Answer preview = await PostAsync($"{update}/preview", JsonSerializer.Serialize(narrower));
        preview.Status.Should().Be(200, preview.Body);
        preview.Texts("allowedIps").Should().Equal(Listed, "224.0.0.1");
        preview.Texts("cutsOff").Should().Equal(NotListed);
        Warnings(preview).Should().Equal($"NeverAClient {Listed}", "NeverAClient 224.0.0.1", "ExpiresSoon ");
        Answer refused = await PostAsync(update, JsonSerializer.Serialize(narrower));
        refused.Status.Should().Be(409);
        refused.Text("fault").Should().Be("LockoutRisk");
        refused.Texts("cutsOff").Should().Equal(NotListed);
        _store.Revision.Should().Be(key.Revision, "nothing was written");

        Answer accepted = await PostAsync(
            update, $$"""{"version":1,"allowedIps":["{{Listed}}","224.0.0.1"],"acceptLockoutRisk":true}""");
        accepted.Status.Should().Be(200, accepted.Body);
        accepted.Number("version").Should().Be(2);
        Warnings(accepted).Should().Equal($"NeverAClient {Listed}", "NeverAClient 224.0.0.1");
        (await _host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        (await PostAsync(update, """{"version":1,"name":"late"}""")).Status.Should().Be(412);
        (await PostAsync($"{update}/preview", """{"version":1,"name":"late"}""")).Status.Should().Be(412);
        Answer harmless = await PostAsync($"{update}/preview", """{"version":2,"allowedIps":["192.168.0.1"]}""");
        harmless.Json.GetProperty("cutsOff").ValueKind.Should().Be(JsonValueKind.Null);
        Warnings(harmless).Should().BeEmpty();
    }

    [Fact]
    public async Task Previews_a_revocation_then_makes_it()
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed);
        (await _host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        string revoke = $"/{key.Details.Key.Id}/revoke";

        Answer preview = await GetAsync($"{revoke}/preview?version=1");
        preview.Json.GetProperty("isRevoked").GetBoolean().Should().BeTrue();
        preview.Texts("cutsOff").Should().Equal(Listed);
        (await _host.UseAsync(key.RawKey, Listed)).Should().Be(200, "a preview writes nothing");
        (await PostAsync(revoke, """{"version":2}""")).Status.Should().Be(412);

        (await PostAsync(revoke, """{"version":1}""")).Status.Should().Be(200);
        (await _host.UseAsync(key.RawKey, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task Rotates_a_key_and_ends_the_grace_period_of_the_old_secret()
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed);
        string target = $"/{key.Details.Key.Id}";
        (await GetAsync($"{target}/end-grace/preview?version=1", 409)).Text("fault").Should().Be("Conflict");

        Answer rotated = await PostAsync($"{target}/rotate", $$"""{"version":1,"graceHours":{{ApiKeyLimits.DefaultGraceHours}}}""");
        rotated.Status.Should().Be(200, rotated.Body);
        string newKey = rotated.Text("rawKey")!;
        (await _host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await _host.UseAsync(newKey, Listed)).Should().Be(200);
        (await _host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        Answer preview = await GetAsync($"{target}/end-grace/preview?version=2");
        preview.Texts("cutsOff").Should().Equal(Listed);
        preview.Text("oldSecret").Should().Be($"SecretUse {key.Details.Key.Id} from {Listed} at 2027-01-01 12:00:00Z");
        Answer refused = await PostAsync($"{target}/end-grace", """{"version":2}""");
        refused.Status.Should().Be(409, refused.Body);
        refused.Texts("cutsOff").Should().Equal(Listed);

        (await PostAsync($"{target}/end-grace", """{"version":2,"acceptLockoutRisk":true}""")).Status.Should().Be(200);
        (await _host.UseAsync(key.RawKey, Listed)).Should().Be(401);
        (await _host.UseAsync(newKey, Listed)).Should().Be(200);
    }

    [Fact]
    public async Task Recovers_a_key_from_the_address_that_it_was_denied_from()
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed);
        string recover = $"/{key.Details.Key.Id}/recover";

        (await PostAsync(recover, null, $"X-Forwarded-For: {NotListed}")).Status.Should().Be(409, "it was not denied from there");
        (await _host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        (await PostAsync(recover, null, "X-Forwarded-For: unknown")).Status.Should().Be(400, "there is no address to allow");
        (await PostAsync(recover, null, $"X-Forwarded-For: {NotListed}")).Status.Should().Be(200);

        (await _host.UseAsync(key.RawKey, NotListed)).Should().Be(200);
        (await _host.UseAsync(key.RawKey, "198.51.100.10")).Should().Be(403);
    }

    [Theory]
    [InlineData("""{"address":"203.0.113.7"}""", "Allowed 203.0.113.7 ")]
    [InlineData("""{"address":"::ffff:203.0.113.7"}""", "Allowed 203.0.113.7 ")]
    [InlineData("""{"address":"198.51.100.9"}""", "Denied 198.51.100.9 NotListed")]
    [InlineData("""{"forwardedFor":["203.0.113.7, 10.0.0.2"],"peer":"10.0.0.1"}""", "Allowed 203.0.113.7 ")]
    [InlineData("""{"forwardedFor":["198.51.100.9","203.0.113.7"],"peer":"10.0.0.1"}""", "Denied 198.51.100.9 NotListed")]
    [InlineData("""{"forwardedFor":["unknown"],"peer":"203.0.113.7"}""", "Denied  UnusableForwardedFor")]
    [InlineData("""{"peer":"203.0.113.7"}""", "Allowed 203.0.113.7 ")]
    [InlineData("{}", "Denied  UnknownPeer")]
    public async Task Tries_an_address_and_records_nothing(string form, string verdict)
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed);

        Answer tried = await PostAsync($"/{key.Details.Key.Id}/try", form);

        $"{tried.Text("outcome")} {tried.Text("clientIp")} {tried.Text("reason")}".Should().Be(verdict, tried.Body);
        tried.Text("detail").Should().NotBeNullOrEmpty();
        Answer shown = await GetAsync($"/{key.Details.Key.Id}");
        shown.Number("denied").Should().Be(0);
        shown.Texts("sources").Should().BeEmpty();
    }

    [Theory]
    [InlineData("10.0.0.0/8", "'10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges")]
    [InlineData("010.0.0.1", "*'010.0.0.1'*")]
    [InlineData("203.0.113.7 ", "*'203.0.113.7 '*")]
    [InlineData("", "*")]
    public async Task Explains_why_a_text_is_no_address_to_try(string text, string message)
    {
        IssuedApiKey key = await _host.CreateAsync("make-grid", Listed);

        Answer refused = await PostAsync($"/{key.Details.Key.Id}/try", JsonSerializer.Serialize(new { address = text }));

        refused.Status.Should().Be(400);
        refused.Text("message").Should().Match(message).And.NotBeEmpty();
    }

    [Fact]
    public async Task Shows_people_their_address_and_how_it_was_found()
    {
        await using ToyHost behindProxies = await ToyHost.StartAsync(_store, options: options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add("10.0.0.0/24");
        });

        Answer found = await behindProxies.SendAsync(
            ToyHost.Operator, "GET", $"{ToyHost.Page}/me", null, $"X-Forwarded-For: 192.0.2.66, {Listed}, 10.0.0.2");
        Answer unusable = await behindProxies.SendAsync(
            ToyHost.Operator, "GET", $"{ToyHost.Page}/me", null, "X-Forwarded-For: 192.0.2.66, unknown");

        found.Text("actor").Should().Be("olga");
        $"{found.Text("address")} {found.Text("origin")} {found.Text("fault")}".Should().Be($"{Listed} ForwardedFor None");
        found.Texts("steps").Should().Equal(
            $"Peer  {ToyHost.Peer} trusted", "ForwardedFor 1 10.0.0.2 trusted", $"ForwardedFor 2 {Listed} client");
        found.Text("conclusion").Should().NotBeNullOrEmpty();
        $"{unusable.Text("address")} {unusable.Text("origin")} {unusable.Text("fault")}".Should().Be(" None UnusableForwardedFor");
        unusable.Texts("steps").Should().Equal($"Peer  {ToyHost.Peer} trusted", "ForwardedFor 1 unknown");
    }

    [Fact]
    public async Task Shows_what_the_self_diagnosis_finds()
    {
        (await GetAsync("")).Text("diagnosis").Should().BeNull();
        for (int number = 0; number < 3; number++)
        {
            IssuedApiKey key = await _host.CreateAsync($"key {number}");
            (await _host.UseAsync(key.RawKey, "10.0.0.2")).Should().Be(200);
        }

        (await GetAsync("")).Text("diagnosis").Should().Contain("10.0.0.2");
    }

    [Fact]
    public async Task The_limits_it_shows_are_those_that_are_kept()
    {
        Answer limits = await GetAsync("/limits");
        int longestName = (int)limits.Number("maxNameLength");
        int longestList = (int)limits.Number("maxAddressesPerKey");

        (await CreateAsync(new string('n', longestName), 0)).Status.Should().Be(200);
        (await CreateAsync(new string('m', longestName + 1), 0)).Status.Should().Be(400);
        (await CreateAsync("short list", longestList)).Status.Should().Be(200);
        (await CreateAsync("long list", longestList + 1)).Status.Should().Be(400);
        foreach (string bound in new[] { "minGraceHours", "maxGraceHours", "defaultGraceHours" })
        {
            (await RotateAsync((int)limits.Number(bound))).Should().Be(200);
        }

        (await RotateAsync((int)limits.Number("minGraceHours") - 1)).Should().Be(400);
        (await RotateAsync((int)limits.Number("maxGraceHours") + 1)).Should().Be(400);

        Task<Answer> CreateAsync(string name, int addresses) => PostAsync("", JsonSerializer.Serialize(
            new { name, allowedIps = Enumerable.Range(0, addresses).Select(number => $"192.0.{number / 256}.{number % 256}") }));

        async Task<int> RotateAsync(int graceHours)
        {
            IssuedApiKey key = await _host.CreateAsync($"key {Guid.NewGuid():N}");
            return (await PostAsync($"/{key.Details.Key.Id}/rotate", $$"""{"version":1,"graceHours":{{graceHours}}}""")).Status;
        }
    }

    [Fact]
    public async Task Shows_how_far_a_change_has_come()
    {
        await using ToyHost other = await ToyHost.StartAsync(_store, "b");
        long revision = (await _host.CreateAsync("make-grid")).Revision;

        Answer behind = await GetAsync($"/fleet?revision={revision}");
        other.Node.Load();
        Answer inForce = await GetAsync($"/fleet?revision={revision}");

        behind.Json.GetProperty("isInForce").GetBoolean().Should().BeFalse();
        behind.Texts("nodes").Should().Equal($"a {revision} UpToDate", "b 0 Behind");
        inForce.Json.GetProperty("isInForce").GetBoolean().Should().BeTrue();
        inForce.Texts("nodes").Should().Equal($"a {revision} UpToDate", $"b {revision} UpToDate");
    }

    [Fact]
    public async Task Asks_people_to_wait_while_the_store_is_away()
    {
        _store.IsAway = true;
        (await GetAsync("", 503)).ShouldAskToWait(ToyStore.RetryAfter);
        (await PostAsync("", """{"name":"make-grid","allowedIps":[]}""")).ShouldAskToWait(ToyStore.RetryAfter);

        _store.IsAway = false;
        Counts(await GetAsync("")).Should().Be("0 active, 0 expired, 0 revoked");
    }

    /// <summary>The kind of each warning and the entry it is about.</summary>
    private static IEnumerable<string> Warnings(Answer page) => page.Texts("warnings").Select(warning => warning!.Split(':')[0]);

    private static string Counts(Answer page)
    {
        JsonElement counts = page.Json.GetProperty("counts");
        return $"{counts.GetProperty("active")} active, {counts.GetProperty("expired")} expired, {counts.GetProperty("revoked")} revoked";
    }

    private async Task<Answer> GetAsync(string target, int status = 200)
    {
        Answer answer = await _host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page + target);
        answer.Status.Should().Be(status, answer.Body);
        return answer;
    }

    private Task<Answer> PostAsync(string target, string? form, params string[] headerLines) =>
        _host.SendAsync(ToyHost.Operator, "POST", ToyHost.Page + target, form, headerLines);
}
