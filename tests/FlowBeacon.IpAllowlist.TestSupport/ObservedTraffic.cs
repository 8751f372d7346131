using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>The records of denials and of sources on a clock of their own, and the requests that they see.</summary>
internal sealed class ObservedTraffic : IDisposable
{
    public static readonly DateTimeOffset Start = new(2027, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public ObservedTraffic(int mostSourcesPerKey = 64, int mostSources = SourcesSeen.MostCells)
    {
        Clock = new CoarseClock(Time);
        Denials = new DenialRecord(Clock);
        Sources = new SourcesSeen(Clock, mostSourcesPerKey, mostSources);
        Secrets = new SecretsSeen(Clock, Sources);
        var traffic = new ProcessTraffic(Denials, Sources, Secrets);
        Traffic = traffic;
        Local = new LocalTraffic(Denials, Sources, Secrets, traffic);
    }

    public FakeTimeProvider Time { get; } = new(Start);

    public CoarseClock Clock { get; }

    public DenialRecord Denials { get; }

    public SourcesSeen Sources { get; }

    public SecretsSeen Secrets { get; }

    public IApiKeyTraffic Traffic { get; }

    public LocalTraffic Local { get; }

    public static ClientIp From(string address) => ClientIp.Peer(IpAddressValue.From(IPAddress.Parse(address)));

    /// <summary>One of four thousand million clients behind a proxy.</summary>
    public static ClientIp From(uint number) => ClientIp.Forwarded(IpAddressValue.FromIPv4(number), hop: 1);

    public static IpAllowlistFeature Denied(string keyId, ClientIp client, bool isReportOnly = false, IpAddressSet? list = null) => new(
        isReportOnly ? IpAllowlistOutcome.WouldDeny : IpAllowlistOutcome.Denied,
        new ApiKey { Id = keyId, Hash = default, AllowedIps = list ?? IpAddressSet.Parse(["192.0.2.1"]) },
        default,
        client);

    public bool Deny(string keyId, ClientIp client, bool isReportOnly = false, IpAddressSet? list = null) =>
        Denials.Add(new DefaultHttpContext(), Denied(keyId, client, isReportOnly, list));

    /// <summary>Asking the health endpoint from an address that a key's list does not have.</summary>
    public bool AskHealth(string keyId, ClientIp client, bool isReportOnly = false) =>
        Denials.Add(new DefaultHttpContext(), Denied(keyId, client, isReportOnly), isHealth: true);

    /// <summary>The denials of one key, all of them.</summary>
    public IReadOnlyList<Denial> DenialsOf(string keyId) => Traffic.ReadDenials(new DenialQuery { KeyId = keyId, Limit = int.MaxValue });

    /// <summary>A successful use of a key.</summary>
    public SourceCell Use(string keyId, ClientIp client)
    {
        SourceCell cell = Sources.Admit(keyId, client);
        cell.Seen(Clock.Now);
        return cell;
    }

    /// <summary>A successful use of a key with one of its secrets.</summary>
    public void Use(ApiKey key, ApiKeyHash secret, ClientIp client)
    {
        SourceCell source = Sources.Admit(key.Id, client);
        Secrets.Seen(key, secret, source, Clock.Now);
        source.Seen(Clock.Now);
    }

    public void Dispose() => Clock.Dispose();
}
