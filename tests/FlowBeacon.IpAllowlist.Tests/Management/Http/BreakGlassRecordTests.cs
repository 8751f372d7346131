using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The audit trail of break-glass keys: actions, the key concerned, and refusals apart from them.</summary>
public sealed class BreakGlassRecordTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Listed = "203.0.113.7";
    private const string From = "198.51.100.9";

    /// <summary>The actions of a break-glass key and their records; <c>{key}</c> stands for the id of a key.</summary>
    public static TheoryData<string, string, string?, string> Uses => new()
    {
        { "GET", "", null, "GET /api/v1/keys" },
        { "GET", "/", null, "GET /api/v1/keys" },
        { "GET", "?limit=1&state=active", null, "GET /api/v1/keys" },
        { "GET", "/audit", null, "GET /api/v1/keys/audit" },
        { "GET", "/denials", null, "GET /api/v1/keys/denials" },
        { "GET", "/{key}", null, "GET /api/v1/keys/{id} of {key}" },
        { "GET", "/{key}/denials", null, "GET /api/v1/keys/{id}/denials of {key}" },
        { "GET", "/{key}/sources", null, "GET /api/v1/keys/{id}/sources of {key}" },
        { "GET", "/{key}/suggestion", null, "GET /api/v1/keys/{id}/suggestion of {key}" },
        { "POST", "/{key}/try", """{"ip":"203.0.113.7"}""", "POST /api/v1/keys/{id}/try of {key}" },
        { "POST", "/{key}/recover", null, "POST /api/v1/keys/{id}/recover of {key}" },
    };

    /// <summary>Texts in the route in place of a key's id; <c>{raw}</c> is a raw key.</summary>
    public static TheoryData<string> NoIds => ["{raw}", "key_unknown", "%0a", "{raw}%20", "KEY"];

    [Theory]
    [MemberData(nameof(Uses))]
    public async Task A_use_of_key_administration_says_what_was_done_and_to_which_key(
        string method, string path, string? body, string detail)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("victim", Listed);
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        string id = key.Details.Key.Id;
        (await host.UseAsync(key.RawKey, From)).Should().Be(403);

        (await SendAsync(host, glass, method, Keys + path.Replace("{key}", id, StringComparison.Ordinal), body)).Status.Should().Be(200);

        AuditEntry use = (await UsesAsync(host)).Should().ContainSingle().Subject;
        use.Detail.Should().Be(detail.Replace("{key}", id, StringComparison.Ordinal));
        use.Should().BeEquivalentTo(new
        {
            KeyId = glass.Details.Key.Id,
            KeyName = "break-glass",
            Actor = new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = glass.Details.Key.Id, Address = From },
            Count = 1,
        });
    }

    [Theory]
    [MemberData(nameof(NoIds))]
    public async Task A_raw_key_or_anything_else_that_is_no_id_is_not_on_record(string segment)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string rawKey = (await host.CreateAsync("victim", Listed)).RawKey;
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        string target = $"{Keys}/{segment.Replace("{raw}", rawKey, StringComparison.Ordinal)}";

        (await SendAsync(host, glass, "GET", $"{target}/sources")).Status.Should().Be(404);
        (await SendAsync(host, glass, "DELETE", target)).Status.Should().Be(403);

        IReadOnlyList<AuditEntry> audit = await host.AuditAsync();
        audit.Single(entry => entry.Action == AuditAction.BreakGlassUse).Detail.Should().Be("GET /api/v1/keys/{id}/sources");
        audit.Single(entry => entry.Action == AuditAction.Refused).Detail.Should().Be("DELETE /api/v1/keys/{id}");
    }

    [Fact]
    public async Task A_change_that_a_break_glass_key_is_refused_is_a_refusal_and_no_use()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("victim", Listed)).Details.Key.Id;
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        KeyOperation[] refused = [.. KeyOperation.All.Where(operation => !operation.IsRead && operation.Name != "recover")];

        foreach (KeyOperation operation in refused)
        {
            (await SendAsync(host, glass, operation.Method, operation.Target(id), operation.Body)).Status.Should().Be(403);
        }

        (await UsesAsync(host)).Should().BeEmpty("nothing was done");
        (await host.AuditAsync()).Where(entry => entry.Action == AuditAction.Refused).Select(entry => $"{entry.Actor.Id} {entry.Detail}")
            .Should().BeEquivalentTo(refused.Select(operation => $"{glass.Details.Key.Id} {operation.Method} {Keys}{operation.Path}"));
    }

    [Fact]
    public async Task Actions_of_a_person_who_also_sends_a_break_glass_key_are_not_recorded_as_its_use()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("victim", Listed)).Details.Key.Id;
        IssuedApiKey glass = await host.CreateBreakGlassAsync();

        Answer revoked = await host.SendAsync(KeyApiHost.Administrator, "DELETE", $"{Keys}/{id}", null, KeyApiHost.Bearer(glass.RawKey));

        revoked.Status.Should().Be(200);
        (await UsesAsync(host)).Should().BeEmpty();
        (await host.AuditAsync())[0].Should().BeEquivalentTo(new { Action = AuditAction.Revoke, KeyId = id });
        host.App.Logs.OfLibrary.Should().ContainSingle(
            entry => entry.Id.Name == "BreakGlassKeyUsed", "that the key came is logged all the same");
    }

    [Fact]
    public async Task A_use_is_on_record_even_if_it_cannot_be_told_whether_the_id_is_one()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddSingleton<IApiKeyRepository, AbsentRepository>());
        host.App.Services.GetRequiredService<InMemoryApiKeyStore>().Set(
            TestKeys.Create(TestKeys.Unrestricted, "glass") with { IsBreakGlass = true, Scopes = [ApiKeyScopes.GovernanceRead] });

        (await host.SendAsync(null, "GET", $"{Keys}/key_1", null, KeyApiHost.Bearer(TestKeys.Unrestricted))).Status.Should().Be(500);

        (await UsesAsync(host)).Should().ContainSingle().Which.Detail.Should().Be("GET /api/v1/keys/{id}");
    }

    [Theory]
    [InlineData("GET", "/report", "GET /report")]
    [InlineData("GET", "/orders/{raw}", "GET /orders/{id}")]
    [InlineData("PUT", "/orders/{key}", "PUT /orders/{id}")]
    [InlineData("GET", "/nowhere/{raw}", "GET")]
    [InlineData("{raw}", "/orders/1", "OTHER /orders/{id}")]
    [InlineData("{raw}", "/nowhere", "OTHER")]
    public async Task A_use_of_another_endpoint_says_its_method_and_pattern_and_nothing_of_the_path(
        string method, string path, string detail)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: app =>
        {
            KeyApiHost.UseAll(app);
            app.Map("/orders/{id}", (string id) => id);
        });
        IssuedApiKey key = await host.CreateAsync("victim", Listed);
        IssuedApiKey glass = await host.CreateBreakGlassAsync();

        await KestrelApp.SendAsync(host.App.IPv4, Filled(method), Filled(path), KeyApiHost.Bearer(glass.RawKey));

        (await UsesAsync(host)).Should().ContainSingle().Which.Detail.Should().Be(detail);

        string Filled(string text) => text
            .Replace("{raw}", key.RawKey, StringComparison.Ordinal)
            .Replace("{key}", key.Details.Key.Id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_use_that_is_seen_before_routing_says_its_method_alone_and_is_told_once()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: app =>
        {
            app.UseFlowBeaconIpAllowlist();
            app.UseRouting();
            app.UseAuthentication();
            app.UseAuthorization();
        });
        string id = (await host.CreateAsync("victim", Listed)).Details.Key.Id;
        IssuedApiKey glass = await host.CreateBreakGlassAsync();

        (await SendAsync(host, glass, "GET", $"{Keys}/{id}")).Status.Should().Be(200);

        (await UsesAsync(host)).Should().ContainSingle().Which.Detail.Should().Be("GET");
    }

    [Fact]
    public async Task A_flood_by_one_break_glass_key_neither_pushes_out_nor_blurs_the_newest_uses_of_another()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Logging.ClearProviders());
        IssuedApiKey quiet = await host.CreateBreakGlassAsync();
        IssuedApiKey loud = await host.CreateAsync(new NewApiKey { AllowedIps = [], Name = "loud", IsBreakGlass = true });
        for (int number = 0; number < 50; number++)
        {
            await SendAsync(host, quiet, "GET", Keys, from: $"192.0.2.{number}");
        }

        host.Time.Advance(TimeSpan.FromMinutes(2));
        await FloodAsync(1_100);
        await SendAsync(host, quiet, "GET", $"{Keys}/audit?limit=1", from: "192.0.2.77");
        host.Time.Advance(TimeSpan.FromMinutes(2));
        await FloodAsync(600);

        IReadOnlyList<AuditEntry> uses = await UsesAsync(host);
        uses.Should().HaveCount(InMemoryAuditLog.RepeatablesKept);
        string[] ofQuiet =
            [.. uses.Where(entry => entry.KeyId == quiet.Details.Key.Id).Select(entry => $"{entry.Actor.Address} {entry.Detail}")];
        ofQuiet[0].Should().Be("192.0.2.77 GET /api/v1/keys/audit");
        ofQuiet[1..].Should().Equal(Enumerable.Range(0, 50).Reverse().Select(number => $"192.0.2.{number} GET /api/v1/keys"));

        async Task FloodAsync(int requests)
        {
            for (int number = 0; number < requests; number++)
            {
                await SendAsync(host, loud, "GET", "/report", from: $"10.0.{number / 256}.{number % 256}");
            }
        }
    }

    private static Task<Answer> SendAsync(
        KeyApiHost host, IssuedApiKey key, string method, string target, string? body = null, string from = From) =>
        host.SendAsync(null, method, target, body, KeyApiHost.Bearer(key.RawKey), $"X-Forwarded-For: {from}");

    private static async Task<IReadOnlyList<AuditEntry>> UsesAsync(KeyApiHost host) =>
        [.. (await host.AuditAsync()).Where(entry => entry.Action == AuditAction.BreakGlassUse)];

    /// <summary>A repository whose database is away.</summary>
    private sealed class AbsentRepository : IApiKeyRepository
    {
        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => throw new IOException();

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => throw new IOException();

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => throw new IOException();

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new IOException();
    }
}
