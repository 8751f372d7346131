using System.Globalization;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>
/// Many keys from configuration. A provider goes through all of its data each time it is asked for the names below a path, so a number
/// of such questions that grows with the number of keys takes quadratic time; so does opening the file again for each list.
/// </summary>
public sealed class ConfigurationSizeTests : IDisposable
{
    private const int Few = 50;
    private const int Many = 200;

    private const string ListWithNotes =
        """["203.0.113.7", { "Ip": "2001:db8::7", "Note": "office", "ExpiresAt": "2027-01-31T00:00:00Z" }, { "Ip": "203.0.113.8" }]""";

    private readonly KeyFolder _folder = new();

    /// <summary>How the members of a key are spread over two files.</summary>
    public static TheoryData<string> Layouts =>
        ["whole keys", "entries with notes", "hashes apart from lists", "every other key in the second file"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Start_up_and_reload_read_a_number_of_values_proportional_to_the_keys(string layout)
    {
        (Questions atStart, Questions atReload) few = await StartAndReloadAsync(layout, Few);
        (Questions atStart, Questions atReload) many = await StartAndReloadAsync(layout, Many);

        many.atStart.Listings.Should().Be(few.atStart.Listings);
        many.atStart.Openings.Should().Be(few.atStart.Openings);
        many.atReload.Listings.Should().Be(few.atReload.Listings);
        many.atReload.Openings.Should().Be(few.atReload.Openings);

        // What does not depend on the number of keys may only make the second figure smaller than four times the first.
        many.atStart.Values.Should().BeInRange(few.atStart.Values, few.atStart.Values * (Many / Few));
        many.atReload.Values.Should().BeInRange(few.atReload.Values, few.atReload.Values * (Many / Few));
    }

    private async Task<(Questions AtStart, Questions AtReload)> StartAndReloadAsync(string layout, int keys)
    {
        (string first, string second) = Write(layout, keys);
        CountingConfigurationSource[] sources =
        [
            new(_folder.FullName, _folder.Write("one.json", first)[(_folder.FullName.Length + 1)..]),
            new(_folder.FullName, _folder.Write("two.json", second)[(_folder.FullName.Length + 1)..]),
        ];
        await using KestrelApp app = await KestrelApp.StartAsync(configure: builder =>
        {
            Array.ForEach(sources, source => builder.Configuration.Sources.Add(source));
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
        app.Services.GetRequiredService<InMemoryApiKeyStore>().Count.Should().Be(keys);
        Questions atStart = Questions.Of(sources);

        ((IConfigurationRoot)app.Services.GetRequiredService<IConfiguration>()).Reload();

        return (atStart, Questions.Of(sources) - atStart);
    }

    private static (string First, string Second) Write(string layout, int keys)
    {
        string[] names = [.. Enumerable.Range(0, keys).Select(number => string.Create(CultureInfo.InvariantCulture, $"key-{number}"))];
        const string Scopes = """, "Scopes": ["governance:read"]""";
        string[] whole = [.. names.Select(name => KeyJson.Key(name, KeyJson.NewRawKey(), List(name), Scopes))];
        return layout switch
        {
            "whole keys" => (KeyJson.File(whole), "{}"),
            "entries with notes" => (KeyJson.File([.. names.Select(name => KeyJson.Key(name, KeyJson.NewRawKey(), ListWithNotes))]), "{}"),
            "hashes apart from lists" => (
                KeyJson.File([.. names.Select(name => $$""" "{{name}}": { "Hash": "{{KeyJson.Hash(KeyJson.NewRawKey())}}" } """)]),
                KeyJson.File([.. names.Select(name => $$""" "{{name}}": { "AllowedIps": [] } """)])),
            _ => (
                KeyJson.File([.. whole.Where((_, index) => index % 2 == 0)]),
                KeyJson.File([.. whole.Where((_, index) => index % 2 == 1)])),
        };
    }

    /// <summary>Every key whose name ends in an even digit has no list.</summary>
    private static string List(string name) => (name[^1] - '0') % 2 == 0 ? "[]" : """["203.0.113.7", "2001:db8::7"]""";

    private sealed record Questions(int Values, int Listings, int Openings)
    {
        public static Questions Of(CountingConfigurationSource[] sources) =>
            new(sources.Sum(source => source.Values), sources.Sum(source => source.Listings), sources.Sum(source => source.Openings));

        public static Questions operator -(Questions left, Questions right) =>
            new(left.Values - right.Values, left.Listings - right.Listings, left.Openings - right.Openings);
    }
}
