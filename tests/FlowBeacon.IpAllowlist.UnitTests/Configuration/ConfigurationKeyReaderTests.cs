using FlowBeacon.IpAllowlist.Configuration;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.UnitTests.Configuration;

/// <summary>Keys as one JSON file has them.</summary>
public sealed class ConfigurationKeyReaderTests : IDisposable
{
    private const string Grid = "make-grid-production";
    private const string PathOfGrid = "FlowBeacon:Keys:make-grid-production";
    private const string HashRemedy = "write the SHA-256 of the raw key as 64 hex digits";
    private const string ListIsMissing = "the list is missing; write the allowed addresses, or [] to turn the check off for this key";
    private const string IsSingleValue = "is a single value where a list belongs; write [\"…\"]";
    private const string ListBelongs = "a list belongs here, numbered from 0 without gaps, not an object";
    private const string ItemIsNoText = "an entry of a list is one text, neither null nor an object";
    private const string IsNoEntry =
        "an entry of a list is an address, or an object with the members Ip, Note, ExpiresAt; neither null nor a list";
    private const string UnknownMemberOfEntry = "unknown member; the members of an entry are Ip, Note, ExpiresAt";
    private const string IpIsMissing = "the address is missing; write the address that the entry is for";
    private const string UnknownMember =
        "unknown member; the members of a key are Hash, AllowedIps, Prefix, Scopes, ExpiresAt, AllowlistMode, Demo";
    private const string SingleValueBelongs =
        "a single value belongs here, neither a list nor an object nor null; leave the member out if it has none";
    private const string PrefixRemedy = "write the first 12 characters of the raw key, and no more";
    private const string IsNoScope = "is not a scope; the scopes are governance:read, governance:evaluate, admin";
    private const string IsNoInstant = "is not an instant; write one such as 2027-01-31T00:00:00Z";
    private const string IsNoMode = "is not a mode; write Enforce or ReportOnly";
    private const string SectionIsMissing = "FlowBeacon:Keys: the section is missing; write an object keyed by key name, {} for no keys";
    private const string SectionIsNoObject = "FlowBeacon:Keys: keys are an object keyed by key name, neither a list nor a single value";

    private static readonly string HashOfRestricted = KeyJson.Hash(TestKeys.Restricted);

    private readonly KeyFolder _folder = new();

    /// <summary>The members of a key beside a good hash, and the one fault.</summary>
    public static TheoryData<string, string> FaultyLists => new()
    {
        { "", $"{PathOfGrid}:AllowedIps: {ListIsMissing}" },
        { "\"AllowedIps\": null", $"{PathOfGrid}:AllowedIps: null is no list; write the list, [] for an empty one" },
        { "\"AllowedIps\": {}", $"{PathOfGrid}:AllowedIps: null is no list; write the list, [] for an empty one" },
        { "\"AllowedIps\": \"203.0.113.7\"", $"{PathOfGrid}:AllowedIps: '203.0.113.7' {IsSingleValue}" },
        { "\"AllowedIps\": \"203.0.113.7, 203.0.113.8\"", $"{PathOfGrid}:AllowedIps: '203.0.113.7, 203.0.113.8' {IsSingleValue}" },
        { "\"AllowedIps\": \"[]\"", $"{PathOfGrid}:AllowedIps: '[]' {IsSingleValue}" },
        { "\"AllowedIps\": \" \"", $"{PathOfGrid}:AllowedIps: ' ' {IsSingleValue}" },
        { "\"AllowedIps\": false", $"{PathOfGrid}:AllowedIps: 'False' {IsSingleValue}" },
        { "\"AllowedIps\": 0", $"{PathOfGrid}:AllowedIps: '0' {IsSingleValue}" },
        { "\"AllowedIps\": { \"office\": \"203.0.113.7\" }", $"{PathOfGrid}:AllowedIps: {ListBelongs}" },
        { "\"AllowedIps\": { \"1\": \"203.0.113.7\" }", $"{PathOfGrid}:AllowedIps: {ListBelongs}" },
        { "\"AllowedIps\": [\"203.0.113.7\"], \"AllowedIps\": []", $"{PathOfGrid}:AllowedIps: {ListBelongs}" },
        { "\"AllowedIps\": [null]", $"{PathOfGrid}:AllowedIps:0: {IsNoEntry}" },
        { "\"AllowedIps\": [\"203.0.113.7\", null]", $"{PathOfGrid}:AllowedIps:1: {IsNoEntry}" },
        { "\"AllowedIps\": [{}]", $"{PathOfGrid}:AllowedIps:0: {IsNoEntry}" },
        { "\"AllowedIps\": [[\"203.0.113.7\"]]", $"{PathOfGrid}:AllowedIps:0: {IsNoEntry}" },
        { "\"AllowedIps\": [[]]", $"{PathOfGrid}:AllowedIps:0: an entry is empty; remove it or write an address" },
        { "\"AllowedIps\": [\"\"]", $"{PathOfGrid}:AllowedIps:0: an entry is empty; remove it or write an address" },
        {
            "\"AllowedIps\": [\"203.0.113.7\", \"10.0.0.0/8\"]",
            $"{PathOfGrid}:AllowedIps:1: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"
        },
        { "\"AllowedIps\": [\"*\"]", $"{PathOfGrid}:AllowedIps:0: '*' is a wildcard; list each address" },
        { "\"AllowedIps\": [7]", $"{PathOfGrid}:AllowedIps:0: '7' is a short form; write four decimal octets, such as 10.0.0.1" },
        { "\"AllowedIPs \": [], \"AllowedIps\": []", $"{PathOfGrid}:AllowedIPs : {UnknownMember}" },
    };

