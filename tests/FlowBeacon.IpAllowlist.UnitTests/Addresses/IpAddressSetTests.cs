using System.Globalization;
using System.Net;

namespace FlowBeacon.IpAllowlist.UnitTests.Addresses;

/// <summary>A key's allowlist as a value: its members, its text, its equality, and the faults of a list.</summary>
public sealed class IpAddressSetTests
{
    /// <summary>Groups of spellings; within a group all are one address.</summary>
    public static TheoryData<string[]> Spellings { get; } = new(
        ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:C000:201", "0:0:0:0:0:ffff:192.0.2.1"],
        ["2001:db8::7", "2001:DB8::7", "2001:0db8:0:0:0:0:0:0007", "2001:db8:0::0:7", "2001:db8::0.0.0.7"],
        ["::", "0::", "::0", "0:0:0:0:0:0:0:0", "::0.0.0.0"],
        ["0.0.0.0", "::ffff:0:0", "::ffff:0.0.0.0"]);

    [Fact]
    public void Contains_its_members_and_nothing_else()
    {
        var set = IpAddressSet.Parse(["203.0.113.7", "2001:db8::7"]);

        set.Count.Should().Be(2);
        set.Contains(IPAddress.Parse("203.0.113.7")).Should().BeTrue();
        set.Contains(IPAddress.Parse("2001:db8::7")).Should().BeTrue();
        set.Contains(IPAddress.Parse("203.0.113.8")).Should().BeFalse();
        set.Contains(IPAddress.Parse("7.113.0.203")).Should().BeFalse();
        set.Contains(IPAddress.Parse("2001:db8::8")).Should().BeFalse();
        set.Contains(IPAddress.Parse("::203.0.113.7")).Should().BeFalse();
        set.Contains(IPAddress.Parse("64:ff9b::203.0.113.7")).Should().BeFalse();
    }

    [Fact]
    public void Contains_an_IPv4_member_in_its_mapped_form() =>
        IpAddressSet.Parse(["203.0.113.7"]).Contains(IPAddress.Parse("::ffff:203.0.113.7")).Should().BeTrue();

    [Fact]
    public void Ignores_the_scope_id_of_an_address() =>
        IpAddressSet.Parse(["fe80::1"]).Contains(IPAddress.Parse("fe80::1%7")).Should().BeTrue();

