using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// The verdict about a request. Immutable, so that requests with the same verdict may share one, except for a final refusal.
/// </summary>
/// <remarks>
/// It depends only on the key found by the credential's hash and on the client address, and keeps no header text.
/// </remarks>
internal sealed class IpAllowlistFeature(
    IpAllowlistOutcome outcome, ApiKey? key, ApiKeyHash secret, ClientIp client, long until = Expiry.Never, SourceCell? source = null)
    : IIpAllowlistFeature
{
    public static readonly IpAllowlistFeature NoKey = new(IpAllowlistOutcome.NoKey, null, default, default);

    public static readonly IpAllowlistFeature InvalidKey = new(IpAllowlistOutcome.InvalidKey, null, default, default);

    private static readonly IpAllowlistFeature FinalInvalidKey =
        new(IpAllowlistOutcome.InvalidKey, null, default, default) { IsFinal = true };

    public IpAllowlistOutcome Outcome => outcome;

    public ApiKey? Key => key;

    public ClientIp Client => client;

    public IPAddress? ClientIp => client.IsKnown ? client.Address.ToIPAddress() : null;

    public ClientIpOrigin ClientIpOrigin => client.Origin;

    /// <summary>The hash of the credential that was looked up; the default value if there was none, or it is not needed.</summary>
    public ApiKeyHash Secret => secret;

    /// <summary>Until when the verdict is valid for this key and client address, see <see cref="Expiry"/>.</summary>
    public long Until => until;

    public string KeyPrefix => (key?.IsRetiring(secret) == true ? key.Retiring!.Prefix : key?.Prefix) ?? "";

    /// <summary>Where uses of the key from this address are counted; null if none was counted yet.</summary>
    public SourceCell? Source => source;

    public IpAllowlistDenialReason? DenialReason =>
        outcome is IpAllowlistOutcome.Denied or IpAllowlistOutcome.WouldDeny ? key!.WhyNotAdmitted(client) : null;

    /// <summary>Whether the request was refused by this verdict, so that no later step may change the verdict.</summary>
    public bool IsFinal { get; private init; }

    /// <summary>Why the credential could not be looked up; null if it was. The refusal is then a 503, and final.</summary>
    public ApiKeyStoreUnavailableException? Unavailable { get; private init; }

    /// <summary>Whether the host's <see cref="IpAllowlistOptions.OnDenied"/> answered a final refusal.</summary>
    public bool IsAnsweredByHost { get; set; }

    /// <summary>The verdict that is stored with a request; null if there is none yet.</summary>
    /// <remarks>By the indexer, not by Get: the call of a generic interface method costs a seventh of a warm check.</remarks>
    public static IpAllowlistFeature? Get(HttpContext context) => context.Features[typeof(IIpAllowlistFeature)] as IpAllowlistFeature;

    public void KeepFor(HttpContext context) => context.Features[typeof(IIpAllowlistFeature)] = this;

    /// <summary>The final refusal of a request whose credential could not be looked up: its outcome is that of an invalid key.</summary>
    public static IpAllowlistFeature StoreUnavailable(ApiKeyStoreUnavailableException unavailable) =>
        new(IpAllowlistOutcome.InvalidKey, null, default, default) { IsFinal = true, Unavailable = unavailable };

    /// <summary>The same refusal, marked as final: a new object for the request, unless it has no data of it.</summary>
    public IpAllowlistFeature AsFinal() =>
        outcome == IpAllowlistOutcome.InvalidKey ? FinalInvalidKey : new(outcome, key, secret, client) { IsFinal = true };

    /// <summary>
    /// Whether an earlier verdict was about the same key and client address, so that the verdicts can differ only because an entry or the
    /// key has expired.
    /// </summary>
    public bool IsAboutSame(IpAllowlistFeature? earlier) =>
        earlier?.Key is not null && earlier.Secret == secret && (key is null || earlier.Client == client);

    public IpAllowlistFeature With(SourceCell cell) => new(outcome, key, secret, client, until, cell);
}
