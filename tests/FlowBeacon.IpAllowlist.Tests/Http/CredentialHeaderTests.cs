using System.Text;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Hosting;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Header lines with a key, without one, with another credential, and with too many.</summary>
public sealed class CredentialHeaderTests
{
    private const string Key = TestKeys.Restricted;
    private const string Jwt = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";

    public static TheoryData<string> AcceptedSpellings =>
    [
        $"Authorization: Bearer {Key}",
        $"authorization: bearer {Key}",
        $"AUTHORIZATION: BEARER {Key}",
        $"Authorization: bEaReR {Key}",
        $"Authorization:Bearer {Key}",
        $"Authorization: Bearer   {Key}",
        $"Authorization: \t Bearer {Key} \t ",
    ];

    public static TheoryData<string> NoKeyOfOurs =>
    [
        "Authorization:",
        "Authorization: Bearer",
        "Authorization: Basic dXNlcjpwYXNz",
        $"Authorization: Bearer {Jwt}",
        $"Authorization: Basic {Key}",
        $"Authorization: {Key}",
        $"Authorization: Bearer{Key}",
        $"Authorization: Bearer\t{Key}",
        $"Authorization: Bearer:{Key}",
        $"Authorization: Token {Key}",
        """Authorization: Digest username="a", realm="b", nonce="c" """,
        $"X-Api-Key: {Key}",
        $"Proxy-Authorization: Bearer {Key}",
        $"Cookie: Authorization=Bearer {Key}",
        $"Authorization: Bearer {Key.ToUpperInvariant()}",
    ];

    public static TheoryData<string> Refused =>
    [
        $"Authorization: Bearer {Key}, Bearer {TestKeys.Unrestricted}",
        $"Authorization: Bearer {Key},Bearer {Key}",
        $"Authorization: Bearer {Key},",
        $"Authorization: Bearer ,{Key}",
        $"Authorization: ,Bearer {Key}",
        $"Authorization: , Bearer {Key}",
        $"Authorization: Bearer {Jwt}, Bearer {Key}",
        $"Authorization: Bearer {Key}, Basic dXNlcjpwYXNz",
        $"Authorization: Basic dXNlcjpwYXNz, Bearer {Key}",
        $"Authorization: Basic dXNlcjpwYXNz,bearer {Key}",
        $"Authorization: Basic dXNlcjpwYXNz,\tBEARER {Key}",
        $"Authorization: Bearer {Key} {TestKeys.Unrestricted}",
        $"Authorization: Bearer {Key};",
    ];

    public static TheoryData<string, string> HeaderTwice => new()
    {
        { $"Authorization: Bearer {Key}", $"Authorization: Bearer {Key}" },
        { $"Authorization: Bearer {Key}", $"Authorization: Bearer {TestKeys.Unrestricted}" },
        { $"Authorization: Bearer {Key}", $"authorization: Basic dXNlcjpwYXNz" },
        { $"Authorization: Basic dXNlcjpwYXNz", $"Authorization: Bearer {Key}" },
        { $"Authorization: Bearer {Jwt}", $"Authorization: Bearer {Jwt}" },
        { $"Authorization: Basic dXNlcjpwYXNz", $"Authorization: Basic dXNlcjpwYXNz" },
        { $"Authorization:", $"Authorization: Bearer {Key}" },
        { $"Authorization: Bearer {Key}", $"Authorization:" },
    };

    [Theory]
    [MemberData(nameof(AcceptedSpellings))]
    public async Task Reads_the_key(string headerLine)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        RawResponse response = await app.GetAsync(headerLine);

