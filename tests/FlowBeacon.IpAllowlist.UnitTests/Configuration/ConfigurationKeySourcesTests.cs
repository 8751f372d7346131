using FlowBeacon.IpAllowlist.Configuration;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.UnitTests.Configuration;

/// <summary>Keys that several configuration sources have a say in.</summary>
public sealed class ConfigurationKeySourcesTests : IDisposable
{
    private const string ListOfA = "FlowBeacon:Keys:a:AllowedIps";

    private readonly KeyFolder _folder = new();

    /// <summary>Values of a second source for a list of two entries.</summary>
    public static TheoryData<string, string?> SecondSayings => new()
    {
        { ListOfA, "" },
        { ListOfA, null },
        { ListOfA, "203.0.113.9" },
        { $"{ListOfA}:0", "203.0.113.9" },
        { $"{ListOfA}:1", null },
        { $"{ListOfA}:2", "203.0.113.9" },
        { "FLOWBEACON:KEYS:A:ALLOWEDIPS:2", "203.0.113.9" },
        { $"{ListOfA}:0:Ip", "203.0.113.9" },
        { $"{ListOfA}:1:Note", "203.0.113.9" },
        { $"{ListOfA}:1:Other", "" },
    };

    /// <summary>Values of an item that a second source changes or adds.</summary>
    public static TheoryData<string, string> OtherItems => new()
    {
        { $"{ListOfA}:0:Ip", "203.0.113.9" },
        { $"{ListOfA}:0:Note", "another" },
        { $"{ListOfA}:0:ExpiresAt", "2027-01-31T00:00:00Z" },
        { $"{ListOfA}:1:Ip", "203.0.113.9" },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Keys_of_different_files_are_all_there()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]"""))))
            .AddJsonFile(_folder.Write("two.json", KeyJson.File(KeyJson.Key("b", TestKeys.Unrestricted))));

        Read(builder, out IReadOnlyList<string> faults).Select(key => key.Id).Should().Equal("a", "b");
        faults.Should().BeEmpty();
    }

    [Fact]
    public void One_key_may_have_its_list_in_one_file_and_its_hash_in_another()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("one.json", KeyJson.WithSection("""{ "a": { "AllowedIps": [] } }""")))
            .AddJsonFile(
                _folder.Write("two.json", KeyJson.WithSection($$"""{ "a": { "Hash": "{{KeyJson.Hash(TestKeys.Restricted)}}" } }""")));

        ApiKey key = Read(builder, out IReadOnlyList<string> faults).Should().ContainSingle().Subject;

        faults.Should().BeEmpty();
        key.Hash.Should().Be(ApiKeyHash.Compute(TestKeys.Restricted));
        key.AllowedIps.Count.Should().Be(0);
    }

    [Theory]
    [InlineData("""["203.0.113.7", "203.0.113.8"]""", """["203.0.113.9"]""")]
    [InlineData("""["203.0.113.7"]""", """["203.0.113.7"]""")]
    [InlineData("[]", """["203.0.113.9"]""")]
    [InlineData("""["203.0.113.7"]""", "[]")]
    [InlineData("""["203.0.113.7"]""", "null")]
    [InlineData("[]", "[]")]
    public void A_list_in_two_files_is_a_fault_that_names_both(string first, string second)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, first))))
            .AddJsonFile(_folder.Write("two.json", KeyJson.WithSection($$"""{ "a": { "AllowedIps": {{second}} } }""")));

        ReadFaults(builder).Should().ContainSingle()
            .Which.Should().Match(
                $"{ListOfA}: the list comes from *one.json* and from *two.json*which would merge by index; keep it in one of them");
    }

    [Theory]
    [MemberData(nameof(SecondSayings))]
    public void A_list_that_another_source_changes_is_a_fault_that_names_both(string path, string? value)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddJsonFile(
                _folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7", "203.0.113.8"]"""))))
            .AddInMemoryCollection([new(path, value)]);

        ReadFaults(builder).Should().ContainSingle()
            .Which.Should().MatchEquivalentOf(
                $"{ListOfA}: the list comes from *one.json* and from *Memory*which would merge by index; keep it in one of them");
    }

    [Fact]
    public void A_list_of_objects_in_two_files_is_a_fault()
    {
        const string List = """[{ "Ip": "203.0.113.7", "Note": "office" }]""";
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddJsonFile(_folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, List))))
            .AddJsonFile(_folder.Write("two.json", KeyJson.WithSection($$"""{ "a": { "AllowedIps": {{List}} } }""")));

        ReadFaults(builder).Should().ContainSingle()
            .Which.Should().Match(
                $"{ListOfA}: the list comes from *one.json* and from *two.json*which would merge by index; keep it in one of them");
    }

    [Fact]
    public void A_list_of_objects_that_two_sources_have_alike_is_one_list()
    {
        Dictionary<string, string?> values = ListOfOneObject();
        IConfigurationBuilder builder = new ConfigurationBuilder().AddInMemoryCollection(values).AddInMemoryCollection(values);

        Read(builder, out IReadOnlyList<string> faults).Should().ContainSingle()
            .Which.AllowedIps.ToCanonicalStrings().Should().Equal("203.0.113.7");
        faults.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(OtherItems))]
    public void Lists_of_objects_that_differ_below_their_items_are_not_one_list(string path, string value)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddInMemoryCollection(ListOfOneObject())
            .AddInMemoryCollection(new Dictionary<string, string?>(ListOfOneObject()) { [path] = value });

        ReadFaults(builder).Should().ContainSingle().Which.Should().StartWith($"{ListOfA}: the list comes from ");
    }

    /// <summary>WebApplicationFactory.UseSetting() puts empty texts beside values below them.</summary>
    [Fact]
    public void An_empty_text_beside_the_members_of_an_object_is_no_value()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>(ListOfOneObject()) { [ListOfA] = "", [$"{ListOfA}:0"] = "" });

        Read(builder, out IReadOnlyList<string> faults).Should().ContainSingle()
            .Which.AllowedIps.ToCanonicalStrings().Should().Equal("203.0.113.7");
        faults.Should().BeEmpty();
    }

    [Fact]
    public void An_item_that_is_a_text_and_an_object_is_a_fault()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>(ListOfOneObject()) { [$"{ListOfA}:0"] = "203.0.113.9" });

        ReadFaults(builder).Should().ContainSingle()
            .Which.Should().StartWith($"{ListOfA}:0: an entry of a list is an address, or an object");
    }

    [Fact]
    public void A_list_that_an_environment_variable_changes_is_a_fault_that_names_both()
    {
        string variable = $"KeySources{Guid.NewGuid():N}_FlowBeacon__Keys__a__AllowedIps__0";
        Environment.SetEnvironmentVariable(variable, "203.0.113.9");
        try
        {
            IConfigurationBuilder builder = new ConfigurationBuilder()
                .AddJsonFile(_folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]"""))))
                .AddEnvironmentVariables(variable[..(variable.IndexOf('_', StringComparison.Ordinal) + 1)]);

            ReadFaults(builder).Should().ContainSingle()
                .Which.Should().Match($"{ListOfA}: the list comes from *one.json* and from *Environment*");
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public void A_list_in_a_chained_configuration_and_in_a_file_is_a_fault()
    {
        IConfigurationRoot chained = new ConfigurationBuilder().AddInMemoryCollection([new($"{ListOfA}:0", "203.0.113.9")]).Build();
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddConfiguration(chained)
            .AddJsonFile(_folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]"""))));

        ReadFaults(builder).Should().ContainSingle().Which.Should().StartWith($"{ListOfA}: the list comes from ");
    }

    [Fact]
    public void A_list_from_a_chained_configuration_alone_is_read()
    {
        IConfigurationRoot chained = new ConfigurationBuilder()
            .AddJsonFile(
                _folder.Write(
                    "one.json",
                    KeyJson.File(KeyJson.Key("a", TestKeys.Restricted), KeyJson.Key("b", TestKeys.Unrestricted, """["203.0.113.7"]"""))))
            .Build();

        IReadOnlyList<ApiKey> keys = Read(new ConfigurationBuilder().AddConfiguration(chained), out IReadOnlyList<string> faults);

        faults.Should().BeEmpty();
        keys.Select(key => key.AllowedIps.Count).Should().Equal(0, 1);
    }

    /// <summary>The framework's own providers list a name once for each value below it; a chained section lists each name once.</summary>
    [Theory]
    [InlineData("Typo")]
    [InlineData("AllowedIps:2")]
    [InlineData("Hash:Deeper")]
    public void What_a_key_must_not_have_is_found_in_a_source_that_lists_each_name_once(string path)
    {
        IConfigurationRoot elsewhere = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new($"Production:FlowBeacon:Keys:a:{path}", "value"),
            new($"Production:FlowBeacon:Keys:b:Hash", KeyJson.Hash(TestKeys.Unrestricted)),
            new($"Production:FlowBeacon:Keys:b:AllowedIps:0", "203.0.113.7"),
        ]).Build();
        IConfigurationBuilder builder = new ConfigurationBuilder()
            .AddInMemoryCollection([new("FlowBeacon:Keys:a:Hash", KeyJson.Hash(TestKeys.Restricted))])
            .AddConfiguration(elsewhere.GetSection("Production"));

        Read(builder, out IReadOnlyList<string> faults).Should().ContainSingle().Which.Id.Should().Be("b");
        faults.Should().Contain(fault => fault.StartsWith($"FlowBeacon:Keys:a:{path.Split(':')[0]}: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_numbered_list_without_a_file_is_read()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("FlowBeacon:Keys:a:Hash", KeyJson.Hash(TestKeys.Restricted)),
            new($"{ListOfA}:0", "203.0.113.7"),
            new($"{ListOfA}:1", "2001:db8::7"),
        ]);

        Read(builder, out IReadOnlyList<string> faults).Should().ContainSingle().Which.AllowedIps.Count.Should().Be(2);
        faults.Should().BeEmpty();
    }

    [Fact]
    public void A_numbered_list_with_a_gap_is_a_fault()
    {
        IConfigurationBuilder builder = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("FlowBeacon:Keys:a:Hash", KeyJson.Hash(TestKeys.Restricted)),
            new($"{ListOfA}:0", "203.0.113.7"),
            new($"{ListOfA}:2", "2001:db8::7"),
        ]);

        ReadFaults(builder).Should().Equal($"{ListOfA}: a list belongs here, numbered from 0 without gaps, not an object");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData(null)]
    public void A_source_that_cannot_tell_an_empty_list_never_turns_the_check_off(string? value)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("FlowBeacon:Keys:a:Hash", KeyJson.Hash(TestKeys.Restricted)),
            new(ListOfA, value),
        ]);

        ReadFaults(builder).Should().ContainSingle().Which.Should().StartWith($"{ListOfA}: ");
    }

    /// <summary>The file is read again to find <c>[]</c>; it may have changed since it was loaded.</summary>
    [Fact]
    public void An_empty_text_is_no_empty_list_even_if_the_file_has_a_list_of_addresses_by_now()
    {
        string file = _folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, "\"\"")));
        IConfigurationRoot root = new ConfigurationBuilder().AddJsonFile(file).Build();
        _folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]""")));

        ConfigurationKeyReader.Read(root, KeyJson.Section, isDevelopment: false, KeyJson.Rules, out IReadOnlyList<string> faults);

        faults.Should().ContainSingle().Which.Should().StartWith($"{ListOfA}: an empty text is no list");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{ \"FlowBeacon\": ")]
    [InlineData(null)]
    public void An_empty_list_that_can_no_longer_be_confirmed_is_a_fault(string? textByNow)
    {
        string file = _folder.Write("one.json", KeyJson.File(KeyJson.Key("a", TestKeys.Restricted)));
        IConfigurationRoot root = new ConfigurationBuilder().AddJsonFile(file).Build();
        if (textByNow is null)
        {
            _folder.Delete("one.json");
        }
        else
        {
            _folder.Write("one.json", textByNow);
        }

        ConfigurationKeyReader.Read(root, KeyJson.Section, isDevelopment: false, KeyJson.Rules, out IReadOnlyList<string> faults);

        faults.Should().ContainSingle().Which.Should().StartWith($"{ListOfA}: ");
    }

    /// <summary>A provider may finish its reload between two questions of the reader.</summary>
    [Fact]
    public void A_list_that_appears_while_it_is_being_read_is_never_taken_for_an_empty_one()
    {
        var root = new ConfigurationRoot([new LateListProvider(ListOfA)]);

        IReadOnlyList<ConfiguredKey> keys = ConfigurationKeyReader.Read(
            root, KeyJson.Section, isDevelopment: false, KeyJson.Rules, out IReadOnlyList<string> faults);

        (faults.Count > 0 || keys.All(key => key.Key.AllowedIps.Count == 1))
            .Should().BeTrue("a key with a list must not become a key without one");
    }

    private static Dictionary<string, string?> ListOfOneObject() => new()
    {
        ["FlowBeacon:Keys:a:Hash"] = KeyJson.Hash(TestKeys.Restricted),
        [$"{ListOfA}:0:Ip"] = "203.0.113.7",
        [$"{ListOfA}:0:Note"] = "office",
    };

    private static IReadOnlyList<ApiKey> Read(IConfigurationBuilder builder, out IReadOnlyList<string> faults) =>
        [
            .. ConfigurationKeyReader.Read(builder.Build(), KeyJson.Section, isDevelopment: false, KeyJson.Rules, out faults)
                .Select(key => key.Key),
        ];

    private static IReadOnlyList<string> ReadFaults(IConfigurationBuilder builder)
    {
        Read(builder, out IReadOnlyList<string> faults);
        return faults;
    }

    /// <summary>Has one key, whose list exists only after the first read.</summary>
    private sealed class LateListProvider : ConfigurationProvider
    {
        private readonly string _list;

        public LateListProvider(string list)
        {
            _list = list;
            Set("FlowBeacon:Keys:a:Hash", KeyJson.Hash(TestKeys.Restricted));
        }

        public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath)
        {
            string[] children = [.. base.GetChildKeys(earlierKeys, parentPath)];
            if (parentPath == _list)
            {
                Set($"{_list}:0", "203.0.113.7");
            }

            return children;
        }
    }
}
