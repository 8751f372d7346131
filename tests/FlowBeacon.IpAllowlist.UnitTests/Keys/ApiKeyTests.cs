
namespace FlowBeacon.IpAllowlist.UnitTests.Keys;

public sealed class ApiKeyTests
{
    [Fact]
    public void A_missing_list_is_refused_and_never_means_no_list()
    {
        Action create = () => _ = new ApiKey { Id = "a", Hash = default, AllowedIps = null! };

        create.Should().Throw<ArgumentNullException>();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \t")]
    public void An_id_that_is_missing_or_blank_is_refused(string? id)
    {
        Action create = () => _ = new ApiKey { Id = id!, Hash = default, AllowedIps = IpAddressSet.Empty };

        create.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Missing_scopes_are_refused()
    {
        Action create = () => _ = new ApiKey { Id = "a", Hash = default, AllowedIps = IpAddressSet.Empty, Scopes = null! };

        create.Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void A_missing_prefix_is_refused()
    {
        Action create = () => _ = new ApiKey { Id = "a", Hash = default, AllowedIps = IpAddressSet.Empty, Prefix = null! };

        create.Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void A_prefix_of_12_characters_is_kept()
    {
        var key = new ApiKey { Id = "a", Hash = default, AllowedIps = IpAddressSet.Empty, Prefix = TestKeys.Restricted[..12] };

        key.Prefix.Should().Be("fb_live_1111");
    }

    [Theory]
    [InlineData(13)]
    [InlineData(56)]
    public void A_longer_prefix_is_refused_without_repeating_it(int length)
    {
        Action create = () =>
            _ = new ApiKey { Id = "a", Hash = default, AllowedIps = IpAddressSet.Empty, Prefix = TestKeys.Restricted[..length] };

        create.Should().Throw<ArgumentException>().Which.ToString().Should().NotContain(TestKeys.Restricted[..length]);
    }

    [Fact]
    public void Its_text_shows_id_and_prefix_and_no_hash()
    {
        ApiKey key = TestKeys.Create(TestKeys.Restricted, "make-grid-production", "203.0.113.7");

        key.ToString().Should().Contain("make-grid-production").And.Contain("fb_live_1111")
            .And.NotContain(key.Hash.ToString()[..8]).And.NotContain(TestKeys.Restricted[..13]);
    }

    [Fact]
    public void Its_text_shows_an_unknown_prefix()
    {
        new ApiKey { Id = "a", Hash = default, AllowedIps = IpAddressSet.Empty }.ToString().Should().Contain("prefix unknown");
    }
}
