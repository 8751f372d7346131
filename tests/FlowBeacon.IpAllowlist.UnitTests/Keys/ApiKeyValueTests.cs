
namespace FlowBeacon.IpAllowlist.UnitTests.Keys;

/// <summary>A key returns its values, and equals a key with the same values.</summary>
public sealed class ApiKeyValueTests
{
    public static TheoryData<string[]> Scopes => new()
    {
        Array.Empty<string>(), new[] { "governance:read" }, new[] { "governance:read", "governance:evaluate", "admin" },
        new[] { "admin", "governance:read" },
        new[] { "governance:read", "governance:read" }, new[] { "other" }, new[] { "governance:read", "other" },
    };

    public static TheoryData<string?> Expiries =>
        new(null, "2027-01-31T00:00:00Z", "2027-01-31T00:00:00.0000001+05:30", "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00Z");

    [Theory]
    [MemberData(nameof(Scopes))]
    public void Keeps_scopes_in_their_order(string[] scopes) =>
        (TestKeys.Create("raw", "a") with { Scopes = scopes }).Scopes.Should().Equal(scopes);

    [Theory]
    [MemberData(nameof(Expiries))]
    public void Keeps_the_instant_of_expiry_and_its_offset(string? text)
    {
        DateTimeOffset? expiry = text is null ? null : DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

        ApiKey key = TestKeys.Create("raw", "a") with { ExpiresAt = expiry };

        key.ExpiresAt.Should().Be(expiry);
        key.ExpiresAt?.Offset.Should().Be(expiry!.Value.Offset);
    }

    [Fact]
    public void A_scope_list_is_a_copy()
    {
        var scopes = new List<string> { "governance:read" };
        ApiKey key = TestKeys.Create("raw", "a") with { Scopes = scopes };

        scopes.Add("admin");

        key.Scopes.Should().Equal("governance:read");
    }

    [Fact]
    public void Two_keys_are_equal_when_every_member_is()
    {
        ApiKey Make() =>
            TestKeys.Create(TestKeys.Restricted, "a", "203.0.113.7") with
            {
                Name = "name",
                Scopes = ["admin"],
                ExpiresAt = DateTimeOffset.UnixEpoch,
            };

        Make().Should().Be(Make());
        Make().GetHashCode().Should().Be(Make().GetHashCode());
        ApiKey[] others =
        [
            Make() with { Id = "b" }, Make() with { Name = "other" }, Make() with { Hash = default }, Make() with { Prefix = "" },
            Make() with { AllowedIps = IpAddressSet.Empty }, Make() with { AllowlistMode = AllowlistMode.ReportOnly },
            Make() with { Scopes = [] },
            Make() with { ExpiresAt = null }, Make() with { IsDisabled = true }, Make() with { IsRevoked = true },
            Make() with { IsBreakGlass = true },
            Make() with { Retiring = new RetiringSecret { Hash = default, Prefix = "", ExpiresAt = default } },
        ];
        others.Should().NotContain(Make());
    }
}
