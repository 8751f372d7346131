using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Edits of the settings file of a running process, as an operator makes them, seen over a socket.</summary>
public sealed class SampleReloadTests(SampleReloadTests.RunningSample running) : IClassFixture<SampleReloadTests.RunningSample>
{
    private const string File = "appsettings.Development.json";
    private const string Allowed = "203.0.113.7";
    private const string Foreign = "198.51.100.9";

    private readonly string _restricted = KeyJson.NewRawKey();
    private readonly string _unrestricted = KeyJson.NewRawKey();
    private readonly string _other = KeyJson.NewRawKey();

    /// <summary>The kinds of faulty edit, each with the output of the process.</summary>
    public static TheoryData<string, string> FaultyEdits => new()
    {
        {
            "bad entry",
            "FlowBeacon:Keys:restricted:AllowedIps:1: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"
        },
        {
            "unknown member",
            "FlowBeacon:Keys:restricted:AllowedIp: unknown member; the members of a key are Hash, AllowedIps, Prefix, Scopes, "
                + "ExpiresAt, AllowlistMode, Demo"
        },
        {
            "missing list",
            "FlowBeacon:Keys:restricted:AllowedIps: the list is missing; write the allowed addresses, or [] to turn the check "
                + "off for this key"
        },
        { "empty text for a list", "FlowBeacon:Keys:restricted:AllowedIps: an empty text is no list; write [] in a JSON file" },
        { "null for a list", "FlowBeacon:Keys:restricted:AllowedIps: null is no list; write the list, [] for an empty one" },
        { "duplicate hash", "has the same hash; give each key a raw key of its own" },
        { "keys as a list", "FlowBeacon:Keys: keys are an object keyed by key name, neither a list nor a single value" },
        { "vanished section", "FlowBeacon:Keys: the section is missing; write an object keyed by key name, {} for no keys" },
        { "broken JSON", $"{File}: Failed to load configuration from file" },
        { "empty file", $"{File}: Failed to load configuration from file" },
        { "deleted file", $"{File}: the file is missing, empty or unreadable, or has lost the section FlowBeacon:Keys; restore it" },
    };

    [Fact]
    public async Task Every_kind_of_good_edit_comes_into_force_without_a_restart()
    {
        await BeginAsync();

        Edit(KeyJson.File(Restricted(), Unrestricted(), KeyJson.Key("added", _other, """["203.0.113.7"]""")));
        await StatusBecomesAsync(_other, Allowed, 200);
        (await StatusAsync(_other, Foreign)).Should().Be(403);

        Edit(KeyJson.File(Restricted(), Unrestricted(), KeyJson.Key("added", _other, """["198.51.100.9"]""")));
        await StatusBecomesAsync(_other, Foreign, 200);
        (await StatusAsync(_other, Allowed)).Should().Be(403);

        Edit(KeyJson.File(Restricted(), Unrestricted(), KeyJson.Key("added", _other)));
        await StatusBecomesAsync(_other, Allowed, 200);
        (await StatusAsync(_other, Foreign)).Should().Be(200);

        Edit(KeyJson.File(Restricted(), Unrestricted()));
        await StatusBecomesAsync(_other, Allowed, 401);

        Edit(KeyJson.File(KeyJson.Key("restricted", _other, """["203.0.113.7"]"""), Unrestricted()));
        await StatusBecomesAsync(_other, Allowed, 200);
        (await StatusAsync(_restricted, Allowed)).Should().Be(401);
        (await StatusAsync(_unrestricted, Foreign)).Should().Be(200);
    }

