using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Every 409 has a machine-readable code, and no other refusal has one.</summary>
public sealed class ConflictCodeTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string Elsewhere = "X-Forwarded-For: 198.51.100.9";

    [Fact]
    public async Task Every_409_has_a_code()
    {
        using var folder = new KeyFolder();
        string file = folder.Write("keys.json", KeyJson.File(KeyJson.Key("configured", TestKeys.Restricted)));
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
        {
            builder.Configuration.AddJsonFile(file);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
        var seen = new HashSet<string>();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string target = $"{Keys}/{key.Details.Key.Id}";

        await ShouldBeAsync("id_taken", "POST", Keys, $$"""{"id":"{{key.Details.Key.Id}}","name":"other","allowed_ips":[]}""");
        await ShouldBeAsync("name_taken", "POST", Keys, """{"name":"MAKE-GRID","allowed_ips":[]}""");
        await ShouldBeAsync("not_in_grace_period", "POST", $"{target}/end-grace");
        await ShouldBeAsync("not_denied", "POST", $"{target}/recover", null, Elsewhere);
        await ShouldBeAsync("address_listed", "POST", $"{target}/recover", null, $"X-Forwarded-For: {Listed}");
        await ShouldBeAsync("address_unknown", "POST", $"{target}/recover", null, "X-Forwarded-For: unknown");
        (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).Status.Should().Be(200);
        await ShouldBeAsync("in_grace_period", "POST", $"{target}/rotate");
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        await ShouldBeAsync("old_secret_in_use", "POST", $"{target}/end-grace");
        await ShouldBeAsync("lockout_risk", "PATCH", target, """{"enabled":false}""");
        await ShouldBeAsync("lockout_risk", "PATCH", target, """{"allowed_ips":["192.0.2.1"]}""");
        (await host.SendAsync(Administrator, "PATCH", target, """{"enabled":false,"accept_lockout_risk":true}""")).Status.Should().Be(200);
        await ShouldBeAsync("key_disabled", "POST", $"{target}/rotate");
        (await host.SendAsync(Administrator, "DELETE", target)).Status.Should().Be(200);
        await ShouldBeAsync("key_revoked", "PATCH", target, """{"enabled":true}""");
        IssuedApiKey open = await host.CreateAsync("open");
        await ShouldBeAsync("no_list", "POST", $"{Keys}/{open.Details.Key.Id}/recover", null, Elsewhere);
        await ShouldBeAsync("key_from_configuration", "POST", $"{Keys}/configured/rotate");

        IssuedApiKey lockedOut = await host.CreateAsync("locked-out", Listed);
        (await host.UseAsync(lockedOut.RawKey, "198.51.100.9")).Should().Be(403);
        string recover = $"{Keys}/{lockedOut.Details.Key.Id}/recover";
        (await host.SendAsync(Administrator, "POST", recover, null, Elsewhere)).Status.Should().Be(200);
        await ShouldBeAsync("recovered_recently", "POST", recover, null, "X-Forwarded-For: 198.51.100.10");

        ApiKeyDetails damaged = (await host.CreateAsync("damaged", Listed)).Details;
        await host.WriteAsync(damaged with { Key = damaged.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 });
        await ShouldBeAsync("unreadable_list", "PATCH", $"{Keys}/{damaged.Key.Id}", """{"allowed_ips":[]}""");

        IssuedApiKey expiring = await host.CreateAsync(
            new NewApiKey { Name = "expiring", AllowedIps = [Listed], ExpiresAt = KeyApiHost.Start.AddHours(1) });
        host.Time.Advance(TimeSpan.FromHours(1));
        await ShouldBeAsync("key_expired", "POST", $"{Keys}/{expiring.Details.Key.Id}/rotate");

        seen.Should().BeEquivalentTo(Enum.GetValues<ApiKeyConflictCode>().Select(SnakeCase.Of));

        async Task ShouldBeAsync(string code, string method, string path, string? body = null, params string[] headers)
        {
            Answer answer = await host.SendAsync(Administrator, method, path, body, headers);
            answer.Status.Should().Be(409, answer.Body);
            answer.Text("code").Should().Be(code);
            seen.Add(code);
        }
    }

    [Fact]
    public async Task Other_refusals_have_none()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string target = $"{Keys}/{key.Details.Key.Id}";
        Answer[] refusals =
        [
            await host.SendAsync(Administrator, "POST", Keys, """{"name":""}"""),
            await host.SendAsync(null, "GET", Keys),
            await host.SendAsync(KeyApiHost.Member, "GET", Keys),
            await host.SendAsync(Administrator, "GET", $"{Keys}/key_0"),
            await host.SendAsync(Administrator, "PATCH", target, """{"name":"other"}""", "If-Match: \"7\""),
        ];

        refusals.Select(refusal => refusal.Status).Should().Equal(400, 401, 403, 404, 412);
        refusals.Should().OnlyContain(refusal => !refusal.Members.Contains("code"));
    }
}
