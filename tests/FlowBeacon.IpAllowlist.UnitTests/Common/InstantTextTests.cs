using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.UnitTests.Common;

/// <summary>Instants of RFC 3339 §5.6, wherever one is read: bodies, queries and configuration.</summary>
public sealed class InstantTextTests
{
    [Theory]
    [InlineData("2027-01-31T00:00:00Z", "2027-01-31T00:00:00.0000000+00:00")]
    [InlineData("2027-01-31t00:00:00z", "2027-01-31T00:00:00.0000000+00:00")]
    [InlineData("2027-01-31T01:30:00+01:30", "2027-01-31T01:30:00.0000000+01:30")]
    [InlineData("2027-01-31T00:00:00-00:00", "2027-01-31T00:00:00.0000000+00:00")]
    [InlineData("2027-01-31T23:59:59.5Z", "2027-01-31T23:59:59.5000000+00:00")]
    [InlineData("2027-01-31T23:59:59.1234567Z", "2027-01-31T23:59:59.1234567+00:00")]
    [InlineData("2027-01-31T23:59:59.123456749999Z", "2027-01-31T23:59:59.1234567+00:00")]
    [InlineData("2027-01-31T00:00:00+14:00", "2027-01-31T00:00:00.0000000+14:00")]
    [InlineData("2027-01-31T00:00:00-13:59", "2027-01-31T00:00:00.0000000-13:59")]
    [InlineData("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.0000000+00:00")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000+00:00")]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.0000000+00:00")]
    public void Reads_an_instant_with_an_offset(string text, string expected)
    {
        InstantText.TryParse(text, out DateTimeOffset instant).Should().BeTrue();
        instant.ToString("O").Should().Be(expected);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2027-01-31")]
    [InlineData("00:00:00Z")]
    [InlineData("2027-01-31T00:00:00")]
    [InlineData("2027-01-31T00:00Z")]
    [InlineData("2027-01-31 00:00:00Z")]
    [InlineData("2027-01-31T00:00:00.Z")]
    [InlineData("2027-01-31T00:00:00,5Z")]
    [InlineData("2027-01-31T00:00:00+02")]
    [InlineData("2027-01-31T00:00:00+0200")]
    [InlineData("2027-01-31T00:00:00 +02:00")]
    [InlineData("2027-01-31T00:00:00+15:00")]
    [InlineData("2027-01-31T24:00:00Z")]
    [InlineData("2027-01-31T23:59:60Z")]
    [InlineData("2027-02-29T00:00:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    [InlineData("31.01.2027 00:00:00Z")]
    [InlineData(" 2027-01-31T00:00:00Z")]
    [InlineData("2027-01-31T00:00:00Z ")]
    [InlineData("2027-01-31T00:00:00Z\n")]
    [InlineData("2027-01-31T00:00:00Z\0")]
    [InlineData("２027-01-31T00:00:00Z")]
    [InlineData("Sun, 31 Jan 2027 00:00:00 GMT")]
    [InlineData("1800000000")]
    public void Refuses_other_texts_and_instants_without_an_offset(string? text) => InstantText.TryParse(text, out _).Should().BeFalse();

    [Theory]
    [InlineData("14:00", true)]
    [InlineData("13:59", true)]
    [InlineData("00:00", true)]
    [InlineData("14:01", false)]
    [InlineData("15:00", false)]
    [InlineData("23:59", false)]
    public void The_published_pattern_has_the_offsets_that_are_read(string offset, bool isOne)
    {
        foreach (string text in new[] { $"2027-01-31T00:00:00+{offset}", $"2027-01-31T00:00:00-{offset}" })
        {
            Regex.IsMatch(text, InstantText.Pattern, RegexOptions.ECMAScript).Should().Be(isOne, text);
            InstantText.TryParse(text, out _).Should().Be(isOne, text);
        }
    }
}