    [Theory]
    [MemberData(nameof(FaultyEdits))]
    public async Task A_faulty_edit_leaves_the_last_good_keys_in_force_and_is_told_until_a_good_edit_follows(string kind, string fault)
    {
        await BeginAsync();
        int told = running.Sample.Output.Count;

        if (kind == "deleted file")
        {
            System.IO.File.Delete(running.Folder[File]);
        }
        else
        {
            Edit(FaultyText(kind));
        }

        await Eventually.IsTrueAsync(
            () => running.Sample.Output.Skip(told).Any(line => line.Contains(fault, StringComparison.Ordinal)),
            () => $"'{fault}' is not told: {string.Join('\n', running.Sample.Output.Skip(told))}");
        running.Sample.Output.Skip(told)
            .Should().Contain(line => line.Contains("fail: FlowBeacon.IpAllowlist[9]", StringComparison.Ordinal));
        await ShouldBeInForceAsync();

        Edit(KeyJson.File(Restricted(), KeyJson.Key("recovered", _other)));
        await StatusBecomesAsync(_other, Foreign, 200);
        (await StatusAsync(_unrestricted, Foreign)).Should().Be(401);
        (await StatusAsync(_restricted, Foreign)).Should().Be(403);
    }

    private string FaultyText(string kind) => kind switch
    {
        "bad entry" => KeyJson.File(KeyJson.Key("restricted", _restricted, """["203.0.113.7", "10.0.0.0/8"]""")),
        "unknown member" => KeyJson.File(KeyJson.Key("restricted", _restricted, "[]", """, "AllowedIp": ["203.0.113.7"]""")),
        "missing list" => KeyJson.WithSection($$"""{ "restricted": { "Hash": "{{KeyJson.Hash(_restricted)}}" } }"""),
        "empty text for a list" => KeyJson.File(KeyJson.Key("restricted", _restricted, "\"\"")),
        "null for a list" => KeyJson.File(KeyJson.Key("restricted", _restricted, "null")),
        "duplicate hash" => KeyJson.File(Restricted(), KeyJson.Key("unrestricted", _restricted)),
        "keys as a list" => KeyJson.WithSection("[]"),
        "vanished section" => """{ "FlowBeacon": { "IpAllowlist": {} } }""",
        "broken JSON" => """{ "FlowBeacon": { "Keys": { """,
        "empty file" => "",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private string Restricted() => KeyJson.Key("restricted", _restricted, """["203.0.113.7"]""");

    private string Unrestricted() => KeyJson.Key("unrestricted", _unrestricted);

    /// <summary>Every test has raw keys of its own, so that it cannot mistake an earlier state for its own.</summary>
    private async Task BeginAsync()
    {
        Edit(KeyJson.File(Restricted(), Unrestricted()));
        await StatusBecomesAsync(_restricted, Allowed, 200);
        await ShouldBeInForceAsync();
    }

    /// <summary>Writes the file in place, as many editors do.</summary>
    private void Edit(string text) => System.IO.File.WriteAllText(running.Folder[File], text);

    private async Task ShouldBeInForceAsync()
    {
        (await StatusAsync(_restricted, Allowed)).Should().Be(200);
        (await StatusAsync(_restricted, Foreign)).Should().Be(403);
        (await StatusAsync(_unrestricted, Foreign)).Should().Be(200);
    }

    private async Task<int> StatusAsync(string rawKey, string client) =>
        (await running.Sample.GetAsync("/governance/report", $"Authorization: Bearer {rawKey}", $"X-Forwarded-For: {client}")).Status;

    private Task StatusBecomesAsync(string rawKey, string client, int status) => Eventually.IsTrueAsync(
        async () => await StatusAsync(rawKey, client) == status, () => $"no {status}: {string.Join('\n', running.Sample.Output)}");

    public sealed class RunningSample : IAsyncLifetime
    {
        internal KeyFolder Folder { get; } = new();

        internal SampleProcess Sample { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            SampleProcess.CopySettings(Folder.FullName);
            Sample = await SampleProcess.StartAsync(Folder.FullName, "Development");
        }

        public async ValueTask DisposeAsync()
        {
            if (Sample is not null)
            {
                await Sample.DisposeAsync();
            }

            Folder.Dispose();
        }
    }
}
