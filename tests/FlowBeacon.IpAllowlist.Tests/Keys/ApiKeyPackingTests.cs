using CsCheck;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Keys;

/// <summary>A key says what it was given, whether that packs or not.</summary>
public sealed class ApiKeyPackingTests
{
    public static TheoryData<string> Ids => new("make-grid", "key_0123456789abcdef0123456789abcdef", "key_0123456789ABCDEF0123456789ABCDEF",
        "key_00000000000000000000000000000000", "key_00000000000000000000000000000001", "key_ffffffffffffffffffffffffffffffff",
        "key_0123456789abcdef0123456789abcdeg", "KEY_0123456789abcdef0123456789abcdef", "key_0123456789abcdef0123456789abcde",
        "key_0123456789abcdef0123456789abcdef0", "key_+123456789abcdef0123456789abcdef", "key_ 123456789abcdef0123456789abcde ");

    public static TheoryData<string> Prefixes => new("", "fb_live_", "fb_live_0000", "fb_live_00ff", "fb_live_00FF", "fb_test_00ff", "fb_live_+0ff", "fb_live_00f", "x");

    public static TheoryData<string[]> Scopes => new()
    {
        Array.Empty<string>(), new[] { "governance:read" }, new[] { "governance:read", "governance:evaluate", "admin" }, new[] { "admin", "governance:read" },
        new[] { "governance:read", "governance:read" }, new[] { "other" }, new[] { "governance:read", "other" },
    };

    public static TheoryData<string?> Expiries => new(null, "2027-01-31T00:00:00Z", "2027-01-31T00:00:00.0000001+05:30", "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00Z");

    [Theory]
    [MemberData(nameof(Ids))]
    public void Keeps_every_id(string id) => (TestKeys.Create("raw", id) with { Name = "copied" }).Id.Should().Be(id);

    [Theory]
    [MemberData(nameof(Prefixes))]
    public void Keeps_every_prefix(string prefix) => (TestKeys.Create("raw", "a") with { Prefix = prefix }).Prefix.Should().Be(prefix);

    [Theory]
    [MemberData(nameof(Scopes))]
    public void Keeps_scopes_in_their_order(string[] scopes) => (TestKeys.Create("raw", "a") with { Scopes = scopes }).Scopes.Should().Equal(scopes);

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
    public void One_member_does_not_disturb_another()
    {
        var retiring = new RetiringSecret { Hash = ApiKeyHash.Compute("old"), Prefix = "fb_live_0ld0", ExpiresAt = DateTimeOffset.UnixEpoch };
        ApiKey key = TestKeys.Create("raw", "a") with { Prefix = "odd", Scopes = ["other"], Retiring = retiring };

        (key with { Prefix = "fb_live_00ff" }).Should().BeEquivalentTo(new { Prefix = "fb_live_00ff", Scopes = new[] { "other" }, Retiring = retiring });
        (key with { Scopes = ["admin"] }).Should().BeEquivalentTo(new { Prefix = "odd", Scopes = new[] { "admin" }, Retiring = retiring });
        (key with { Retiring = null }).Should().BeEquivalentTo(new { Prefix = "odd", Scopes = new[] { "other" }, Retiring = (RetiringSecret?)null });
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
        ApiKey Make() => TestKeys.Create(TestKeys.Restricted, "a", "203.0.113.7") with { Name = "name", Scopes = ["admin"], ExpiresAt = DateTimeOffset.UnixEpoch };

        Make().Should().Be(Make());
        Make().GetHashCode().Should().Be(Make().GetHashCode());
        ApiKey[] others =
        [
            Make() with { Id = "b" }, Make() with { Name = "other" }, Make() with { Hash = default }, Make() with { Prefix = "" },
            Make() with { AllowedIps = IpAddressSet.Empty }, Make() with { AllowlistMode = AllowlistMode.ReportOnly }, Make() with { Scopes = [] },
            Make() with { ExpiresAt = null }, Make() with { IsRevoked = true }, Make() with { IsBreakGlass = true },
            Make() with { Retiring = new RetiringSecret { Hash = default, Prefix = "", ExpiresAt = default } },
        ];
        others.Should().NotContain(Make());
    }

    [Fact]
    public void A_key_that_was_used_equals_one_that_was_not()
    {
        ApiKey key = TestKeys.Create("raw", "key_0123456789abcdef0123456789abcdef");
        ApiKey same = TestKeys.Create("raw", "key_0123456789abcdef0123456789abcdef");

        key.Id.Should().NotBeEmpty();

        key.Should().Be(same);
    }

    [Fact]
    public void Every_packed_id_is_the_same_text_again() => Gen.ULong.Select(Gen.ULong).Sample(halves =>
    {
        string id = $"key_{halves.Item1:x16}{halves.Item2:x16}";
        return TestKeys.Create("raw", id).Id == id;
    });
}
