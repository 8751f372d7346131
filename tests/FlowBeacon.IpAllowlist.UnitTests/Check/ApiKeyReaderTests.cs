using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.UnitTests.Check;

public sealed class ApiKeyReaderTests
{
    private const string Ours = "fb_live_111111111111111111111111111111111111111111111111";
    private const string Jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

    /// <summary>Values of Authorization, a line each; the reading; the raw key that is looked up, if any.</summary>
    public static TheoryData<string[], string, string?> AuthorizationValues => new()
    {
        { [], "NoKey", null },
        { [""], "NoKey", null },
        { [" \t "], "NoKey", null },

        { ["Basic dXNlcjpwYXNz"], "NoKey", null },
        { [$"Basic {Ours}"], "NoKey", null },
        { [Ours], "NoKey", null },
        { [$"Token {Ours}"], "NoKey", null },
        { [$"Bearers {Ours}"], "NoKey", null },
        { [$"Bearer:{Ours}"], "NoKey", null },
        { ["Digest username=\"a\", realm=\"b\""], "NoKey", null },
        { ["Digest realm=\"x, Bearer y\", nonce = \"a\\\", Basic b\""], "NoKey", null },
        { ["Basic dXNlcg==, Basic dXNlcg=="], "Invalid", null },
        { ["Digest username=\"a\", Negotiate"], "Invalid", null },
        { ["Digest username=\"a\", realm=\"Bearers\", uri=\"/\""], "NoKey", null },

        { ["Bearer"], "NoKey", null },
        { ["Bearer "], "NoKey", null },
        { ["bearer   "], "NoKey", null },

        { [$"Bearer {Ours}"], "Ours", Ours },
        { [$"bearer {Ours}"], "Ours", Ours },
        { [$"BEARER {Ours}"], "Ours", Ours },
        { [$"bEaReR {Ours}"], "Ours", Ours },
        { [$"Bearer    {Ours}"], "Ours", Ours },
        { [$" \tBearer {Ours}\t "], "Ours", Ours },
        { ["Bearer fb_live_"], "Ours", "fb_live_" },
        { [$"Bearer {Ours} {Ours}"], "Ours", $"{Ours} {Ours}" },

        { [$"Bearer FB_LIVE_{Ours[8..]}"], "Unclaimed", $"FB_LIVE_{Ours[8..]}" },
        { [$"Bearer x{Ours}"], "Unclaimed", $"x{Ours}" },
        { [$"Bearer {Jwt}"], "Unclaimed", Jwt },
        { ["Bearer a"], "Unclaimed", "a" },

        { [$"Bearer {Ours}", $"Bearer {Ours}"], "Invalid", null },
        { [$"Bearer {Ours}", "Basic dXNlcjpwYXNz"], "Invalid", null },
        { ["Basic dXNlcjpwYXNz", $"Bearer {Ours}"], "Invalid", null },
        { ["Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"], "Invalid", null },
        { [$"Bearer {Ours}", ""], "Invalid", null },
        { ["", $"Bearer {Ours}"], "Invalid", null },

        { ["Bearer a, Bearer b"], "Invalid", null },
        { ["Bearer a,b"], "Invalid", null },
        { [$"Bearer {Ours},"], "Invalid", null },
        { [$"Bearer ,{Ours}"], "Invalid", null },
        { [$"Bearer {Ours}, Basic dXNlcjpwYXNz"], "Invalid", null },
        { [$"Basic x, Bearer {Ours}"], "Invalid", null },
        { [$"Basic x,bearer {Ours}"], "Invalid", null },
        { [$"Basic x,,\t BEARER {Ours}"], "Invalid", null },
        { [$", Bearer {Ours}"], "Invalid", null },
        { [$"Digest username=\"a\", realm=\"b\", Bearer {Ours}"], "Invalid", null },

        { [$"Bearer {Text("fb_live_", 256)}"], "Ours", Text("fb_live_", 256) },
        { [$"Bearer {Text("fb_live_", 257)}"], "Invalid", null },
        { [$"Bearer {Text("fb_live_", 30 * 1024)}"], "Invalid", null },
        { [$"Bearer {Text("eyJ", 256)}"], "Unclaimed", Text("eyJ", 256) },
        { [$"Bearer {Text("eyJ", 257)}"], "NoKey", null },
        { [$"Bearer {Text("eyJ", 30 * 1024)}"], "NoKey", null },

        { ["Bearer fb_live_\u00e9"], "Invalid", null },
        { [$"Bearer {Ours}\u00a0"], "Invalid", null },
        { ["Bearer \u00e9"], "NoKey", null },
        { [$"Bearer \ufeff{Ours}"], "NoKey", null },
    };