    /// <summary>An item of a list as JSON, and the faults below its path.</summary>
    public static TheoryData<string, string[]> FaultyItems => new()
    {
        { """{ "Note": "office" }""", [$":Ip: {IpIsMissing}"] },
        { """{ "ExpiresAt": "2027-01-31T00:00:00Z" }""", [$":Ip: {IpIsMissing}"] },
        { """{ "Ip": null }""", [$":Ip: {SingleValueBelongs}"] },
        { """{ "Ip": {} }""", [$":Ip: {SingleValueBelongs}"] },
        { """{ "Ip": [] }""", [$":Ip: {SingleValueBelongs}"] },
        { """{ "Ip": ["203.0.113.7"] }""", [$":Ip: {SingleValueBelongs}"] },
        { """{ "Ip": "" }""", [":Ip: an entry is empty; remove it or write an address"] },
        { """{ "Ip": " 203.0.113.7" }""", [":Ip: ' 203.0.113.7' has white space around it; remove it"] },
        { """{ "Ip": 7 }""", [":Ip: '7' is a short form; write four decimal octets, such as 10.0.0.1"] },
        {
            """{ "Ip": "10.0.0.0/8" }""",
            [":Ip: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"]
        },
        { """{ "Ip": "203.0.113.7", "Notes": "office" }""", [$":Notes: {UnknownMemberOfEntry}"] },
        { """{ "Ip": "203.0.113.7", "AddedAt": null }""", [$":AddedAt: {UnknownMemberOfEntry}"] },
        { """{ "Address": "203.0.113.7" }""", [$":Address: {UnknownMemberOfEntry}", $":Ip: {IpIsMissing}"] },
        { """{ "Ip": "203.0.113.7", "Note": null }""", [$":Note: {SingleValueBelongs}"] },
        { """{ "Ip": "203.0.113.7", "Note": [] }""", [$":Note: {SingleValueBelongs}"] },
        { """{ "Ip": "203.0.113.7", "Note": ["office"] }""", [$":Note: {SingleValueBelongs}"] },
        { """{ "Ip": "203.0.113.7", "Note": { "Text": "office" } }""", [$":Note: {SingleValueBelongs}"] },
        {
            $$"""{ "Ip": "203.0.113.7", "Note": "{{new string('n', 201)}}" }""",
            [":Note: a note must be at most 200 characters, and has 201"]
        },
        {
            """{ "Ip": "203.0.113.7", "Note": " office" }""",
            [":Note: a note must not begin or end with white space, nor contain control characters"]
        },
        {
            """{ "Ip": "203.0.113.7", "Note": "two\nlines" }""",
            [":Note: a note must not begin or end with white space, nor contain control characters"]
        },
        {
            """{ "Ip": "203.0.113.7", "Note": "a\u202Eb" }""",
            [
                ":Note: a note contains U+202E, which is invisible, changes the display of other characters, or has no fixed meaning;"
                    + " leave it out",
            ]
        },
        {
            $$"""{ "Ip": "203.0.113.7", "Note": "{{TestKeys.Unknown}}" }""",
            [":Note: a note looks like a raw key, or contains one; leave it out"]
        },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": null }""", [$":ExpiresAt: {SingleValueBelongs}"] },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": [] }""", [$":ExpiresAt: {SingleValueBelongs}"] },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": "" }""", [$":ExpiresAt: '' {IsNoInstant}"] },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": "2027-01-31" }""", [$":ExpiresAt: '2027-01-31' {IsNoInstant}"] },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": "2027-01-31T00:00:00" }""", [$":ExpiresAt: '2027-01-31T00:00:00' {IsNoInstant}"] },
        { """{ "Ip": "203.0.113.7", "ExpiresAt": 1800000000 }""", [$":ExpiresAt: '1800000000' {IsNoInstant}"] },
        {
            """{ "Ip": "*", "Note": "\t", "ExpiresAt": "soon", "Typo": 1 }""",
            [
                $":Typo: {UnknownMemberOfEntry}",
                ":Note: a note must not begin or end with white space, nor contain control characters",
                $":ExpiresAt: 'soon' {IsNoInstant}",
                ":Ip: '*' is a wildcard; list each address",
            ]
        },
    };

    /// <summary>Two items of one address, and how the fault goes on; null if they say the same.</summary>
    public static TheoryData<string, string, string?> RepeatedItems => new()
    {
        { "\"2001:db8::7\"", "\"2001:DB8:0::7\"", null },
        { "\"2001:db8::7\"", """{ "Ip": "2001:db8::7" }""", null },
        { "\"2001:db8::7\"", """{ "Ip": "2001:db8::7", "Note": "" }""", null },
        { """{ "Ip": "2001:db8::7", "Note": "a" }""", """{ "Ip": "2001:DB8:0::7", "Note": "a" }""", null },
        {
            """{ "Ip": "2001:db8::7", "ExpiresAt": "2027-01-31T00:00:00Z" }""",
            """{ "Ip": "2001:db8::7", "ExpiresAt": "2027-01-31T02:00:00+02:00" }""", null
        },
        {
            """{ "Ip": "2001:db8::7", "Note": "a" }""", """{ "Ip": "2001:DB8:0::7", "Note": "b" }""",
            "1:Ip: '2001:DB8:0::7' is listed with two notes, or once without one; list it once"
        },
        {
            """{ "Ip": "2001:db8::7", "Note": "a" }""", "\"2001:DB8:0::7\"",
            "1: '2001:DB8:0::7' is listed with two notes, or once without one; list it once"
        },
        {
            "\"2001:DB8:0::7\"", """{ "Ip": "2001:db8::7", "Note": "a" }""",
            "1:Ip: '2001:db8::7' is listed with two notes, or once without one; list it once"
        },
        {
            """{ "Ip": "2001:db8::7", "ExpiresAt": "2027-01-31T00:00:00Z" }""",
            """{ "Ip": "2001:db8::7", "ExpiresAt": "2027-02-01T00:00:00Z" }""",
            "1:Ip: '2001:db8::7' is listed with two expiries; list it once"
        },
        {
            """{ "Ip": "2001:db8::7", "ExpiresAt": "2027-01-31T00:00:00Z" }""", "\"2001:db8::7\"",
            "1: '2001:db8::7' is listed with two expiries; list it once"
        },
    };

    /// <summary>Ranges in a host that allows them: what is read, or the fault.</summary>
    public static TheoryData<string, string?, string?> Ranges => new()
    {
        { "\"198.51.100.0/28\"", "198.51.100.0/28", null },
        { """{ "Ip": "2001:DB8::/64", "Note": "office" }""", "2001:db8::/64", null },
        { "\"::ffff:198.51.100.0/124\"", "198.51.100.0/28", null },
        { "\"198.51.100.7/32\"", "198.51.100.7", null },
        { "\"10.0.0.0/16\"", "10.0.0.0/16", null },
        {
            "\"10.0.0.0/15\"", null,
            "0: '10.0.0.0/15' is wider than allowed; write IPv4 networks with a prefix length of at least 16"
        },
        {
            """{ "Ip": "2001:db8::/47" }""", null,
            "0:Ip: '2001:db8::/47' is wider than allowed; write IPv6 networks with a prefix length of at least 48"
        },
        { "\"198.51.100.1/28\"", null, "0: '198.51.100.1/28' has host bits set; write 198.51.100.0/28, or 198.51.100.1 alone" },
        { "\"0.0.0.0/0\"", null, "0: '0.0.0.0/0' contains every address; list the networks that may use the key" },
    };

    /// <summary>The hash as JSON, and the fault.</summary>
    public static TheoryData<string, string> FaultyHashes => new()
    {
        { "null", $"{PathOfGrid}:Hash: {SingleValueBelongs}" },
        { "{}", $"{PathOfGrid}:Hash: {SingleValueBelongs}" },
        { "\"\"", $"{PathOfGrid}:Hash: a text of 0 characters is not a hash; {HashRemedy}, never the raw key" },
        { "\"abc\"", $"{PathOfGrid}:Hash: a text of 3 characters is not a hash; {HashRemedy}, never the raw key" },
        { $"\"{new string('g', 64)}\"", $"{PathOfGrid}:Hash: a text of 64 characters is not a hash; {HashRemedy}, never the raw key" },
        { $"\" {new string('a', 64)}\"", $"{PathOfGrid}:Hash: a text of 65 characters is not a hash; {HashRemedy}, never the raw key" },
        { $"\"{TestKeys.Restricted}\"", $"{PathOfGrid}:Hash: a text of 56 characters is not a hash; {HashRemedy}, never the raw key" },
        { $"[\"{TestKeys.Restricted}\"]", $"{PathOfGrid}:Hash: {SingleValueBelongs}" },
    };

    /// <summary>Further members of a key, and the fault.</summary>
    public static TheoryData<string, string> FaultyMembers => new()
    {
        { "\"Prefix\": \"\"", $"{PathOfGrid}:Prefix: a text of 0 characters is not a prefix; {PrefixRemedy}" },
        { "\"Prefix\": \"fb_live_111\"", $"{PathOfGrid}:Prefix: a text of 11 characters is not a prefix; {PrefixRemedy}" },
        { $"\"Prefix\": \"{TestKeys.Restricted}\"", $"{PathOfGrid}:Prefix: a text of 56 characters is not a prefix; {PrefixRemedy}" },
        { $"\"Prefix\": [\"{TestKeys.Restricted}\"]", $"{PathOfGrid}:Prefix: {SingleValueBelongs}" },

        {
            "\"Prefix\": \"fb_live_\\u202e11\\u000a\"",
            $"{PathOfGrid}:Prefix: a prefix is printable ASCII without spaces; {PrefixRemedy}"
        },

        { "\"Scopes\": null", $"{PathOfGrid}:Scopes: null is no list; write the list, [] for an empty one" },
        { "\"Scopes\": \"admin\"", $"{PathOfGrid}:Scopes: 'admin' {IsSingleValue}" },
        { "\"Scopes\": [null]", $"{PathOfGrid}:Scopes:0: {ItemIsNoText}" },
        { "\"Scopes\": [\"admin\", \"root\"]", $"{PathOfGrid}:Scopes:1: 'root' {IsNoScope}" },
        { "\"Scopes\": [\"ADMIN\"]", $"{PathOfGrid}:Scopes:0: 'ADMIN' {IsNoScope}" },
        {
            "\"Scopes\": [\"governance:read governance:evaluate\"]",
            $"{PathOfGrid}:Scopes:0: 'governance:read governance:evaluate' {IsNoScope}"
        },

        { "\"ExpiresAt\": \"\"", $"{PathOfGrid}:ExpiresAt: '' {IsNoInstant}" },
        { "\"ExpiresAt\": \"2027-01-31\"", $"{PathOfGrid}:ExpiresAt: '2027-01-31' {IsNoInstant}" },
        { "\"ExpiresAt\": \"2027-01-31T00:00:00\"", $"{PathOfGrid}:ExpiresAt: '2027-01-31T00:00:00' {IsNoInstant}" },
        { "\"ExpiresAt\": \"2027-02-31T00:00:00Z\"", $"{PathOfGrid}:ExpiresAt: '2027-02-31T00:00:00Z' {IsNoInstant}" },
        { "\"ExpiresAt\": \"31.01.2027 00:00:00Z\"", $"{PathOfGrid}:ExpiresAt: '31.01.2027 00:00:00Z' {IsNoInstant}" },
        { "\"ExpiresAt\": 1800000000", $"{PathOfGrid}:ExpiresAt: '1800000000' {IsNoInstant}" },
        { "\"ExpiresAt\": [\"2027-01-31T00:00:00Z\"]", $"{PathOfGrid}:ExpiresAt: {SingleValueBelongs}" },

        { "\"Demo\": \"yes\"", $"{PathOfGrid}:Demo: 'yes' is neither true nor false" },
        { "\"Demo\": 1", $"{PathOfGrid}:Demo: '1' is neither true nor false" },
        { "\"ExpiresAt\": null", $"{PathOfGrid}:ExpiresAt: {SingleValueBelongs}" },
        { "\"Demo\": { \"Is\": true }", $"{PathOfGrid}:Demo: {SingleValueBelongs}" },

        { "\"AllowedIp\": [\"203.0.113.7\"]", $"{PathOfGrid}:AllowedIp: {UnknownMember}" },
        { "\"IsRevoked\": true", $"{PathOfGrid}:IsRevoked: {UnknownMember}" },
        { "\"Note\": null", $"{PathOfGrid}:Note: {UnknownMember}" },
    };

    /// <summary>The mode as JSON, and how it is read.</summary>
    public static TheoryData<string, AllowlistMode> Modes => new()
    {
        { "\"Enforce\"", AllowlistMode.Enforce },
        { "\"enforce\"", AllowlistMode.Enforce },
        { "\"ENFORCE\"", AllowlistMode.Enforce },
        { "\"ReportOnly\"", AllowlistMode.ReportOnly },
        { "\"reportonly\"", AllowlistMode.ReportOnly },
        { "\"REPORTONLY\"", AllowlistMode.ReportOnly },
    };

    /// <summary>Values that are not a mode, as JSON, and the fault. A number is refused, although the framework would accept one.</summary>
    public static TheoryData<string, string> FaultyModes => new()
    {
        { "\"\"", $"{PathOfGrid}:AllowlistMode: '' {IsNoMode}" },
        { "\"0\"", $"{PathOfGrid}:AllowlistMode: '0' {IsNoMode}" },
        { "\"1\"", $"{PathOfGrid}:AllowlistMode: '1' {IsNoMode}" },
        { "0", $"{PathOfGrid}:AllowlistMode: '0' {IsNoMode}" },
        { "1", $"{PathOfGrid}:AllowlistMode: '1' {IsNoMode}" },
        { "true", $"{PathOfGrid}:AllowlistMode: 'True' {IsNoMode}" },
        { "\"report_only\"", $"{PathOfGrid}:AllowlistMode: 'report_only' {IsNoMode}" },
        { "\"Report Only\"", $"{PathOfGrid}:AllowlistMode: 'Report Only' {IsNoMode}" },
        { "\" Enforce\"", $"{PathOfGrid}:AllowlistMode: ' Enforce' {IsNoMode}" },
        { "\"ReportOnly,Enforce\"", $"{PathOfGrid}:AllowlistMode: 'ReportOnly,Enforce' {IsNoMode}" },
        { "\"Off\"", $"{PathOfGrid}:AllowlistMode: 'Off' {IsNoMode}" },
        { "null", $"{PathOfGrid}:AllowlistMode: {SingleValueBelongs}" },
        { "[\"ReportOnly\"]", $"{PathOfGrid}:AllowlistMode: {SingleValueBelongs}" },
        { "{}", $"{PathOfGrid}:AllowlistMode: {SingleValueBelongs}" },
    };

    /// <summary>A whole file, and its faults.</summary>
    public static TheoryData<string, string[]> FaultySections => new()
    {
        { "{}", [SectionIsMissing] },
        { """{ "FlowBeacon": {} }""", [SectionIsMissing] },
        { """{ "FlowBeacon": { "Key": {} } }""", [SectionIsMissing] },
        { KeyJson.WithSection("[]"), [SectionIsNoObject] },
        { KeyJson.WithSection("\"\""), [SectionIsNoObject] },
        { KeyJson.WithSection("true"), [SectionIsNoObject] },
        { KeyJson.WithSection("""[ { "AllowedIps": [] } ]"""), [SectionIsNoObject] },
        {
            KeyJson.WithSection($$"""{ "{{Grid}}": null }"""),
            [$"{PathOfGrid}:Hash: the hash is missing; {HashRemedy}", $"{PathOfGrid}:AllowedIps: {ListIsMissing}"]
        },
        { KeyJson.WithSection($$"""{ "{{Grid}}": [] }"""), [$"{PathOfGrid}: a key is an object with the members Hash and AllowedIps"] },
        {
            KeyJson.WithSection($$"""{ "{{Grid}}": "203.0.113.7" }"""),
            [$"{PathOfGrid}: a key is an object with the members Hash and AllowedIps"]
        },
        {
            KeyJson.File(KeyJson.Key(" ", TestKeys.Restricted)),
            ["FlowBeacon:Keys: : a key's name must not begin or end with white space, nor contain control characters"]
        },
        {
            KeyJson.File(KeyJson.Key(new string('n', 101), TestKeys.Restricted)),
            [$"FlowBeacon:Keys:{new string('n', 64)}...: a key's name must be 1 to 100 characters, and has 101"]
        },
    };

    /// <summary>Files whose one key has an empty list.</summary>
    public static TheoryData<string> EmptyLists =>
    [
        KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]")),
        KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[ /* nobody is kept out */ ]")),
        KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[\n // nobody is kept out\n ]", ",")),
        $$"""{ "FlowBeacon:Keys": { {{KeyJson.Key(Grid, TestKeys.Restricted)}} } }""",
        $$"""{ "FlowBeacon": { "Keys:{{Grid}}": { "Hash": "{{HashOfRestricted}}", "AllowedIps": [] } } }""",
        $$"""{ "FlowBeacon:Keys:{{Grid}}:AllowedIps": [], "FlowBeacon": { "Keys": { "{{Grid}}": { "Hash": "{{HashOfRestricted}}" } } } }""",
        $$"""{ "FlowBeacon": { "Other": 1 }, "FlowBeacon:Keys": { {{KeyJson.Key(Grid, TestKeys.Restricted)}} } }""",
        $$"""{ "flowbeacon": { "KEYS": { "{{Grid}}": { "hash": "{{HashOfRestricted}}", "allowedips": [] } } } }""",
        $$"""{ "FLOWBEACON:keys": { "{{Grid}}": { "HASH": "{{HashOfRestricted}}", "ALLOWEDIPS": [] } } }""",
    ];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_id_of_a_key_that_administration_made_is_no_name()
    {
        string name = ApiKeyId.New(TimeProvider.System);

        ReadFaults(KeyJson.File(KeyJson.Key(name, TestKeys.Restricted, "[]"))).Should().Equal(
            $"FlowBeacon:Keys:{name}: this is the id of a key that was made by key administration; choose another name");
        ReadFaults(KeyJson.File(KeyJson.Key("key_production", TestKeys.Restricted, "[]"))).Should().BeEmpty();
    }

    [Fact]
    public void Reads_every_member()
    {
        ApiKey key = ReadGood($$"""
            { "FlowBeacon": { "Keys": { "{{Grid}}": {
                "Hash": "{{HashOfRestricted}}",
                "Prefix": "fb_live_1111",
                "AllowedIps": [ "203.0.113.7", "2001:DB8:0::7", "::ffff:203.0.113.8" ],
                "Scopes": [ "governance:read", "admin" ],
                "ExpiresAt": "2027-01-31T12:30:00+02:00",
                "AllowlistMode": "ReportOnly",
                "Demo": false
            } } } }
            """).Should().ContainSingle().Subject;

        key.Id.Should().Be(Grid);
        key.Hash.Should().Be(ApiKeyHash.Compute(TestKeys.Restricted));
        key.Prefix.Should().Be("fb_live_1111");
        key.AllowedIps.ToCanonicalStrings().Should().Equal("203.0.113.7", "203.0.113.8", "2001:db8::7");
        key.Scopes.Should().Equal("governance:read", "admin");
        key.ExpiresAt.Should().Be(new DateTimeOffset(2027, 1, 31, 10, 30, 0, TimeSpan.Zero));
        key.AllowlistMode.Should().Be(AllowlistMode.ReportOnly);
        key.IsRevoked.Should().BeFalse();
    }

    [Fact]
    public void Reads_a_key_of_hash_and_list_alone()
    {
        ApiKey key = ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, """["203.0.113.7"]"""))).Should().ContainSingle().Subject;

        key.AllowedIps.ToCanonicalStrings().Should().Equal("203.0.113.7");
        key.Prefix.Should().BeEmpty();
        key.Scopes.Should().BeEmpty();
        key.ExpiresAt.Should().BeNull();
        key.AllowlistMode.Should().Be(AllowlistMode.Enforce);
    }

    [Fact]
    public void Reads_members_in_any_case()
    {
        ApiKey key = ReadGood($$"""
            { "flowbeacon": { "KEYS": { "{{Grid}}": {
                "hash": "{{HashOfRestricted.ToUpperInvariant()}}", "PREFIX": "fb_live_1111", "allowedips": [ "203.0.113.7" ],
                "scopes": [ "admin" ], "expiresat": "2027-01-31T00:00:00Z", "ALLOWLISTMODE": "ReportOnly", "demo": "FALSE"
            } } } }
            """).Should().ContainSingle().Subject;

        key.Hash.Should().Be(ApiKeyHash.Compute(TestKeys.Restricted));
        key.Prefix.Should().Be("fb_live_1111");
        key.AllowedIps.Count.Should().Be(1);
        key.Scopes.Should().Equal("admin");
        key.ExpiresAt.Should().Be(new DateTimeOffset(2027, 1, 31, 0, 0, 0, TimeSpan.Zero));
        key.AllowlistMode.Should().Be(AllowlistMode.ReportOnly);
    }

    [Fact]
    public void Reads_lists_of_more_than_ten_entries_in_full()
    {
        string[] addresses = [.. Enumerable.Range(1, 12).Select(last => $"203.0.113.{last}")];

        ApiKey key = ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, $"[\"{string.Join("\",\"", addresses)}\"]")))
            .Should().ContainSingle().Subject;

        key.AllowedIps.ToCanonicalStrings().Should().Equal(addresses);
    }

    [Fact]
    public void An_object_without_keys_means_no_keys()
    {
        ReadGood(KeyJson.WithSection("{}")).Should().BeEmpty();
    }

    [Fact]
    public void An_empty_list_of_scopes_means_no_scopes()
    {
        ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", """, "Scopes": []"""))).Should().ContainSingle()
            .Which.Scopes.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(EmptyLists))]
    public void An_empty_array_turns_the_check_off_however_the_file_is_written(string json)
    {
        ReadGood(json).Should().ContainSingle().Which.AllowedIps.Count.Should().Be(0);
    }

    [Fact]
    public void An_empty_text_is_not_an_empty_list()
    {
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "\"\""))).Should().ContainSingle()
            .Which.Should().StartWith($"{PathOfGrid}:AllowedIps: an empty text is no list; write [] in a JSON file (this comes from ")
            .And.Contain("keys.json");
    }

    [Fact]
    public void An_empty_text_beside_another_keys_empty_list_is_still_a_fault()
    {
        ReadFaults(KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, "[]"), KeyJson.Key("b", TestKeys.Unrestricted, "\"\"")))
            .Should().ContainSingle().Which.Should().StartWith("FlowBeacon:Keys:b:AllowedIps: an empty text is no list");
    }

    [Theory]
    [MemberData(nameof(FaultyLists))]
    public void Only_a_list_of_single_addresses_is_a_list(string member, string fault)
    {
        ReadFaults(
            KeyJson.WithSection($$"""{ "{{Grid}}": { "Hash": "{{HashOfRestricted}}"{{(member.Length == 0 ? "" : ", ")}}{{member}} } }"""))
            .Should().Equal(fault);
    }

    [Theory]
    [MemberData(nameof(FaultyHashes))]
    public void Only_64_hex_digits_are_a_hash(string hash, string fault)
    {
        ReadFaults(KeyJson.WithSection($$"""{ "{{Grid}}": { "Hash": {{hash}}, "AllowedIps": [] } }""")).Should().Equal(fault);
    }

    [Fact]
    public void A_missing_hash_is_a_fault()
    {
        ReadFaults(KeyJson.WithSection($$"""{ "{{Grid}}": { "AllowedIps": [] } }"""))
            .Should().Equal($"{PathOfGrid}:Hash: the hash is missing; {HashRemedy}");
    }

    [Fact]
    public void A_hash_that_two_keys_have_is_a_fault_in_either_case()
    {
        string upper = KeyJson.Key("b", TestKeys.Restricted)
            .Replace(HashOfRestricted, HashOfRestricted.ToUpperInvariant(), StringComparison.Ordinal);

        ReadFaults(KeyJson.File(KeyJson.Key("a", TestKeys.Restricted), upper))
            .Should().Equal("FlowBeacon:Keys:b:Hash: the key 'a' has the same hash; give each key a raw key of its own");
    }

    [Theory]
    [MemberData(nameof(FaultyMembers))]
    public void Every_other_member_is_read_strictly(string member, string fault)
    {
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", $", {member}"))).Should().Equal(fault);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_mode_is_one_of_two_names_in_any_case(string mode, AllowlistMode expected)
    {
        ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", $", \"AllowlistMode\": {mode}"))).Should().ContainSingle()
            .Which.AllowlistMode.Should().Be(expected);
    }

    [Theory]
    [MemberData(nameof(FaultyModes))]
    public void Nothing_else_is_a_mode(string mode, string fault)
    {
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", $", \"AllowlistMode\": {mode}"))).Should().Equal(fault);
    }

    [Theory]
    [MemberData(nameof(FaultySections))]
    public void Only_an_object_keyed_by_name_can_contain_keys(string json, string[] faults)
    {
        ReadFaults(json).Should().Equal(faults);
    }

    /// <summary>Null is neither an object nor "no keys": taken as such, it would empty the store.</summary>
    [Fact]
    public void A_section_that_is_null_is_a_fault()
    {
        ReadFaults(KeyJson.WithSection("null")).Should().ContainSingle().Which.Should().StartWith("FlowBeacon:Keys: ");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"\"")]
    [InlineData("false")]
    [InlineData("\"a\"")]
    [InlineData("[\"a\"]")]
    public void No_fault_ever_repeats_a_hash_or_a_raw_key(string demo)
    {
        string json = KeyJson.WithSection($$"""
            {
                "a": { "Hash": "{{TestKeys.Restricted}}", "Prefix": "{{TestKeys.Restricted}}", "AllowedIps": null, "Demo": {{demo}} },
                "b": { "Hash": "{{HashOfRestricted}}", "Prefix": "{{TestKeys.Restricted[..13]}}", "AllowedIps": [] },
                "c": { "Hash": "{{HashOfRestricted}}", "AllowedIps": [] }
            }
            """);

        string.Join('\n', ReadFaults(json)).Should().NotContain(TestKeys.Restricted[..13]).And.NotContain(HashOfRestricted[..8]);
    }

    [Fact]
    public void All_faults_are_listed_at_once()
    {
        string json = KeyJson.WithSection($$"""
            {
                "a": { "Hash": "short", "AllowedIps": [ "203.0.113.7", "10.0.0.0/8", "::1/128" ], "Typo": 1 },
                "b": { "AllowedIps": null },
                "c": "scalar",
                "d": {
                    "Hash": "{{HashOfRestricted}}", "AllowedIps": [ "203.0.113.7" ], "Scopes": [ "root" ], "ExpiresAt": "soon",
                    "Prefix": "fb", "AllowlistMode": "off", "Demo": true
                }
            }
            """);

        ReadFaults(json).Select(fault => fault[..fault.IndexOf(": ", StringComparison.Ordinal)]).Should().BeEquivalentTo(
            "FlowBeacon:Keys:a:Typo",
            "FlowBeacon:Keys:a:Hash",
            "FlowBeacon:Keys:a:AllowedIps:1",
            "FlowBeacon:Keys:a:AllowedIps:2",
            "FlowBeacon:Keys:b:Hash",
            "FlowBeacon:Keys:b:AllowedIps",
            "FlowBeacon:Keys:c",
            "FlowBeacon:Keys:d:Prefix",
            "FlowBeacon:Keys:d:Scopes:0",
            "FlowBeacon:Keys:d:ExpiresAt",
            "FlowBeacon:Keys:d:AllowlistMode",
            "FlowBeacon:Keys:d:Demo");
    }

    [Theory]
    [InlineData("2027-01-31T00:00:00Z", "2027-01-31T00:00:00+00:00")]
    [InlineData("2027-01-31T00:00:00+00:00", "2027-01-31T00:00:00+00:00")]
    [InlineData("2027-01-31T00:00:00-05:30", "2027-01-31T05:30:00+00:00")]
    public void An_instant_has_an_offset(string text, string expected)
    {
        ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", $", \"ExpiresAt\": \"{text}\""))).Should().ContainSingle()
            .Which.ExpiresAt.Should().Be(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_demo_key_is_read_in_Development()
    {
        string json = KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", """, "Demo": true"""));

        Read(json, isDevelopment: true, out IReadOnlyList<string> faults).Should().ContainSingle();
        faults.Should().BeEmpty();
    }

    [Fact]
    public void A_demo_key_is_refused_outside_Development()
    {
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", """, "Demo": true"""))).Should().Equal(
            $"{PathOfGrid}:Demo: this is a demo key, whose raw key is public; outside Development remove it and create "
                + "your own keys");
    }

    [Fact]
    public void A_key_that_is_no_demo_key_is_read_everywhere()
    {
        ReadGood(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", """, "Demo": false"""))).Should().ContainSingle();
    }

    [Fact]
    public void An_empty_list_is_a_fault_where_every_key_must_have_one()
    {
        ConfigurationKeyRules rules = KeyJson.Rules with { RequireAllowlist = true };
        string json = KeyJson.File(
            KeyJson.Key(Grid, TestKeys.Restricted),
            $$""" "missing": { "Hash": "{{KeyJson.Hash(TestKeys.Unrestricted)}}" } """,
            KeyJson.Key("rehearsed", TestKeys.Unknown, """["203.0.113.7"]""", """, "AllowlistMode": "ReportOnly" """));

        Read(json, isDevelopment: false, out IReadOnlyList<string> faults, rules);

        faults.Should().BeEquivalentTo(
            $"{PathOfGrid}:AllowedIps: [] is no list, and this application requires one of every key (RequireAllowlist); write the"
                + " allowed addresses",
            $"{KeyJson.Section}:missing:AllowedIps: the list is missing; write the allowed addresses");
    }

    [Theory]
    [InlineData("null", "null is no list; write the list")]
    [InlineData("{}", "null is no list; write the list")]
    [InlineData("\"\"", "an empty text is no list; write the list in a JSON file (this comes from *)")]
    public void No_empty_list_is_advised_where_every_key_must_have_one(string list, string fault)
    {
        Read(
            KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, list)), isDevelopment: false, out IReadOnlyList<string> faults,
            KeyJson.Rules with { RequireAllowlist = true });

        faults.Should().ContainSingle().Which.Should().Match($"{PathOfGrid}:AllowedIps: {fault}");
    }

    [Fact]
    public void Scopes_are_those_of_the_host()
    {
        string json = KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, "[]", """, "Scopes": ["reports:read", "governance:read"]"""));
        ConfigurationKeyRules rules = KeyJson.Rules with { Scopes = new ScopeRules(["reports:read", "reports:write"]) };

        Read(json, isDevelopment: false, out IReadOnlyList<string> faults, rules);
        IReadOnlyList<ApiKey> keys = Read(
            json.Replace(", \"governance:read\"", "", StringComparison.Ordinal),
            isDevelopment: false, out IReadOnlyList<string> none, rules);

        faults.Should().Equal(
            $"{PathOfGrid}:Scopes:1: 'governance:read' is not a scope; the scopes are reports:read, reports:write");
        none.Should().BeEmpty();
        keys.Should().ContainSingle().Which.Scopes.Should().Equal("reports:read");
    }

    [Fact]
    public void Reads_items_that_are_objects()
    {
        ConfiguredKey key = ReadConfigured("""
            [
                "203.0.113.7",
                { "Ip": "2001:DB8:0::7", "Note": "NAT gateway Frankfurt, zone b", "ExpiresAt": "2027-01-31T02:00:00+02:00" },
                { "ip": "203.0.113.8", "NOTE": "cafe\u0301" },
                { "IP": "203.0.113.9", "expiresat": "2000-01-01T00:00:00Z" },
                { "Ip": "203.0.113.10" }
            ]
            """);

        key.Key.AllowedIps.Entries.Should().Equal(
            new IpAllowlistEntry { Text = "203.0.113.7" },
            new IpAllowlistEntry { Text = "203.0.113.8" },
            new IpAllowlistEntry { Text = "203.0.113.9", ExpiresAt = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero) },
            new IpAllowlistEntry { Text = "203.0.113.10" },
            new IpAllowlistEntry { Text = "2001:db8::7", ExpiresAt = new DateTimeOffset(2027, 1, 31, 0, 0, 0, TimeSpan.Zero) });
        key.Notes.Should().Equal(new Dictionary<string, string>
        {
            ["2001:db8::7"] = "NAT gateway Frankfurt, zone b",
            ["203.0.113.8"] = "caf\u00E9",
        });
    }

    [Fact]
    public void A_note_has_up_to_200_characters() =>
        ReadConfigured($$"""[{ "Ip": "203.0.113.7", "Note": "{{new string('n', 200)}}" }]""").Notes["203.0.113.7"].Should().HaveLength(200);

    [Fact]
    public void A_list_whose_entries_have_expired_is_still_a_list()
    {
        IpAddressSet list = ReadConfigured("""[{ "Ip": "203.0.113.7", "ExpiresAt": "2000-01-01T00:00:00Z" }]""", KeyJson.Rules with
        {
            RequireAllowlist = true,
        }).Key.AllowedIps;

        list.Count.Should().Be(1);
        list.Contains(System.Net.IPAddress.Parse("203.0.113.7"), ObservedTraffic.Start).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(FaultyItems))]
    public void An_item_that_is_an_object_is_read_strictly(string item, string[] faults) =>
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, $"[\"203.0.113.1\", {item}]")))
            .Should().Equal(faults.Select(fault => $"{PathOfGrid}:AllowedIps:1{fault}"));

    [Theory]
    [MemberData(nameof(RepeatedItems))]
    public void One_address_twice_must_say_the_same(string first, string second, string? fault) =>
        ReadFaults(KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, $"[{first}, {second}]")))
            .Should().Equal(fault is null ? [] : [$"{PathOfGrid}:AllowedIps:{fault}"]);

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Ranges_are_read_within_the_bounds_of_the_host(string item, string? expected, string? fault)
    {
        ConfigurationKeyRules rules = KeyJson.Rules with
        {
            Ranges = new CidrRangeBounds { MinIPv4PrefixLength = 16, MinIPv6PrefixLength = 48 },
        };

        IReadOnlyList<ApiKey> keys = Read(
            KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, $"[{item}]")), isDevelopment: false, out IReadOnlyList<string> faults,
            rules);

        faults.Should().Equal(fault is null ? [] : [$"{PathOfGrid}:AllowedIps:{fault}"]);
        keys.SelectMany(key => key.AllowedIps.ToCanonicalStrings()).Should().Equal(expected is null ? [] : [expected]);
    }

    [Fact]
    public void A_note_of_a_range_is_kept_by_its_canonical_text() =>
        ReadConfigured(
            """[{ "Ip": "::ffff:198.51.100.0/124", "Note": "office" }]""", KeyJson.Rules with { Ranges = CidrRangeBounds.Default })
            .Notes.Should().Equal(new Dictionary<string, string> { ["198.51.100.0/28"] = "office" });

    private ConfiguredKey ReadConfigured(string list, ConfigurationKeyRules? rules = null)
    {
        IReadOnlyList<ConfiguredKey> keys = ReadConfigured(
            KeyJson.File(KeyJson.Key(Grid, TestKeys.Restricted, list)), isDevelopment: false, out IReadOnlyList<string> faults, rules);
        faults.Should().BeEmpty();
        return keys.Should().ContainSingle().Subject;
    }

    private IReadOnlyList<ApiKey> ReadGood(string json)
    {
        IReadOnlyList<ApiKey> keys = Read(json, isDevelopment: false, out IReadOnlyList<string> faults);
        faults.Should().BeEmpty();
        return keys;
    }

    private IReadOnlyList<string> ReadFaults(string json)
    {
        Read(json, isDevelopment: false, out IReadOnlyList<string> faults);
        return faults;
    }

    private IReadOnlyList<ApiKey> Read(
        string json, bool isDevelopment, out IReadOnlyList<string> faults, ConfigurationKeyRules? rules = null) =>
        [.. ReadConfigured(json, isDevelopment, out faults, rules).Select(key => key.Key)];

    private IReadOnlyList<ConfiguredKey> ReadConfigured(
        string json, bool isDevelopment, out IReadOnlyList<string> faults, ConfigurationKeyRules? rules)
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddJsonFile(_folder.Write("keys.json", json)).Build();
        using var disposing = root as IDisposable;
        return ConfigurationKeyReader.Read(root, KeyJson.Section, isDevelopment, rules ?? KeyJson.Rules, out faults);
    }
}
