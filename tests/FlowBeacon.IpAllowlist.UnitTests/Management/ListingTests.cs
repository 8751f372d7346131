using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Listing and counting keys: those of the repository and of the configuration together.</summary>
public sealed class ListingTests
{
    private readonly ManagedKeys _keys = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_name_where_the_next_begins_and_the_last_names_none()
    {
        string[] ids = [.. (await CreateAsync("a", "b", "c")).Order(StringComparer.Ordinal)];
        Configure("conf");

        ApiKeyPage first = await _keys.ListAsync(new ApiKeyQuery { Limit = 2 });
        ApiKeyPage second = await _keys.ListAsync(new ApiKeyQuery { Limit = 2, After = first.Next });

        first.Keys.Select(key => key.Key.Id).Should().Equal("conf", ids[0]);
        first.Next.Should().Be(ids[0]);
        second.Keys.Select(key => key.Key.Id).Should().Equal(ids[1], ids[2]);
        second.Next.Should().BeNull("the last page is full");
        (await _keys.ListAsync(new ApiKeyQuery { After = ids[2] })).Should().BeEquivalentTo(new ApiKeyPage { Keys = [] });
    }

    [Fact]
    public async Task Filters_apply_to_configured_keys_too_and_together()
    {
        await CreateAsync("make-grid", "other");
        Configure("grid of the configuration", "fb_live_abcd");

        (await NamesAsync(new ApiKeyQuery { NameContains = "GRID" })).Should().BeEquivalentTo("make-grid", "grid of the configuration");
        (await NamesAsync(new ApiKeyQuery { Prefix = "fb_live_abcd" })).Should().Equal("grid of the configuration");
        (await NamesAsync(new ApiKeyQuery { Prefix = "fb_live_abcd", NameContains = "make" })).Should().BeEmpty();
        (await NamesAsync(new ApiKeyQuery { State = ApiKeyState.Revoked, NameContains = "grid" })).Should().BeEmpty();
    }

    [Fact]
    public async Task A_name_is_found_in_whatever_form_it_is_written()
    {
        await CreateAsync("caf\u00E9");

        (await NamesAsync(new ApiKeyQuery { NameContains = "cafe\u0301" })).Should().ContainSingle();
        (await NamesAsync(new ApiKeyQuery { NameContains = "\uD800" })).Should().BeEmpty("half a character is in no name");
    }

    [Fact]
    public async Task The_prefix_of_a_key_finds_it()
    {
        IssuedApiKey[] issued = [await _keys.CreateAsync("a"), await _keys.CreateAsync("b")];

        (await NamesAsync(new ApiKeyQuery { Prefix = issued[1].RawKey[..12] })).Should().Contain("b");
    }

    [Fact]
    public async Task Counts_are_those_of_all_keys_or_of_the_filtered_ones()
    {
        string[] ids = await CreateAsync("one", "two", "three", "four");
        await _keys.UpdateAsync(ids[3], new ApiKeyUpdate { Enabled = false });
        await _keys.RevokeAsync(ids[0]);
        await _keys.UpdateAsync(ids[1], new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(1) });
        _keys.Time.Advance(TimeSpan.FromHours(1));
        Configure("conf");

        (await _keys.Manager.CountAsync(cancellationToken: Cancellation))
            .Should().Be(new ApiKeyCounts { Active = 2, Expired = 1, Disabled = 1, Revoked = 1 });
        (await _keys.Manager.CountAsync(
                new ApiKeyQuery { NameContains = "T", State = ApiKeyState.Revoked, Limit = 1, After = "z" }, Cancellation))
            .Should().Be(new ApiKeyCounts { Active = 1, Expired = 1, Disabled = 0, Revoked = 0 });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ApiKeyLimits.MaxPageSize + 1)]
    [InlineData(int.MaxValue)]
    public async Task Refuses_a_page_of_no_size_or_of_too_great_a_one(int limit)
    {
        Func<Task> list = () => _keys.ListAsync(new ApiKeyQuery { Limit = limit });

        await list.Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Refuses_a_prefix_that_may_be_a_raw_key_without_repeating_it()
    {
        var query = new ApiKeyQuery { Prefix = TestKeys.Unknown };

        Exception listing = (await ((Func<Task>)(() => _keys.ListAsync(query))).Should().ThrowAsync<ArgumentOutOfRangeException>()).Which;
        Exception counting = (await ((Func<Task>)(() => _keys.Manager.CountAsync(query, Cancellation)))
            .Should().ThrowAsync<ArgumentOutOfRangeException>()).Which;

        $"{listing} {counting}".Should().NotContain(TestKeys.Unknown[12..24]);
        (await NamesAsync(new ApiKeyQuery { Prefix = TestKeys.Unknown[..12] })).Should().BeEmpty();
    }

    private async Task<string[]> CreateAsync(params string[] names)
    {
        var ids = new List<string>();
        foreach (string name in names)
        {
            ids.Add((await _keys.CreateAsync(name)).Details.Key.Id);
        }

        return [.. ids];
    }

    private void Configure(string name, string prefix = "") => _keys.Configure(
        new ApiKey { Id = name, Name = name, Prefix = prefix, Hash = ApiKeyHash.Compute($"raw {name}"), AllowedIps = IpAddressSet.Empty });

    private async Task<string[]> NamesAsync(ApiKeyQuery query) => [.. (await _keys.ListAsync(query)).Keys.Select(key => key.Key.Name)];
}
