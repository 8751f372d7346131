using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The check's decision, tried with the manager. The HTTP tests compare it with real requests.</summary>
public sealed class TryTests
{
    private static readonly IPAddress Listed = IPAddress.Parse("203.0.113.7");
    private static readonly IPAddress NotListed = IPAddress.Parse("198.51.100.9");

    private readonly ManagedKeys _keys = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("::ffff:203.0.113.7")]
    public async Task An_address_on_the_list_is_allowed_however_it_is_written(string address)
    {
        string id = await CreateAsync();

        AddressTrial trial = await _keys.Manager.TryAsync(id, IPAddress.Parse(address), Cancellation);

        trial.Should().Be(new AddressTrial
        {
            Outcome = IpAllowlistOutcome.Allowed,
            ClientIp = Listed,
            ClientIpOrigin = ClientIpOrigin.None,
            Detail = "203.0.113.7 is on the key's list.",
        });
    }

    [Theory]
    [InlineData(AllowlistMode.Enforce, IpAllowlistOutcome.Denied, "")]
    [InlineData(AllowlistMode.ReportOnly, IpAllowlistOutcome.WouldDeny, "Passes, because the list is in report-only mode. ")]
    public async Task An_address_that_is_not_is_denied_where_the_list_is_enforced(
        AllowlistMode mode, IpAllowlistOutcome outcome, string beginning)
    {
        string id = await CreateAsync(mode);

        AddressTrial trial = await _keys.Manager.TryAsync(id, NotListed, Cancellation);

        trial.Should().Be(new AddressTrial
        {
            Outcome = outcome,
            ClientIp = NotListed,
            DenialReason = IpAllowlistDenialReason.NotListed,
            Detail = $"{beginning}198.51.100.9 matches none of the 1 entries of the key's list.",
        });
    }

    [Fact]
    public async Task A_request_is_judged_by_the_address_that_its_header_names()
    {
        string id = await CreateAsync();

        AddressTrial allowed = await _keys.Manager.TryRequestAsync(id, [" ", "203.0.113.7:4711, 10.0.0.1"], NotListed, Cancellation);
        AddressTrial unusable = await _keys.Manager.TryRequestAsync(id, ["unknown, 203.0.113.7"], Listed, Cancellation);
        AddressTrial fromPeer = await _keys.Manager.TryRequestAsync(id, [], Listed, Cancellation);
        AddressTrial withoutPeer = await _keys.Manager.TryRequestAsync(id, [], null, Cancellation);

        allowed.Should().BeEquivalentTo(
            new { Outcome = IpAllowlistOutcome.Allowed, ClientIp = Listed, ClientIpOrigin = ClientIpOrigin.ForwardedFor, Hop = 1 });
        unusable.Should().BeEquivalentTo(new
        {
            Outcome = IpAllowlistOutcome.Denied,
            ClientIp = (IPAddress?)null,
            ClientIpOrigin = ClientIpOrigin.None,
            Hop = 1,
            DenialReason = IpAllowlistDenialReason.UnusableForwardedFor,
        });
        fromPeer.Should().BeEquivalentTo(
            new { Outcome = IpAllowlistOutcome.Allowed, ClientIpOrigin = ClientIpOrigin.Peer, Hop = (int?)null });
        withoutPeer.DenialReason.Should().Be(IpAllowlistDenialReason.UnknownPeer);
    }

    [Fact]
    public async Task A_request_is_judged_by_the_configured_source()
    {
        var keys = new ManagedKeys(new IpAllowlistOptions { ClientIpSource = ClientIpSource.PeerAddress });
        string id = (await keys.CreateAsync("name", "203.0.113.7")).Details.Key.Id;

        (await keys.Manager.TryRequestAsync(id, ["203.0.113.7"], NotListed, Cancellation)).Outcome.Should().Be(IpAllowlistOutcome.Denied);
        (await keys.Manager.TryRequestAsync(id, ["198.51.100.9"], Listed, Cancellation)).Outcome.Should().Be(IpAllowlistOutcome.Allowed);
    }

    [Fact]
    public async Task A_key_that_does_not_work_is_invalid_from_everywhere()
    {
        string id = await CreateAsync();
        await _keys.RevokeAsync(id);

        AddressTrial trial = await _keys.Manager.TryAsync(id, Listed, Cancellation);

        trial.Outcome.Should().Be(IpAllowlistOutcome.InvalidKey);
        trial.DenialReason.Should().BeNull();
        trial.Detail.Should().Be("The key is revoked.");
    }

    [Fact]
    public async Task A_key_from_configuration_can_be_tried_and_an_unknown_one_cannot()
    {
        _keys.Configure(new ApiKey { Id = "configured", Hash = ApiKeyHash.Compute("raw"), AllowedIps = IpAddressSet.Empty });

        (await _keys.Manager.TryAsync("configured", NotListed, Cancellation)).Outcome.Should().Be(IpAllowlistOutcome.Unrestricted);
        (await ManagedKeys.RefusedAsync(() => _keys.Manager.TryAsync("key_unknown", NotListed, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.NotFound);
        (await ManagedKeys.RefusedAsync(() => _keys.Manager.TryRequestAsync("key_unknown", [], NotListed, Cancellation)))
            .Fault.Should().Be(ApiKeyManagementFault.NotFound);
    }

    [Fact]
    public async Task An_address_whose_entry_has_expired_is_denied_with_the_time_of_expiry()
    {
        _keys.Configure(new ApiKey
        {
            Id = "configured",
            Hash = ApiKeyHash.Compute("raw"),
            AllowedIps = IpAddressSet.ReadStored(
                [new IpAllowlistEntry { Text = "203.0.113.0/28", ExpiresAt = _keys.Now.AddHours(1) }], out _),
        });
        (await _keys.Manager.TryAsync("configured", Listed, Cancellation)).Outcome.Should().Be(IpAllowlistOutcome.Allowed);

        _keys.Time.Advance(TimeSpan.FromHours(1));

        (await _keys.Manager.TryAsync("configured", Listed, Cancellation)).Should().BeEquivalentTo(new
        {
            Outcome = IpAllowlistOutcome.Denied,
            DenialReason = IpAllowlistDenialReason.NotListed,
            Detail = "203.0.113.7 is on the key's list, but its entry expired at 2027-01-01 01:00:00Z.",
        });
    }

    private async Task<string> CreateAsync(AllowlistMode mode = AllowlistMode.Enforce) => (await _keys.CreateAsync(
        new NewApiKey { Name = "name", AllowedIps = ["203.0.113.7"], AllowlistMode = mode })).Details.Key.Id;
}