        response.Status.Should().Be(200);
        response.Content.Should().Be("Allowed");
    }

    [Theory]
    [MemberData(nameof(NoKeyOfOurs))]
    public async Task Passes_on_as_no_key(string headerLine)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        RawResponse response = await app.GetAsync(headerLine);

        response.Status.Should().Be(200);
        response.Content.Should().Be("NoKey");
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Refuses_more_than_one_credential_or_a_broken_one_of_ours(string headerLine)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        RawResponse response = await app.GetAsync(headerLine);

        response.Status.Should().Be(401);
    }

    [Theory]
    [MemberData(nameof(HeaderTwice))]
    public async Task Refuses_the_header_twice_with_any_values(string first, string second)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        (await app.GetAsync(first, second)).Status.Should().Be(401);
    }

    [Fact]
    public async Task Refuses_the_header_twice_on_http2()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"));

        // The client joins two values of one header with a comma.
        using HttpResponseMessage response = await Http2Request.GetAsync(app.Http2, HeaderLine.Bearer(Key), HeaderLine.Bearer(Key));

        ((int)response.StatusCode).Should().Be(401);
    }

    [Theory]
    [InlineData("X-Api-Key: {0}", 200, "Allowed")]
    [InlineData("x-api-key:{0}", 200, "Allowed")]
    [InlineData("X-Api-Key: \t{0} ", 200, "Allowed")]
    [InlineData("X-Api-Key: Bearer {0}", 200, "NoKey")]
    [InlineData("X-Api-Key:", 200, "NoKey")]
    [InlineData("Authorization: Bearer {0}", 200, "NoKey")]
    [InlineData("X-Api-Key: {0},{0}", 401, null)]
    [InlineData("X-Api-Key: other,{0}", 401, null)]
    [InlineData("X-Api-Key: {0}x", 401, null)]
    public async Task A_header_of_its_own_carries_the_bare_key(string format, int status, string? outcome)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("127.0.0.1"), options => options.ApiKeyHeaderName = "X-Api-Key");

        RawResponse response = await app.GetAsync(format.Replace("{0}", Key, StringComparison.Ordinal));

        response.Status.Should().Be(status);
        if (outcome is not null)
        {
            response.Content.Should().Be(outcome);
        }
    }

    [Fact]
    public async Task Only_the_configured_header_is_a_source_of_keys()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"), options => options.ApiKeyHeaderName = "X-Api-Key");

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted), $"X-Api-Key: {Key}");

        response.Status.Should().Be(403);
        (await app.GetAsync($"X-Api-Key: {Key}", $"X-Api-Key: {TestKeys.Unrestricted}")).Status.Should().Be(401);
    }

    [Theory]
    [InlineData("k", "", 200)]
    [InlineData("k", "fb_live_", 200)]
    [InlineData("fb_live_", "fb_live_", 200)]
    public async Task A_key_that_is_found_is_enforced_whatever_it_looks_like(string rawKey, string prefix, int statusWhenListed)
    {
        var store = new InMemoryApiKeyStore();
        store.Set(TestKeys.Create(rawKey, "odd", "203.0.113.7"));
        await using KestrelApp app = await KestrelApp.StartAsync(store, options => options.ApiKeyPrefix = prefix);

        (await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("203.0.113.7"))).Status.Should().Be(statusWhenListed);
        (await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("203.0.113.8"))).Status.Should().Be(403);
    }

    [Fact]
    public async Task A_key_of_256_characters_is_looked_up()
    {
        string rawKey = new('k', ApiKeyHash.MaxRawKeyLength);
        var store = new InMemoryApiKeyStore();
        store.Set(TestKeys.Create(rawKey, "long", "203.0.113.7"));
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        (await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("203.0.113.7"))).Content.Should().Be("Allowed");
        (await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor("203.0.113.8"))).Status.Should().Be(403);
    }

    [Fact]
    public async Task An_unknown_credential_of_256_characters_is_looked_up_once()
    {
        var store = new ScriptedStore((_, _) => new((ApiKey?)null));
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        await app.GetAsync(HeaderLine.Bearer("fb_live_".PadRight(ApiKeyHash.MaxRawKeyLength, '1')));

        store.Lookups.Should().Be(1);
    }

    [Theory]
    [InlineData(257)]
    [InlineData(30 * 1024)]
    public async Task A_longer_credential_is_not_looked_up(int length)
    {
        var store = new ScriptedStore((_, _) => throw new InvalidOperationException("A lookup."));
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        RawResponse ours = await app.GetAsync(HeaderLine.Bearer("fb_live_".PadRight(length, '1')));
        RawResponse foreign = await app.GetAsync(HeaderLine.Bearer(new string('k', length)));

        ours.Status.Should().Be(401);
        foreign.Content.Should().Be("NoKey");
        store.Lookups.Should().Be(0);
    }

    [Fact]
    public async Task With_an_empty_prefix_every_unknown_credential_is_refused()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("127.0.0.1"), options => options.ApiKeyPrefix = "");

        (await app.GetAsync(HeaderLine.Bearer(Jwt))).Status.Should().Be(401);
        (await app.GetAsync(HeaderLine.Bearer(new string('k', 257)))).Status.Should().Be(401);
        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown))).Status.Should().Be(401);
        (await app.GetAsync(HeaderLine.Bearer(Key))).Content.Should().Be("Allowed");
        (await app.GetAsync()).Content.Should().Be("NoKey");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_control_or_non_ascii_byte_never_makes_a_key_or_an_address_acceptable(bool readsLatin1)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), configure: builder =>
        {
            if (readsLatin1)
            {
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1);
            }
        });
        (await app.GetAsync(HeaderLine.Bearer(Key), HeaderLine.ForwardedFor("203.0.113.7"))).Content.Should().Be("Allowed");

        IEnumerable<char> bytes = Enumerable.Range(0, 256).Select(code => (char)code)
            .Where(code => code is (< ' ' or > '~') and not ('\t' or '\r' or '\n'));
        foreach (char odd in bytes)
        {
            string[][] requests =
            [
                [HeaderLine.Bearer(odd + Key), HeaderLine.ForwardedFor("203.0.113.7")],
                [HeaderLine.Bearer(Key + odd), HeaderLine.ForwardedFor("203.0.113.7")],
                [HeaderLine.Bearer(Key), HeaderLine.ForwardedFor(odd + "203.0.113.7")],
                [HeaderLine.Bearer(Key), HeaderLine.ForwardedFor("203.0.113.7" + odd)],
                [HeaderLine.Bearer(Key), HeaderLine.ForwardedFor(odd + ",203.0.113.7")],
            ];
            foreach (string[] request in requests)
            {
                RawResponse response = await app.GetAsync(request);

                response.Content.Should().NotBe("Allowed", "byte {0:x2} is not part of a key or an address", (int)odd);
                response.Status.Should().NotBe(500);
            }
        }
    }

    [Theory]
    [InlineData("\u00c2\u00a0203.0.113.7")]
    [InlineData("203.0.113.7\u00e2\u0080\u0083")]
    [InlineData("203.0.113.\u00ef\u00bc\u0097")]
    [InlineData("203.0.113.\u00d9\u00a7")]
    public async Task Unicode_blanks_and_digits_are_no_part_of_an_address(string utf8Bytes)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        (await app.GetAsync(HeaderLine.Bearer(Key), HeaderLine.ForwardedFor(utf8Bytes))).Status.Should().Be(403);
    }
}
