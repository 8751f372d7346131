using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Finding keys: filters by name and prefix, and counts of each state.</summary>
public sealed class ListingApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    /// <summary>A query and its fault.</summary>
    public static TheoryData<string, string> Faults => new()
    {
        { "name=", "name: must be 1 to 100 characters, and has 0" },
        { $"name={new string('n', 101)}", "name: must be 1 to 100 characters, and has 101" },
        { "prefix=", "prefix: must be 1 to 12 characters, and has 0" },
        { $"prefix={TestKeys.Unknown}", "prefix: must be 1 to 12 characters, and has 56" },
        { "counts=yes", "counts: must be true or false" },
    };

    [Fact]
    public async Task Finds_keys_by_a_part_of_the_name_and_by_the_prefix()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey grid = await host.CreateAsync("make-grid");
        await host.CreateAsync("Grid 2");
        await host.CreateAsync("other");

        Answer byName = await host.SendAsync(Administrator, "GET", $"{Keys}?name=GRID");
        Answer byPrefix = await host.SendAsync(Administrator, "GET", $"{Keys}?name=make&prefix={grid.Details.Key.Prefix}");
        Answer byBoth = await host.SendAsync(Administrator, "GET", $"{Keys}?prefix={grid.Details.Key.Prefix}&name=nothing");

        NamesOf(byName).Should().BeEquivalentTo("make-grid", "Grid 2");
        NamesOf(byPrefix).Should().Equal("make-grid");
        NamesOf(byBoth).Should().BeEmpty();
        byName.Members.Should().Equal(["keys", "next"], "nobody asked for counts");
    }

    [Fact]
    public async Task Pages_of_a_filtered_listing_follow_on_one_another()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        foreach (string name in new[] { "grid 1", "other", "grid 2", "grid 3" })
        {
            await host.CreateAsync(name);
            host.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Answer first = await host.SendAsync(Administrator, "GET", $"{Keys}?name=grid&limit=2");
        Answer second = await host.SendAsync(Administrator, "GET", $"{Keys}?name=grid&limit=2&after={first.Text("next")}");

        NamesOf(first).Should().Equal("grid 1", "grid 2");
        NamesOf(second).Should().Equal("grid 3");
        second.Json.GetProperty("next").GetString().Should().BeNull();
    }

    [Fact]
    public async Task Counts_the_keys_of_each_state_for_any_page_and_state()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        await host.CreateAsync(new NewApiKey { Name = "a soon expired", AllowedIps = [], ExpiresAt = KeyApiHost.Start.AddHours(1) });
        await host.RevokeAsync((await host.CreateAsync("a revoked")).Details.Key.Id);
        await host.CreateAsync("an active");
        await host.CreateAsync("other");
        string disabled = (await host.CreateAsync("a disabled")).Details.Key.Id;
        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{disabled}", """{"enabled":false}""")).Status.Should().Be(200);
        host.Time.Advance(TimeSpan.FromHours(1));

        Answer all = await host.SendAsync(Administrator, "GET", $"{Keys}?counts=true&limit=1&state=revoked");
        Answer some = await host.SendAsync(Administrator, "GET", $"{Keys}?counts=true&name=a%20");

        NamesOf(all).Should().Equal("a revoked");
        NamesOf(await host.SendAsync(Administrator, "GET", $"{Keys}?state=disabled")).Should().Equal("a disabled");
        all.Json.GetProperty("counts").GetRawText().Should().Be("""{"active":2,"expired":1,"disabled":1,"revoked":1}""");
        some.Json.GetProperty("counts").GetRawText().Should().Be("""{"active":0,"expired":1,"disabled":1,"revoked":1}""");
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Refuses_a_filter_that_cannot_be_meant(string query, string fault)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "GET", $"{Keys}?{query}");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(fault);
        answer.Body.Should().NotContain(TestKeys.Unknown[12..24]);
    }

    private static IReadOnlyList<string> NamesOf(Answer listing) =>
        [.. listing.Json.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("name").GetString()!)];
}
