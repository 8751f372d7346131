using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>
/// Edits of configuration files under a running host: valid ones come into force, faulty ones change nothing and are logged.
/// </summary>
public sealed class ConfigurationReloadTests : IDisposable
{
    private const int KeysLoaded = 8;
    private const int KeysRejected = 9;
    private const string Allowed = "X-Forwarded-For: 203.0.113.7";
    private const string Foreign = "X-Forwarded-For: 198.51.100.9";

    private static readonly string Good = KeyJson.File(
        KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]"""), KeyJson.Key("unrestricted", TestKeys.Unrestricted));

    private readonly KeyFolder _folder = new();

    /// <summary>The content of the file after the edit, null if it is deleted; then the log message.</summary>
    public static TheoryData<string?, string> FaultyEdits => new()
    {
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7", "10.0.0.0/8"]""")),
            "FlowBeacon:Keys:restricted:AllowedIps:1: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]""", """, "AllowedIp": []""")),
            "FlowBeacon:Keys:restricted:AllowedIp: unknown member; the members of a key are Hash, AllowedIps, Prefix, Scopes, "
                + "ExpiresAt, AllowlistMode, Demo"
        },
        {
            KeyJson.WithSection($$"""{ "restricted": { "Hash": "{{KeyJson.Hash(TestKeys.Restricted)}}" } }"""),
            "FlowBeacon:Keys:restricted:AllowedIps: the list is missing; write the allowed addresses, or [] to turn the check "
                + "off for this key"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, "null")),
            "FlowBeacon:Keys:restricted:AllowedIps: null is no list; write the list, [] for an empty one"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, "\"\"")),
            "FlowBeacon:Keys:restricted:AllowedIps: an empty text is no list; write [] in a JSON file"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, "\"203.0.113.7\"")),
            "FlowBeacon:Keys:restricted:AllowedIps: '203.0.113.7' is a single value where a list belongs; write [\"…\"]"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted), KeyJson.Key("other", TestKeys.Restricted)),
            // The keys come in the order of their names.
            "FlowBeacon:Keys:restricted:Hash: the key 'other' has the same hash; give each key a raw key of its own"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, "[]", """, "Demo": true""")),
            "FlowBeacon:Keys:restricted:Demo: this is a demo key, whose raw key is public; outside Development remove it "
                + "and create your own keys"
        },
        {
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]""", """, "AllowlistMode": "report_only" """)),
            "FlowBeacon:Keys:restricted:AllowlistMode: 'report_only' is not a mode; write Enforce or ReportOnly"
        },
        { KeyJson.WithSection("[]"), "FlowBeacon:Keys: keys are an object keyed by key name, neither a list nor a single value" },
        { KeyJson.WithSection("null"), "FlowBeacon:Keys: " },
        {
            """{ "FlowBeacon": { "IpAllowlist": {} } }""",
            "FlowBeacon:Keys: the section is missing; write an object keyed by key name, {} for no keys"
        },
        {
            """{ "FlowBeacon": { "keys.old": {} } }""",
            "FlowBeacon:Keys: the section is missing; write an object keyed by key name, {} for no keys"
        },
        { "{}", "keys.json: the file is missing, empty or unreadable, or has lost the section FlowBeacon:Keys; restore it" },
        { null, "keys.json: the file is missing, empty or unreadable, or has lost the section FlowBeacon:Keys; restore it" },
        { "", "keys.json: Failed to load configuration from file" },
        { """{ "FlowBeacon": { "Keys": { """, "keys.json: Failed to load configuration from file" },
        { "[]", "keys.json: Failed to load configuration from file" },
        {
            KeyJson.WithSection($$"""{ {{KeyJson.Key("a", TestKeys.Unknown)}}, {{KeyJson.Key("a", TestKeys.Unknown)}} }"""),
            "keys.json: Failed to load configuration from file"
        },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_added_key_comes_into_force()
    {
        await using KestrelApp app = await StartAsync(Good);
        (await StatusAsync(app, TestKeys.Unknown, Allowed)).Should().Be(401);

        _folder.Write("keys.json", KeyJson.File(
            KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]"""),
            KeyJson.Key("added", TestKeys.Unknown, """["203.0.113.7"]""")));

        await StatusBecomesAsync(app, TestKeys.Unknown, Allowed, 200);
        (await StatusAsync(app, TestKeys.Unknown, Foreign)).Should().Be(403);
    }

    [Fact]
    public async Task A_removed_key_stops_working()
    {
        await using KestrelApp app = await StartAsync(Good);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(200);

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]""")));

        await StatusBecomesAsync(app, TestKeys.Unrestricted, Foreign, 401);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(200);
    }

    [Fact]
    public async Task The_last_key_may_be_removed()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", KeyJson.WithSection("{}"));

        await StatusBecomesAsync(app, TestKeys.Unrestricted, Foreign, 401);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(401);
    }

    [Fact]
    public async Task A_changed_list_comes_into_force()
    {
        await using KestrelApp app = await StartAsync(Good);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(403);

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["198.51.100.9"]""")));

        await StatusBecomesAsync(app, TestKeys.Restricted, Foreign, 200);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(403);
    }

    [Fact]
    public async Task A_list_that_is_emptied_turns_the_check_off_and_one_that_is_filled_turns_it_on()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", KeyJson.File(
            KeyJson.Key("restricted", TestKeys.Restricted), KeyJson.Key("unrestricted", TestKeys.Unrestricted, """["203.0.113.7"]""")));

        await StatusBecomesAsync(app, TestKeys.Restricted, Foreign, 200);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(403);
    }

    [Fact]
    public async Task A_changed_mode_alone_comes_into_force_in_both_directions()
    {
        await using KestrelApp app = await StartAsync(Good);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(403);

        _folder.Write(
            "keys.json",
            Good.Replace("""["203.0.113.7"]""", """["203.0.113.7"], "AllowlistMode": "ReportOnly" """, StringComparison.Ordinal));
        await StatusBecomesAsync(app, TestKeys.Restricted, Foreign, 200);

        _folder.Write("keys.json", Good);
        await StatusBecomesAsync(app, TestKeys.Restricted, Foreign, 403);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(200);
    }

    [Fact]
    public async Task Keys_that_exchange_their_names_keep_their_own_lists()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", KeyJson.File(
            KeyJson.Key("unrestricted", TestKeys.Restricted, """["198.51.100.9"]"""),
            KeyJson.Key("Restricted", TestKeys.Unrestricted, """["203.0.113.7"]""")));

        await StatusBecomesAsync(app, TestKeys.Restricted, Foreign, 200);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(403);
        (await StatusAsync(app, TestKeys.Unrestricted, Allowed)).Should().Be(200);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(403);
    }

    [Fact]
    public async Task A_key_whose_hash_changes_stops_working_under_the_old_raw_key()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Unknown, """["203.0.113.7"]""")));

        await StatusBecomesAsync(app, TestKeys.Unknown, Allowed, 200);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(401);
    }

    [Fact]
    public async Task A_key_that_gets_an_end_in_the_past_stops_working()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write(
            "keys.json",
            KeyJson.File(
                KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]""", """, "ExpiresAt": "2001-01-01T00:00:00Z" """)));

        await StatusBecomesAsync(app, TestKeys.Restricted, Allowed, 401);
    }

    [Fact]
    public async Task A_good_edit_is_told_with_the_number_of_keys_and_no_secret()
    {
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted)));

        await LogSaysAsync(app, KeysLoaded, "FlowBeacon:Keys are in force: 1 keys");
        app.Logs.Entries.Should().AllSatisfy(entry => entry.Message.Should().NotContain(KeyJson.Hash(TestKeys.Restricted)));
    }

    [Theory]
    [MemberData(nameof(FaultyEdits))]
    public async Task A_faulty_edit_leaves_the_last_good_keys_in_force_and_is_told_until_a_good_edit_follows(string? text, string fault)
    {
        await using KestrelApp app = await StartAsync(Good);

        if (text is null)
        {
            _folder.Delete("keys.json");
        }
        else
        {
            _folder.Write("keys.json", text);
        }

        await LogSaysAsync(app, KeysRejected, fault);
        await ShouldBeInForceAsync(app);
        app.Logs.OfLibrary.Where(entry => entry.Id.Id == KeysRejected).Should().AllSatisfy(entry =>
        {
            entry.Level.Should().Be(LogLevel.Error);
            entry.Message.Should().Contain("FlowBeacon:Keys").And.Contain("the last good keys stay in force");
        });

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("recovered", TestKeys.Unknown)));
        await StatusBecomesAsync(app, TestKeys.Unknown, Foreign, 200);
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(401);
    }

    [Fact]
    public async Task A_fault_that_comes_back_after_a_good_edit_is_told_again()
    {
        string faulty = KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["10.0.0.0/8"]"""));
        await using KestrelApp app = await StartAsync(Good);

        _folder.Write("keys.json", faulty);
        await LogSaysAsync(app, KeysRejected, "10.0.0.0/8");
        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("recovered", TestKeys.Unknown)));
        await StatusBecomesAsync(app, TestKeys.Unknown, Foreign, 200);
        _folder.Write("keys.json", faulty);

        await LogSaysAsync(app, KeysRejected, "10.0.0.0/8", times: 2);
        (await StatusAsync(app, TestKeys.Unknown, Foreign)).Should().Be(200);
    }

    [Theory]
    [InlineData("{ broken")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_lost_file_stays_lost_for_the_keys_when_another_source_reloads(string? text)
    {
        _folder.Write("other.json", """{ "Other": "before" }""");
        await using KestrelApp app = await StartAsync(Good, "other.json");
        if (text is null)
        {
            _folder.Delete("keys.json");
        }
        else
        {
            _folder.Write("keys.json", text);
        }

        await LogSaysAsync(app, KeysRejected, "keys.json: ");
        _folder.Write("other.json", """{ "Other": "after" }""");

        await LogSaysAsync(
            app, KeysRejected, "keys.json: the file is missing, empty or unreadable, or has lost the section FlowBeacon:Keys; restore it");
        await Eventually.IsTrueAsync(() => Configuration(app)["Other"] == "after", () => "the other file is not reloaded");
        await ShouldBeInForceAsync(app);
    }

    [Fact]
    public async Task Another_broken_file_is_reported_and_changes_no_key()
    {
        _folder.Write("other.json", """{ "Other": "before" }""");
        await using KestrelApp app = await StartAsync(Good, "other.json");

        _folder.Write("other.json", "{ broken");

        await LogSaysAsync(app, KeysRejected, "other.json: Failed to load configuration from file");
        await ShouldBeInForceAsync(app);
    }

    [Theory]
    [InlineData("{ broken")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{ \"Other\": 1 }")]
    [InlineData(null)]
    public async Task When_one_of_two_files_in_use_breaks_the_keys_of_both_stay_until_it_is_mended(string? text)
    {
        _folder.Write("more.json", KeyJson.File(KeyJson.Key("unrestricted", TestKeys.Unrestricted)));
        await using KestrelApp app = await StartAsync(
            KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["203.0.113.7"]""")), "more.json");
        if (text is null)
        {
            _folder.Delete("more.json");
        }
        else
        {
            _folder.Write("more.json", text);
        }

        await LogSaysAsync(app, KeysRejected, "more.json: ");
        await ShouldBeInForceAsync(app);

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("restricted", TestKeys.Restricted, """["198.51.100.9"]""")));
        await Eventually.IsTrueAsync(
            () => Configuration(app)["FlowBeacon:Keys:restricted:AllowedIps:0"] == "198.51.100.9", () => "the good file is not reloaded");
        await LogSaysAsync(app, KeysRejected, "more.json: the file is missing, empty or unreadable");
        await ShouldBeInForceAsync(app);

        _folder.Write("more.json", KeyJson.File(KeyJson.Key("mended", TestKeys.Unknown)));
        await StatusBecomesAsync(app, TestKeys.Unknown, Foreign, 200);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(200);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(401);
    }

    /// <summary>An editor may lock the file for longer than the reload waits.</summary>
    [Fact]
    public async Task A_second_file_that_begins_to_feed_the_same_list_is_told_and_changes_nothing()
    {
        _folder.Write("more.json", """{ "Other": 1 }""");
        await using KestrelApp app = await StartAsync(Good, "more.json");

        _folder.Write("more.json", KeyJson.WithSection("""{ "restricted": { "AllowedIps": [ "198.51.100.9" ] } }"""));

        await LogSaysAsync(app, KeysRejected, "FlowBeacon:Keys:restricted:AllowedIps: the list comes from ");
        await ShouldBeInForceAsync(app);
    }

    [Fact]
    public async Task A_key_whose_hash_the_application_gave_to_another_is_told_and_changes_nothing()
    {
        await using KestrelApp app = await StartAsync(Good);
        app.Services.GetRequiredService<InMemoryApiKeyStore>().Set(TestKeys.Create(TestKeys.Unknown, "by-hand"));

        _folder.Write("keys.json", KeyJson.File(KeyJson.Key("clash", TestKeys.Unknown, """["203.0.113.7"]""")));

        await Eventually.IsTrueAsync(
            () => app.Logs.OfLibrary.Any(entry => entry.Id.Id == 10 && entry.Level == LogLevel.Error), () => "the clash is not told");
        await ShouldBeInForceAsync(app);
        (await StatusAsync(app, TestKeys.Unknown, Foreign)).Should().Be(200);
    }

    private static IConfiguration Configuration(KestrelApp app) => app.Services.GetRequiredService<IConfiguration>();

    private static async Task<int> StatusAsync(KestrelApp app, string rawKey, string forwardedFor) =>
        (await app.GetAsync($"Authorization: Bearer {rawKey}", forwardedFor)).Status;

    private static Task StatusBecomesAsync(KestrelApp app, string rawKey, string forwardedFor, int status) => Eventually.IsTrueAsync(
        async () => await StatusAsync(app, rawKey, forwardedFor) == status, () => $"{rawKey} is not answered {status}; {Messages(app)}");

    private static Task LogSaysAsync(KestrelApp app, int eventId, string text, int times = 1) => Eventually.IsTrueAsync(
        () => app.Logs.OfLibrary.Count(entry => entry.Id.Id == eventId && entry.Message.Contains(text, StringComparison.Ordinal)) >= times,
        () => $"the log does not say '{text}'; {Messages(app)}");

    private static string Messages(KestrelApp app) =>
        string.Join('\n', app.Logs.OfLibrary.Select(entry => $"{entry.Id.Id}: {entry.Message}"));

    private static async Task ShouldBeInForceAsync(KestrelApp app)
    {
        (await StatusAsync(app, TestKeys.Restricted, Allowed)).Should().Be(200);
        (await StatusAsync(app, TestKeys.Restricted, Foreign)).Should().Be(403);
        (await StatusAsync(app, TestKeys.Unrestricted, Foreign)).Should().Be(200);
    }

    private Task<KestrelApp> StartAsync(string keys, string? secondFile = null)
    {
        _folder.Write("keys.json", keys);
        return KestrelApp.StartAsync(configure: builder =>
        {
            AddWatched(builder.Configuration, "keys.json");
            if (secondFile is not null)
            {
                AddWatched(builder.Configuration, secondFile);
            }

            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
    }

    private void AddWatched(ConfigurationManager configuration, string file) =>
        configuration.AddJsonFile((JsonConfigurationSource source) =>
        {
            source.Path = _folder[file];
            source.ReloadOnChange = true;
            source.ReloadDelay = 20;
            source.ResolveFileProvider();
        });
}
