namespace FlowBeacon.IpAllowlist.UnitTests.Keys;

public sealed class ApiKeyHashTests
{
    private const string HashOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// <summary>The message digests of FIPS 180-4's examples, and of the longest raw key.</summary>
    public static TheoryData<string, string> KnownHashes => new()
    {
        { "abc", HashOfAbc },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        {
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        },
        { "fb_live_de30de30de30de30de30de30de30de30de30de30de300001", "d207759e846a32dae7f5d03f685556cfdfc77bc8df99f891922e91183a62ed61" },
    };

    public static TheoryData<string> NoHashes =>
    [
        "",
        "ba7816bf",
        HashOfAbc[1..],
        HashOfAbc + "0",
        HashOfAbc[..63] + "g",
        " " + HashOfAbc[1..],
        HashOfAbc[..63] + "\n",
        "0x" + HashOfAbc[2..],
        "sha256:" + HashOfAbc,
        HashOfAbc[..62] + "ａd",
        "fb_live_de30de30de30de30de30de30de30de30de30de30de300001",
    ];

    public static TheoryData<string> NoRawKeys =>
    [
        "",
        "fb_live_" + new string('a', 249),
        "fb_live_\u00e9",
        "fb_live_\u0080",
        "fb_live_\ud83d\ude00",
    ];

    [Theory]
    [MemberData(nameof(KnownHashes))]
    public void Computes_the_SHA_256_of_the_raw_key(string rawKey, string expected)
    {
        ApiKeyHash.Compute(rawKey).ToString().Should().Be(expected);
    }

    [Theory]
    [MemberData(nameof(KnownHashes))]
    public void Reads_what_it_writes(string rawKey, string text)
    {
        ApiKeyHash.Parse(text).Should().Be(ApiKeyHash.Compute(rawKey));
        ApiKeyHash.Parse(text).ToString().Should().Be(text);
    }

    [Fact]
    public void Reads_either_case_and_writes_lowercase()
    {
        ApiKeyHash.TryParse(HashOfAbc.ToUpperInvariant(), out ApiKeyHash hash).Should().BeTrue();

        hash.ToString().Should().Be(HashOfAbc);
    }

    [Theory]
    [MemberData(nameof(NoHashes))]
    public void Refuses_a_text_that_is_not_64_hex_digits_without_repeating_it(string text)
    {
        ApiKeyHash.TryParse(text, out ApiKeyHash hash).Should().BeFalse();
        hash.Should().Be(default(ApiKeyHash));

        Action parse = () => ApiKeyHash.Parse(text);
        parse.Should().Throw<FormatException>().Which.ToString().Should().NotContain(text.Length == 0 ? "''" : text);
    }

    [Theory]
    [MemberData(nameof(NoRawKeys))]
    public void Refuses_a_raw_key_that_is_empty_too_long_or_not_ASCII_without_repeating_it(string rawKey)
    {
        ApiKeyHash.TryCompute(rawKey, out ApiKeyHash hash).Should().BeFalse();
        hash.Should().Be(default(ApiKeyHash));

        Action compute = () => ApiKeyHash.Compute(rawKey);
        compute.Should().Throw<ArgumentException>().Which.ToString().Should().NotContain("fb_live_");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Hashes_raw_keys_from_1_to_256_characters(int length)
    {
        string rawKey = new('k', length);

        string expected = Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(rawKey)));
        ApiKeyHash.Compute(rawKey).ToString().Should().Be(expected);
    }

    [Theory]
    [MemberData(nameof(KnownHashes))]
    public void Reads_the_bytes_it_writes(string rawKey, string text)
    {
        ApiKeyHash hash = ApiKeyHash.Compute(rawKey);
        byte[] expected = Convert.FromHexString(text);
        Span<byte> written = stackalloc byte[ApiKeyHash.SizeInBytes];

        hash.TryWriteBytes(written).Should().BeTrue();

        written.ToArray().Should().Equal(expected);
        hash.ToByteArray().Should().Equal(expected);
        ApiKeyHash.FromBytes(expected).Should().Be(hash);
    }

    [Fact]
    public void Writes_32_bytes_into_a_longer_span()
    {
        byte[] destination = [.. Enumerable.Repeat((byte)0xAA, 40)];

        ApiKeyHash.Parse(HashOfAbc).TryWriteBytes(destination).Should().BeTrue();

        destination.Should().Equal([.. Convert.FromHexString(HashOfAbc), .. Enumerable.Repeat((byte)0xAA, 8)]);
    }

    [Fact]
    public void Writes_nothing_into_a_span_that_is_too_short()
    {
        byte[] destination = new byte[31];

        ApiKeyHash.Parse(HashOfAbc).TryWriteBytes(destination).Should().BeFalse();

        destination.Should().OnlyContain(value => value == 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(64)]
    public void Refuses_any_other_number_of_bytes_without_repeating_them(int length)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)'f', length)];

        ((Action)(() => ApiKeyHash.FromBytes(bytes))).Should().Throw<ArgumentException>()
            .WithMessage($"A key hash is 32 bytes, not {length}.*").WithParameterName("bytes");
    }

    [Fact]
    public void Equal_hashes_are_equal_in_every_way()
    {
        var one = ApiKeyHash.Parse(HashOfAbc);
        var other = ApiKeyHash.Compute("abc");

        (one == other).Should().BeTrue();
        (one != other).Should().BeFalse();
        one.Equals((object)other).Should().BeTrue();
        one.Equals(HashOfAbc).Should().BeFalse();
        one.GetHashCode().Should().Be(other.GetHashCode());
    }

    [Fact]
    public void Hashes_that_differ_in_any_one_digit_differ()
    {
        var hash = ApiKeyHash.Parse(HashOfAbc);
        for (int digit = 0; digit < HashOfAbc.Length; digit++)
        {
            string changed = string.Concat(HashOfAbc.AsSpan(0, digit), HashOfAbc[digit] == '0' ? "1" : "0", HashOfAbc.AsSpan(digit + 1));
            var other = ApiKeyHash.Parse(changed);

            (hash == other).Should().BeFalse();
            (hash != other).Should().BeTrue();
            other.ToString().Should().Be(changed);
        }
    }
}