    /// <summary>Values of a header of its own, a line each; the reading; the raw key that is looked up, if any.</summary>
    public static TheoryData<string[], string, string?> BareValues => new()
    {
        { [], "NoKey", null },
        { [""], "NoKey", null },
        { [" \t"], "NoKey", null },
        { [Ours], "Ours", Ours },
        { [$"\t {Ours} "], "Ours", Ours },
        { [Jwt], "Unclaimed", Jwt },
        { [$"Bearer {Ours}"], "Unclaimed", $"Bearer {Ours}" },
        { [Ours, Ours], "Invalid", null },
        { [Ours, ""], "Invalid", null },
        { [$"{Ours},{Ours}"], "Invalid", null },
        { [$"{Ours}, "], "Invalid", null },
        { ["a,b"], "Invalid", null },
        { [Text("fb_live_", 257)], "Invalid", null },
        { [Text("other", 257)], "NoKey", null },
    };

    /// <summary>Values of Authorization where every credential is ours.</summary>
    public static TheoryData<string[], string, string?> ValuesWithoutPrefix => new()
    {
        { [], "NoKey", null },
        { ["Bearer"], "NoKey", null },
        { ["Basic dXNlcjpwYXNz"], "NoKey", null },
        { ["Bearer a"], "Ours", "a" },
        { [$"Bearer {Jwt}"], "Ours", Jwt },
        { [$"Bearer {Text("eyJ", 257)}"], "Invalid", null },
        { ["Bearer \u00e9"], "Invalid", null },
    };

    [Theory]
    [MemberData(nameof(AuthorizationValues))]
    public void Reads_a_bearer_credential_from_Authorization(string[] values, string expected, string? lookedUp)
    {
        Check(new ApiKeyReader("Authorization", "fb_live_"), "Authorization", values, expected, lookedUp);
    }

    [Theory]
    [MemberData(nameof(BareValues))]
    public void Reads_the_bare_key_from_any_other_header(string[] values, string expected, string? lookedUp)
    {
        Check(new ApiKeyReader("X-Api-Key", "fb_live_"), "X-Api-Key", values, expected, lookedUp);
    }

    [Theory]
    [MemberData(nameof(ValuesWithoutPrefix))]
    public void Claims_every_credential_if_the_prefix_is_empty(string[] values, string expected, string? lookedUp)
    {
        Check(new ApiKeyReader("Authorization", ""), "Authorization", values, expected, lookedUp);
    }

    [Fact]
    public void Knows_Authorization_in_any_case()
    {
        Check(new ApiKeyReader("authorization", "fb_live_"), "Authorization", [$"Bearer {Ours}"], "Ours", Ours);
    }

    [Theory]
    [InlineData("Authorization", "X-Api-Key", Ours)]
    [InlineData("X-Api-Key", "Authorization", $"Bearer {Ours}")]
    public void Never_reads_a_second_source(string configured, string other, string value)
    {
        Check(new ApiKeyReader(configured, "fb_live_"), other, [value], "NoKey", null);
    }

    private static void Check(ApiKeyReader reader, string header, string[] values, string expected, string? lookedUp)
    {
        var headers = new HeaderDictionary();
        if (values.Length > 0)
        {
            headers[header] = new StringValues(values);
        }

        ApiKeyReading reading = reader.Read(headers, out ApiKeyHash hash, out _);

        reading.ToString().Should().Be(expected);
        if (lookedUp is not null)
        {
            hash.Should().Be(ApiKeyHash.Compute(lookedUp));
        }
    }

    private static string Text(string start, int length) => start + new string('a', length - start.Length);
}
