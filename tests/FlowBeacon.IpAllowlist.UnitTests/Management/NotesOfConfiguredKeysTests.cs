using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The notes of entries of keys from configuration, as key administration shows them.</summary>
public sealed class NotesOfConfiguredKeysTests
{
    private readonly ManagedKeys _keys = new();

    [Fact]
    public async Task A_key_shows_the_notes_of_its_entries_in_the_order_of_the_list()
    {
        _keys.Configure(
            new ApiKey
            {
                Id = "configured",
                Name = "configured",
                Hash = ApiKeyHash.Compute(TestKeys.Restricted),
                AllowedIps = IpAddressSet.Parse(["203.0.113.7", "203.0.113.8", "203.0.113.10"]),
            },
            ("203.0.113.10", "VPN"), ("203.0.113.7", "office"));

        (await _keys.GetAsync("configured")).Entries.Should().Equal(
            new AllowlistEntryDetails { Ip = "203.0.113.7", Note = "office" },
            new AllowlistEntryDetails { Ip = "203.0.113.10", Note = "VPN" });
    }

    [Fact]
    public async Task A_key_without_notes_shows_none()
    {
        _keys.Configure(new ApiKey
        {
            Id = "configured",
            Name = "configured",
            Hash = ApiKeyHash.Compute(TestKeys.Restricted),
            AllowedIps = IpAddressSet.Parse(["203.0.113.7"]),
        });

        (await _keys.GetAsync("configured")).Entries.Should().BeEmpty();
    }
}
