using FlowBeacon.IpAllowlist.Addresses;

namespace FlowBeacon.IpAllowlist;

/// <summary>The data of an API key that requests need: immutable, without the raw key.</summary>
public sealed record ApiKey
{
    /// <summary>The number of a raw key's first characters that are safe to show and log.</summary>
    public const int PrefixLength = 12;

    /// <summary>The key's stable id. It appears in logs.</summary>
    /// <exception cref="ArgumentException">The id is null, empty or white space.</exception>
    public required string Id
    {
        get;
        init
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value);
            field = value;
        }
    }

    /// <summary>The key's name for people; empty if it has none.</summary>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    public string Name
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = "";

    /// <summary>The hash of the key's secret; during a rotation's grace period, of the new one.</summary>
    public required ApiKeyHash Hash { get; init; }

    /// <summary>The first 12 characters of the raw key, for people to recognise it by; empty if unknown.</summary>
    /// <exception cref="ArgumentException">
    /// The text is longer than 12 characters, so that no raw key ends up here. The message does not repeat it.
    /// </exception>
    public string Prefix
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Length > PrefixLength)
            {
                throw new ArgumentException($"A prefix is at most the first {PrefixLength} characters of the raw key.", nameof(value));
            }

            field = value;
        }
    } = "";

    /// <summary>The allowlist. <see cref="IpAddressSet.Empty"/> turns the check off for this key.</summary>
    /// <exception cref="ArgumentNullException">The set is null: an unreadable list must not be taken for no list.</exception>
    public required IpAddressSet AllowedIps
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    }

    /// <summary>Whether the allowlist is enforced (the default) or only reported on.</summary>
    public AllowlistMode AllowlistMode { get; init; }

    /// <summary>What the key may do, such as <see cref="ApiKeyScopes.GovernanceRead"/>. The address check ignores it.</summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    public IReadOnlyList<string> Scopes
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = [.. value];
        }
    } = [];

    /// <summary>The instant from which the key no longer works; null if it does not expire.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the key is disabled, until it is enabled again. Requests with it get the same 401 as with an unknown key.</summary>
    public bool IsDisabled { get; init; }

    /// <summary>Whether the key was revoked, which is final. Requests with it get the same 401 as with an unknown key.</summary>
    public bool IsRevoked { get; init; }

    /// <summary>The old secret, which still works until its grace period ends; null if there is none.</summary>
    public RetiringSecret? Retiring { get; init; }

    /// <summary>Whether this is a break-glass key: it has no list, may only read and recover, and every use is recorded.</summary>
    public bool IsBreakGlass { get; init; }

    /// <summary>Whether two keys have equal values, scopes included.</summary>
    /// <param name="other">The other key.</param>
    /// <returns>True if every member is equal.</returns>
    public bool Equals(ApiKey? other) =>
        other is not null && Hash == other.Hash && Id == other.Id && Name == other.Name && Prefix == other.Prefix
        && AllowedIps.Equals(other.AllowedIps) && AllowlistMode == other.AllowlistMode && Scopes.SequenceEqual(other.Scopes)
        && ExpiresAt == other.ExpiresAt && IsDisabled == other.IsDisabled && IsRevoked == other.IsRevoked && Retiring == other.Retiring
        && IsBreakGlass == other.IsBreakGlass;

    /// <inheritdoc/>
    public override int GetHashCode() => Hash.GetHashCode();

    /// <summary>The id and the prefix, never the hash.</summary>
    /// <returns>Text for people.</returns>
    public override string ToString() => $"{nameof(ApiKey)} {Id} ({(Prefix.Length == 0 ? "prefix unknown" : Prefix)})";

    /// <summary>
    /// Whether the key lacks a list where one is required. An unreadable list denies every address, so it does not count as missing.
    /// </summary>
    internal bool LacksAllowlist => !IsBreakGlass && !AllowedIps.IsUnreadable && AllowedIps.Count == 0;

    /// <summary>The hashes of all its secrets: one or two.</summary>
    internal IReadOnlyList<ApiKeyHash> Hashes => Retiring is null ? [Hash] : [Hash, Retiring.Hash];

    /// <summary>Whether the key is neither revoked nor disabled nor expired.</summary>
    internal bool WorksAt(DateTimeOffset now) => !IsRevoked && !IsDisabled && !(ExpiresAt <= now);

    /// <summary>Whether a secret of this key works now.</summary>
    internal bool Accepts(ApiKeyHash secret, TimeProvider time)
    {
        bool isRetiring = IsRetiring(secret);
        if (IsRevoked || IsDisabled || (secret != Hash && !isRetiring))
        {
            return false;
        }

        DateTimeOffset? end = isRetiring ? Earlier(Retiring!.ExpiresAt, ExpiresAt) : ExpiresAt;
        return end is null || time.GetUtcNow() < end;
    }

    /// <summary>The verdict about a request with a valid secret of this key, by its client address alone, now.</summary>
    internal IpAllowlistOutcome Judge(ClientIp client, TimeProvider time) => Judge(client, time, out _);

    /// <summary>The same, and until when it is valid, see <see cref="Expiry"/>. The clock is read only for an entry that expires.</summary>
    internal IpAllowlistOutcome Judge(ClientIp client, TimeProvider time, out long until)
    {
        until = Expiry.Never;
        if (AllowedIps.IsUnreadable)
        {
            return IpAllowlistOutcome.Denied;
        }

        if (AllowedIps.Count == 0)
        {
            return IpAllowlistOutcome.Unrestricted;
        }

        long listedUntil = client.IsKnown ? AllowedIps.ListedUntil(client.Address) : Expiry.NotListed;
        if (Expiry.IsAhead(listedUntil, time))
        {
            until = listedUntil;
            return IpAllowlistOutcome.Allowed;
        }

        return AllowlistMode == AllowlistMode.ReportOnly ? IpAllowlistOutcome.WouldDeny : IpAllowlistOutcome.Denied;
    }

    /// <summary>Why the key denies a client address that it does not admit.</summary>
    internal IpAllowlistDenialReason WhyNotAdmitted(ClientIp client) => AllowedIps.IsUnreadable
        ? IpAllowlistDenialReason.UnreadableList
        : client.Fault switch
        {
            ClientIpFault.None => IpAllowlistDenialReason.NotListed,
            ClientIpFault.UnusableForwardedFor => IpAllowlistDenialReason.UnusableForwardedFor,
            ClientIpFault.PeerRewritten => IpAllowlistDenialReason.PeerRewritten,
            _ => IpAllowlistDenialReason.UnknownPeer,
        };

    /// <summary>Whether a secret is one of the key's.</summary>
    internal bool Has(ApiKeyHash secret) => secret == Hash || IsRetiring(secret);

    /// <summary>Whether a secret is the old one of a rotation.</summary>
    internal bool IsRetiring(ApiKeyHash secret) => Retiring is { } retiring && retiring.Hash == secret;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;
}
