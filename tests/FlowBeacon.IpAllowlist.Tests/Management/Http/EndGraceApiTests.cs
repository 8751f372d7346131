using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Whether the old secret of a rotation is still used, and what becomes of ending its grace period then.</summary>
public sealed class EndGraceApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string First = "203.0.113.7";
    private const string Second = "198.51.100.9";

    [Fact]
    public async Task Get_and_list_tell_when_and_from_where_each_secret_was_used()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{key.Details.Key.Id}";
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");
        JsonElement unused = (await host.SendAsync(Administrator, "GET", target)).Json.GetProperty("retiring");
        (await host.UseAsync(key.RawKey, First)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        (await host.UseAsync(rotated.Text("key"), Second)).Should().Be(200);

        Answer read = await host.SendAsync(Administrator, "GET", target);
        Answer list = await host.SendAsync(Administrator, "GET", Keys);
        Answer edited = await host.SendAsync(Administrator, "PATCH", target, """{"name":"renamed"}""");

        MembersOf(rotated.Json.GetProperty("retiring")).Should().Equal("prefix", "expires_at");
        MembersOf(unused).Should().Equal("prefix", "expires_at");
        MembersOf(edited.Json.GetProperty("retiring")).Should().Equal("prefix", "expires_at");
        foreach (JsonElement retiring in new[] { read.Json, list.Json.GetProperty("keys")[0] }.Select(one => one.GetProperty("retiring")))
        {
            MembersOf(retiring).Should().Equal(
                "prefix", "expires_at", "last_used_at", "last_used_ip", "replacement_last_used_at", "replacement_last_used_ip");
            retiring.GetProperty("last_used_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start);
            retiring.GetProperty("last_used_ip").GetString().Should().Be(First);
            retiring.GetProperty("replacement_last_used_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start.AddSeconds(1));
            retiring.GetProperty("replacement_last_used_ip").GetString().Should().Be(Second);
        }

        read.Text("last_used_ip").Should().Be(Second);
    }

    [Fact]
    public async Task Ending_a_grace_period_is_409_while_the_old_secret_is_used_unless_that_is_accepted()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{key.Details.Key.Id}";
        await host.SendAsync(Administrator, "POST", $"{target}/rotate");
        (await host.UseAsync(key.RawKey, First)).Should().Be(200);

        Answer refused = await host.SendAsync(Administrator, "POST", $"{target}/end-grace");
        (await host.UseAsync(key.RawKey, First)).Should().Be(200, "nothing was changed");
        Answer accepted = await host.SendAsync(Administrator, "POST", $"{target}/end-grace", """{"accept_lockout_risk":true}""");

        refused.ShouldBeProblem(409, "Lockout risk");
        refused.Members.Should().Equal("type", "title", "status", "detail", "code", "last_used_at", "last_used_ip");
        refused.Text("type").Should().Be("urn:flowbeacon:problems/lockout-risk");
        refused.Text("code").Should().Be("old_secret_in_use");
        refused.Json.GetProperty("last_used_at").GetDateTimeOffset().Should().Be(KeyApiHost.Start);
        refused.Text("last_used_ip").Should().Be(First);
        refused.Text("detail").Should().Be(
            $"The old secret is in use, last at {KeyApiHost.Start:u} from {First}. Switch its clients to the new one first, or"
            + " repeat the change with accept_lockout_risk.");
        accepted.Status.Should().Be(200, accepted.Body);
        (await host.UseAsync(key.RawKey, First)).Should().Be(401);
        (await host.AuditAsync())[0].Detail.Should().EndWith($"; lockout risk accepted for its use at {KeyApiHost.Start:u} from {First}");
    }

    [Fact]
    public async Task A_grace_period_ends_without_a_word_an_hour_after_the_last_use_of_the_old_secret()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{key.Details.Key.Id}";
        string replacement = (await host.SendAsync(Administrator, "POST", $"{target}/rotate")).Text("key")!;
        (await host.UseAsync(key.RawKey, First)).Should().Be(200);
        host.Time.Advance(TimeSpan.FromSeconds(3_601));
        (await host.UseAsync(replacement, First)).Should().Be(200);
        (await host.UseAsync(key.RawKey[..^1] + "x", First)).Should().Be(401, "a wrong key is no use of the old secret");

        (await host.SendAsync(Administrator, "POST", $"{target}/end-grace")).Status.Should().Be(200);
    }

    [Theory]
    [InlineData("""{"accept_lockout_risk":"true"}""")]
    [InlineData("""{"accept_lockout_risk":null}""")]
    [InlineData("""{"acceptLockoutRisk":true}""")]
    public async Task A_risk_is_accepted_in_so_many_words_or_not_at_all(string body)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey key = await host.CreateAsync("make-grid");
        string target = $"{Keys}/{key.Details.Key.Id}";
        await host.SendAsync(Administrator, "POST", $"{target}/rotate");

        (await host.SendAsync(Administrator, "POST", $"{target}/end-grace", body)).Status.Should().Be(400);
        (await host.UseAsync(key.RawKey, First)).Should().Be(200);
    }

    private static IEnumerable<string> MembersOf(JsonElement element) => element.EnumerateObject().Select(member => member.Name);
}
