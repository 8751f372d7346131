using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;
using Microsoft.AspNetCore.Builder;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;

/// <summary>Admission to a page with its own authorization data.</summary>
public sealed class ToyPageAdmissionTests
{
    private const string Create = """{"name":"new","allowedIps":[]}""";

    private readonly ToyStore _store = new();

    /// <summary>Whether the page is open as far as the framework is concerned; a person; the status.</summary>
    public static TheoryData<bool, string?, int> Refused => new()
    {
        { false, null, 401 },
        { false, "bob member", 403 },
        { false, ToyHost.Administrator, 403 },
        { false, "carol operator", 403 },
        { true, null, 401 },
        { true, "bob member", 403 },
        { true, ToyHost.Administrator, 403 },
        { true, "carol operator", 403 },
    };

    [Theory]
    [InlineData(false, ToyHost.Operator)]
    [InlineData(false, "paul owner operator")]
    [InlineData(true, ToyHost.Operator)]
    public async Task Admits_administrators_with_the_role_of_the_page(bool isAnonymousAllowed, string person)
    {
        await using ToyHost host = await StartAsync(isAnonymousAllowed);

        (await host.SendAsync(person, "GET", ToyHost.Page)).Status.Should().Be(200);
        Answer created = await host.SendAsync(person, "POST", ToyHost.Page, Create);

        created.Status.Should().Be(200, created.Body);
        (await host.AuditAsync()).Select(entry => (entry.Action, entry.Actor)).Should().Equal(
            (AuditAction.Create,
                new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = person.Split(' ')[0], Address = ToyHost.Peer.ToString() }));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Refuses_everyone_else(bool isAnonymousAllowed, string? person, int status)
    {
        await using ToyHost host = await StartAsync(isAnonymousAllowed);

        (await host.SendAsync(person, "GET", ToyHost.Page)).Status.Should().Be(status);
        (await host.SendAsync(person, "POST", ToyHost.Page, Create)).Status.Should().Be(status);

        _store.Revision.Should().Be(0, "nothing was created");
    }

    [Theory]
    [InlineData(false, 401)]
    [InlineData(true, 403)]
    public async Task Refuses_API_keys_with_any_scopes(bool isAnonymousAllowed, int status)
    {
        await using ToyHost host = await StartAsync(isAnonymousAllowed);
        IssuedApiKey all = await host.CreateAsync(new NewApiKey { Name = "all", AllowedIps = [], Scopes = ApiKeyScopes.All });
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        long revision = _store.Revision;

        foreach (IssuedApiKey key in new[] { all, glass })
        {
            (await host.UseAsync(key.RawKey, "203.0.113.7")).Should().Be(200, "the key is good elsewhere");
            string bearer = ToyHost.Bearer(key.RawKey);
            (await host.SendAsync(null, "GET", ToyHost.Page, null, bearer)).Status.Should().Be(status);
            (await host.SendAsync(null, "POST", ToyHost.Page, Create, bearer)).Status.Should().Be(status);
        }

        _store.Revision.Should().Be(revision);
    }

    [Fact]
    public async Task A_refusal_is_told_in_problem_details_and_is_on_record()
    {
        await using ToyHost host = await StartAsync(isAnonymousAllowed: true);

        Answer refused = await host.SendAsync("bob member", "POST", $"{ToyHost.Page}/some/revoke", """{"version":1}""");

        refused.Status.Should().Be(403);
        refused.ContentType.Should().Be("application/problem+json");
        refused.Text("type").Should().Be("urn:flowbeacon:problems/role-required");
        refused.Text("title").Should().Be("Admin or owner role required");
        AuditEntry entry = (await host.AuditAsync()).Should().ContainSingle().Which;
        (entry.Action, entry.Actor.Id, entry.Detail).Should().Be(
            (AuditAction.Refused, "bob", $"POST {ToyHost.Page}/{{id}}/revoke"));
    }

    [Fact]
    public async Task Authorizes_before_the_body_is_read()
    {
        await using ToyHost host = await StartAsync(isAnonymousAllowed: true);

        (await host.SendAsync("bob member", "POST", ToyHost.Page, "{ not JSON")).Status.Should().Be(403);
        (await host.SendAsync(ToyHost.Operator, "POST", ToyHost.Page, "{ not JSON")).Status.Should().Be(400);
    }

    [Fact]
    public async Task Where_every_endpoint_demands_a_key_people_enter_the_page_without_one()
    {
        await using ToyHost host = await ToyHost.StartAsync(_store, options: options => options.RequireApiKey = true);

        (await host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page)).Status.Should().Be(200);
        (await host.SendAsync(ToyHost.Operator, "GET", "/open")).Status.Should().Be(401);
        (await host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page, null, ToyHost.Bearer("fb_live_unknown"))).Status
            .Should().Be(401, "a key that is presented is checked all the same");
    }

    [Fact]
    public async Task While_the_keys_are_not_loaded_requests_with_a_key_get_the_time_to_wait()
    {
        _store.IsAway = true;
        await using ToyHost host = await ToyHost.StartAsync(_store);
        _store.IsAway = false;
        string bearer = ToyHost.Bearer("fb_live_555555555555555555555555555555555555555555555555");

        (await host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page, null, bearer)).ShouldAskToWait(ToyNode.RetryAfter);
        (await host.SendAsync(ToyHost.Operator, "GET", ToyHost.Page)).Status.Should().Be(200);
    }

    private Task<ToyHost> StartAsync(bool isAnonymousAllowed) =>
        ToyHost.StartAsync(_store, page: page => _ = isAnonymousAllowed ? page.AllowAnonymous() : page);
}