    [Theory]
    [InlineData("0.0.0.0", "::")]
    [InlineData("::", "0.0.0.0")]
    [InlineData("0.0.0.1", "::1")]
    [InlineData("::1", "127.0.0.1")]
    [InlineData("::1.2.3.4", "1.2.3.4")]
    [InlineData("1.2.3.4", "::1.2.3.4")]
    public void Tells_the_families_apart(string member, string other)
    {
        var set = IpAddressSet.Parse([member]);

        set.Contains(IPAddress.Parse(member)).Should().BeTrue();
        set.Contains(IPAddress.Parse(other)).Should().BeFalse();
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public void Takes_the_unspecified_address_for_an_ordinary_one(string unspecified)
    {
        var set = IpAddressSet.Parse([unspecified]);

        set.Count.Should().Be(1);
        set.Contains(IPAddress.Parse("203.0.113.7")).Should().BeFalse();
        set.Contains(IPAddress.Parse("2001:db8::7")).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public void Counts_the_spellings_of_one_address_once(string[] spellings)
    {
        var all = IpAddressSet.Parse(spellings);

        all.Count.Should().Be(1);
        foreach (string spelling in spellings)
        {
            var one = IpAddressSet.Parse([spelling]);
            one.Should().Be(all);
            one.GetHashCode().Should().Be(all.GetHashCode());
            one.ToCanonicalStrings().Should().Equal(all.ToCanonicalStrings());
        }
    }

    [Fact]
    public void Equals_a_set_with_the_same_members_in_another_order()
    {
        var one = IpAddressSet.Parse(["203.0.113.7", "2001:db8::7", "203.0.113.8"]);
        var other = IpAddressSet.Parse(["203.0.113.8", "2001:DB8::7", "203.0.113.7", "203.0.113.8"]);

        one.Equals(other).Should().BeTrue();
        one.Equals((object)other).Should().BeTrue();
        one.GetHashCode().Should().Be(other.GetHashCode());
    }

    [Theory]
    [InlineData("203.0.113.8")]
    [InlineData("::203.0.113.7")]
    [InlineData("203.0.113.7", "203.0.113.8")]
    [InlineData("203.0.113.7", "::203.0.113.7")]
    [InlineData]
    public void Differs_from_a_set_with_other_members(params string[] entries)
    {
        var one = IpAddressSet.Parse(["203.0.113.7"]);
        var other = IpAddressSet.Parse(entries);

        one.Equals(other).Should().BeFalse();
        other.Equals(one).Should().BeFalse();
    }

    [Fact]
    public void Differs_from_null_and_from_other_things()
    {
        IpAddressSet.Parse([]).Equals((IpAddressSet?)null).Should().BeFalse();
        IpAddressSet.Parse([]).Equals((object?)null).Should().BeFalse();
        IpAddressSet.Parse([]).Equals((object)"[]").Should().BeFalse();
    }

    [Fact]
    public void Reads_an_empty_list_as_the_empty_set()
    {
        IpAddressSet.Parse([]).Should().BeSameAs(IpAddressSet.Empty);
        IpAddressSet.Empty.Count.Should().Be(0);
        IpAddressSet.Empty.ToCanonicalStrings().Should().BeEmpty();
        IpAddressSet.Empty.ToString().Should().Be("[]");
        IpAddressSet.Empty.Contains(IPAddress.Any).Should().BeFalse();
        IpAddressSet.Empty.Contains(IPAddress.IPv6Any).Should().BeFalse();
    }

    [Fact]
    public void Sorts_its_canonical_strings_by_number_IPv4_first()
    {
        var set = IpAddressSet.Parse(
            ["2001:DB8::A", "10.0.0.10", "2001:db8::9", "9.255.255.255", "255.0.0.1", "::1", "10.0.0.9", "FFFF::"]);

        set.ToCanonicalStrings().Should().Equal(
            "9.255.255.255", "10.0.0.9", "10.0.0.10", "255.0.0.1", "::1", "2001:db8::9", "2001:db8::a", "ffff::");
    }

    [Fact]
    public void Hands_out_a_copy_of_its_canonical_strings()
    {
        var set = IpAddressSet.Parse(["203.0.113.7"]);

        set.ToCanonicalStrings()[0] = "changed";

        set.ToCanonicalStrings().Should().Equal("203.0.113.7");
    }

    [Theory]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("2001:0:0:1:0:0:0:1", "2001:0:0:1::1")]
    [InlineData("2001:0DB8:0:0:0:0:AAAA:1", "2001:db8::aaaa:1")]
    [InlineData("0:0:0:0:0:0:0:1", "::1")]
    [InlineData("1:0:0:0:0:0:0:0", "1::")]
    public void Writes_IPv6_as_in_RFC_5952(string text, string canonical) =>
        IpAddressSet.Parse([text]).ToCanonicalStrings().Should().Equal(canonical);

    [Fact]
    public void Shows_up_to_ten_members_whole()
    {
        string[] members = [.. Enumerable.Range(1, 10).Select(number => string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number}"))];

        IpAddressSet.Parse(members).ToString().Should().Be($"[{string.Join(", ", members)}]");
    }

    [Fact]
    public void Shows_the_first_ten_of_many_members_and_their_number()
    {
        string[] members = [.. Enumerable.Range(1, 200).Select(number => string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number}"))];

        IpAddressSet.Parse(members).ToString().Should().Be($"[{string.Join(", ", members[..10])}, ... 200 in all]");
    }

    [Fact]
    public void An_unreadable_set_has_no_member_and_is_not_the_empty_set()
    {
        IpAddressSet unreadable = IpAddressSet.Unreadable;

        unreadable.Count.Should().Be(0);
        unreadable.Contains(IPAddress.Parse("203.0.113.7")).Should().BeFalse();
        unreadable.ToCanonicalStrings().Should().BeEmpty();
        unreadable.ToString().Should().Be("unreadable");
        unreadable.IsUnreadable.Should().BeTrue();
        unreadable.Equals(IpAddressSet.Unreadable).Should().BeTrue();
        unreadable.Equals(IpAddressSet.Empty).Should().BeFalse();
        IpAddressSet.Empty.Equals(unreadable).Should().BeFalse();
        IpAddressSet.Empty.IsUnreadable.Should().BeFalse();
        IpAddressSet.Parse([]).IsUnreadable.Should().BeFalse("a list that was read is never taken for one that was not");
        IpAddressSet.Empty.ToString().Should().Be("[]");
    }

    [Fact]
    public void Collects_every_fault_with_its_place()
    {
        bool isRead = IpAddressSet.TryParse(
            ["203.0.113.7", "10.0.0.0/8", "2001:db8::7", null, "", "010.0.0.1"],
            out IpAddressSet? set,
            out IReadOnlyList<IpAddressError> errors);

        isRead.Should().BeFalse();
        set.Should().BeNull();
        errors.Should().Equal(
            new IpAddressError
            {
                Index = 1,
                Message = "'10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges",
            },
            new IpAddressError { Index = 3, Message = "an entry is empty; remove it or write an address" },
            new IpAddressError { Index = 4, Message = "an entry is empty; remove it or write an address" },
            new IpAddressError { Index = 5, Message = "'010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1" });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Refuses_the_whole_list_for_one_fault_at_any_place(int place)
    {
        List<string> entries = ["203.0.113.7", "2001:db8::7"];
        entries.Insert(place, "example.com");

        IpAddressSet.TryParse(entries, out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors).Should().BeFalse();

        set.Should().BeNull();
        errors.Should().ContainSingle().Which.Index.Should().Be(place);
    }

    [Fact]
    public void Has_no_errors_for_a_list_it_reads()
    {
        IpAddressSet.TryParse(["203.0.113.7"], out IpAddressSet? set, out IReadOnlyList<IpAddressError> errors).Should().BeTrue();

        set.Should().NotBeNull();
        errors.Should().BeEmpty();
    }

    [Fact]
    public void Throws_one_exception_that_lists_every_fault()
    {
        Action parse = () => IpAddressSet.Parse(["*", "203.0.113.7", "10.0.0.0/8"]);

        parse.Should().Throw<FormatException>().Which.Message.Split(Environment.NewLine).Should().Equal(
            "[0]: '*' is a wildcard; list each address",
            "[2]: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges");
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("2001:DB8:0:0::7", "2001:db8::7")]
    public void Reads_one_entry(string text, string canonical)
    {
        IpAddressSet.TryParseEntry(text, out IPAddress? address, out string? message).Should().BeTrue();

        address!.ToString().Should().Be(canonical);
        message.Should().BeNull();
        IpAddressSet.Parse([text]).ToCanonicalStrings().Should().Equal(canonical);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("10.0.0.0/8")]
    [InlineData(" 10.0.0.1")]
    [InlineData("010.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("fb_live_111111111111111111111111111111111111111111111111")]
    public void Refuses_one_entry_with_the_message_of_a_list(string? text)
    {
        IpAddressSet.TryParseEntry(text, out IPAddress? address, out string? message).Should().BeFalse();

        address.Should().BeNull();
        IpAddressSet.TryParse([text], out _, out IReadOnlyList<IpAddressError> errors).Should().BeFalse();
        message.Should().Be(errors.Single().Message).And.NotContain("1111111111");
    }

    [Fact]
    public void Reads_a_stored_list_of_any_length()
    {
        string[] entries = [.. Enumerable.Range(0, 5_000).Select(number => $"10.0.{number / 250}.{number % 250}")];

        IpAddressSet.ReadStored(entries, out IReadOnlyList<IpAddressError> errors).Should().Be(IpAddressSet.Parse(entries));
        errors.Should().BeEmpty();
        IpAddressSet.ReadStored([], out errors).Should().BeSameAs(IpAddressSet.Empty);
        errors.Should().BeEmpty();
    }

    [Fact]
    public void A_stored_list_with_an_entry_that_cannot_be_read_is_unreadable_and_tells_every_fault()
    {
        IpAddressSet set = IpAddressSet.ReadStored(
            ["203.0.113.7", "10.0.0.1/8", null, "*"], out IReadOnlyList<IpAddressError> errors);

        set.Should().BeSameAs(IpAddressSet.Unreadable);
        errors.Should().Equal(
            new IpAddressError { Index = 1, Message = "'10.0.0.1/8' has host bits set; write 10.0.0.0/8, or 10.0.0.1 alone" },
            new IpAddressError { Index = 2, Message = "an entry is empty; remove it or write an address" },
            new IpAddressError { Index = 3, Message = "'*' is a wildcard; list each address" });
    }

    [Fact]
    public void A_stored_list_that_is_not_there_is_unreadable_and_not_empty()
    {
        IpAddressSet set = IpAddressSet.ReadStored(null, out IReadOnlyList<IpAddressError> errors);

        set.IsUnreadable.Should().BeTrue();
        errors.Should().ContainSingle().Which.Index.Should().Be(IpAddressError.WholeList);
    }

    [Fact]
    public void Throws_for_null_in_place_of_a_list_or_an_address()
    {
        ((Action)(() => IpAddressSet.Parse(null!))).Should().Throw<ArgumentNullException>();
        ((Action)(() => IpAddressSet.TryParse(null!, out _, out _))).Should().Throw<ArgumentNullException>();
        ((Action)(() => IpAddressSet.Empty.Contains(null!))).Should().Throw<ArgumentNullException>();
    }
}
