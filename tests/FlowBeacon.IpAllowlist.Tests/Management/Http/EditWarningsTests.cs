using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Edits that cut traffic off without changing the list: the guard accepts them, and the answer has a warning.</summary>
public sealed class EditWarningsTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string NoScopes =
        "scopes: the key has no scope any more, so every endpoint that requires one refuses it; the lock-out guard does not look at scopes";

    /// <summary>An expiry, after <see cref="KeyApiHost.Start"/>, and what is said of it.</summary>
    public static TheoryData<string, string?> Expiries => new()
    {
        { "2027-01-01T12:00:01Z", "2027-01-01 12:00:01Z" },
        { "2027-01-01T20:00:00+02:00", "2027-01-01 18:00:00Z" },
        { "2027-01-02T12:00:00Z", "2027-01-02 12:00:00Z" },
        { "2027-01-02T12:00:01Z", null },
        { "2028-01-01T00:00:00Z", null },
    };

    [Theory]
    [MemberData(nameof(Expiries))]
    public async Task An_expiry_within_a_day_is_warned_of_and_taken(string expiresAt, string? shown)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("set later")).Details.Key.Id;
        string[] warnings = shown is null
            ? []
            : [$"expires_at: the key stops working at {shown}, within 24 hours; the lock-out guard does not look at expiries"];

        Answer created = await host.SendAsync(
            Administrator, "POST", Keys, $$"""{"name":"set at once","allowed_ips":[],"expires_at":"{{expiresAt}}"}""");
        Answer updated = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"expires_at":"{{expiresAt}}"}""");

        created.Status.Should().Be(201, created.Body);
        created.Texts("warnings").Should().Equal(warnings);
        updated.Status.Should().Be(200, updated.Body);
        updated.Texts("warnings").Should().Equal(warnings);
    }

    [Fact]
    public async Task Emptied_scopes_are_warned_of_and_taken()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync(new NewApiKey { Name = "a", AllowedIps = [], Scopes = ApiKeyScopes.All })).Details.Key.Id;
        string target = $"{Keys}/{id}";

        Answer narrowed = await host.SendAsync(Administrator, "PATCH", target, """{"scopes":["admin"]}""");
        Answer emptied = await host.SendAsync(Administrator, "PATCH", target, """{"scopes":[]}""");
        Answer emptiedAgain = await host.SendAsync(Administrator, "PATCH", target, """{"scopes":[]}""");
        Answer renamed = await host.SendAsync(Administrator, "PATCH", target, """{"name":"b"}""");
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"c","allowed_ips":[],"scopes":[]}""");

        emptied.Status.Should().Be(200, emptied.Body);
        emptied.Texts("scopes").Should().BeEmpty();
        emptied.Texts("warnings").Should().Equal(NoScopes);
        foreach (Answer other in new[] { narrowed, emptiedAgain, renamed, created })
        {
            other.Texts("warnings").Should().BeEmpty("nothing is cut off by it");
        }
    }

    [Fact]
    public async Task An_edit_that_leaves_the_expiry_alone_or_removes_it_is_not_warned_of()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        var soonExpired = new NewApiKey { Name = "a", AllowedIps = [], ExpiresAt = KeyApiHost.Start.AddHours(1) };
        string id = (await host.CreateAsync(soonExpired)).Details.Key.Id;

        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", """{"name":"b"}""")).Texts("warnings").Should().BeEmpty();
        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", """{"expires_at":null}""")).Texts("warnings").Should().BeEmpty();
    }

    [Fact]
    public async Task All_warnings_of_an_edit_stand_together_the_lists_first()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync(new NewApiKey { Name = "a", AllowedIps = [], Scopes = ["admin"] })).Details.Key.Id;

        Answer answer = await host.SendAsync(
            Administrator, "PATCH", $"{Keys}/{id}", """{"allowed_ips":["0.0.0.0"],"scopes":[],"expires_at":"2027-01-01T13:00:00Z"}""");

        answer.Texts("warnings").Should().HaveCount(3);
        answer.Texts("warnings").Select(warning => warning[..warning.IndexOf(':', StringComparison.Ordinal)])
            .Should().Equal("allowed_ips", "expires_at", "scopes");
    }
}
