using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist;

/// <summary>Every setting of the check. Read and validated once, at start-up; a later change has no effect.</summary>
public sealed class IpAllowlistOptions
{
    /// <summary>
    /// The only header with the key; <c>Authorization</c> by default, whose value is <c>Bearer &lt;key&gt;</c>. Any other header
    /// contains the bare key.
    /// </summary>
    public string ApiKeyHeaderName { get; set; } = HeaderNames.Authorization;

    /// <summary>
    /// The prefix of our own keys; <c>fb_live_</c> by default. An unknown credential with this prefix gets 401; any other belongs to
    /// another scheme and counts as no key. If the prefix is empty, every unknown credential gets 401.
    /// </summary>
    public string ApiKeyPrefix { get; set; } = "fb_live_";

    /// <summary>
    /// Whether every request that reaches the middleware needs a valid key; false by default, see <c>endpoint.RequireApiKey()</c>.
    /// </summary>
    public bool RequireApiKey { get; set; }

    /// <summary>Where the client address is taken from; <see cref="ClientIpSource.ForwardedForFirst"/> by default.</summary>
    public ClientIpSource ClientIpSource { get; set; }

    /// <summary>
    /// The proxies whose X-Forwarded-For is trusted, as addresses or CIDR networks (<c>10.0.0.0/8</c>, without host bits, never <c>/0</c>).
    /// Required with <see cref="ClientIpSource.TrustedProxies"/>, refused with any other source.
    /// </summary>
    public IList<string> TrustedProxies { get; } = [];

    /// <summary>
    /// Whether connection middleware of this host reads the PROXY protocol and sets the <c>RemoteEndPoint</c> of connections; false by
    /// default. Otherwise such a peer counts as replaced, and a source that reads X-Forwarded-For finds no client address.
    /// </summary>
    /// <remarks>
    /// The check then relies on that middleware for the peer: it must accept the PROXY protocol from your load balancer only, and start-up
    /// warns of that. Refused with <see cref="ClientIpSource.PeerAddress"/>, where it has no effect, and with <c>UseForwardedHeaders</c>.
    /// </remarks>
    public bool UsesProxyProtocol { get; set; }

    /// <summary>
    /// The scopes that keys may have and endpoints may require; null, as by default, for FlowBeacon's three
    /// (<see cref="ApiKeyScopes.All"/>), and an empty list for none. Any other scope is refused: at start-up in configured keys and in
    /// <c>RequireApiKeyScope()</c>, and by key administration when it is set.
    /// </summary>
    /// <remarks>
    /// Each is 1 to 100 visible ASCII characters other than quotes and backslashes (RFC 6749 §3.3), compared exactly. Keys keep a
    /// scope that is removed from this list.
    /// </remarks>
    public IReadOnlyList<string>? Scopes { get; set; }

    /// <summary>
    /// Whether every key must have a list; false by default. Then a new key or a list change that leaves a key without a list is refused,
    /// in key administration and in configuration. A rehearsed list (<see cref="AllowlistMode.ReportOnly"/>) will do, and a break-glass
    /// key, which has none, is excepted. Keys that are there without a list keep working; start-up warns with their number.
    /// </summary>
    public bool RequireAllowlist { get; set; }

    /// <summary>Whether a 403 contains the client address as <c>client_ip</c>; true by default.</summary>
    public bool ShowClientIp { get; set; } = true;

    /// <summary>The most entries a list may have when it is set by key administration; 1,000 by default.</summary>
    public int MaxAddressesPerKey { get; set; } = 1_000;

    /// <summary>
    /// Whether an entry may be a CIDR range such as <c>198.51.100.0/28</c>, without host bits; false by default: then each entry is one
    /// address.
    /// </summary>
    /// <remarks>
    /// The setting applies to new entries. Stored ranges are always enforced, and may be written back; a start-up warning counts them.
    /// <c>/0</c> contains every address and is always refused.
    /// </remarks>
    public bool AllowCidrRanges { get; set; }

    /// <summary>
    /// The shortest prefix of a new IPv4 range, 1 to 32; 8 by default. Only with <see cref="AllowCidrRanges"/>.
    /// </summary>
    public int MinIPv4PrefixLength { get; set; } = CidrRangeBounds.Default.MinIPv4PrefixLength;

    /// <summary>
    /// The shortest prefix of a new IPv6 range, 1 to 128; 32 by default. Only with <see cref="AllowCidrRanges"/>.
    /// </summary>
    public int MinIPv6PrefixLength { get; set; } = CidrRangeBounds.Default.MinIPv6PrefixLength;

    /// <summary>
    /// How long an entry that a break-glass key adds is valid, 1 hour to 30 days; 24 hours by default. After that it stays on the list as
    /// expired.
    /// </summary>
    public TimeSpan RecoveryEntryLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How many addresses that used a key successfully are remembered per key, from 1 to 1,024; 64 by default. The least recently seen
    /// is evicted first.
    /// </summary>
    public int MaxSourcesPerKey { get; set; } = 64;

    /// <summary>
    /// How long a change of keys waits for the audit log and for earlier changes before it is refused; 5 seconds by default, at most 1
    /// minute.
    /// </summary>
    public TimeSpan AuditTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Called for each 403, with the status already set and before a body is written. The default body follows unless it calls
    /// <see cref="IpAllowlistDeniedContext.HandleResponse"/>. An exception from it ends the request as a server error.
    /// </summary>
    public Func<IpAllowlistDeniedContext, CancellationToken, ValueTask>? OnDenied { get; set; }
}

/// <summary>Refuses invalid settings at start-up and reports all of them at once.</summary>
internal sealed class IpAllowlistOptionsValidator(IOptions<ForwardedHeadersOptions> forwardedHeaders) : IValidateOptions<IpAllowlistOptions>
{
    private const int SourcesPerKeyLimit = 1_024;
    private static readonly TimeSpan MaxAuditTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinRecoveryEntryLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxRecoveryEntryLifetime = TimeSpan.FromDays(30);

    public ValidateOptionsResult Validate(string? name, IpAllowlistOptions options)
    {
        var faults = new List<string>();
        CheckHeader(options, faults);
        CheckClientIpSource(options, faults);
        if (options.MaxAddressesPerKey < 1)
        {
            faults.Add($"{nameof(options.MaxAddressesPerKey)}: {options.MaxAddressesPerKey} is too small; write a number from 1");
        }

        if (options.MaxSourcesPerKey is < 1 or > SourcesPerKeyLimit)
        {
            faults.Add($"{nameof(options.MaxSourcesPerKey)}: {options.MaxSourcesPerKey} is out of range;"
                + $" write a number from 1 to {SourcesPerKeyLimit}");
        }

        if (options.AuditTimeout <= TimeSpan.Zero || options.AuditTimeout > MaxAuditTimeout)
        {
            faults.Add($"{nameof(options.AuditTimeout)}: {options.AuditTimeout} is out of range;"
                + $" write a time of more than 0, at most {MaxAuditTimeout}");
        }

        if (options.RecoveryEntryLifetime < MinRecoveryEntryLifetime || options.RecoveryEntryLifetime > MaxRecoveryEntryLifetime)
        {
            faults.Add($"{nameof(options.RecoveryEntryLifetime)}: {options.RecoveryEntryLifetime} is out of range;"
                + $" write a time from {MinRecoveryEntryLifetime} to {MaxRecoveryEntryLifetime}");
        }

        CheckPrefixLength(options, nameof(options.MinIPv4PrefixLength), options.MinIPv4PrefixLength, 32, 8, faults);
        CheckPrefixLength(options, nameof(options.MinIPv6PrefixLength), options.MinIPv6PrefixLength, 128, 32, faults);
        if (ScopeRules.FaultOf(options.ScopesInForce) is { } scopeFault)
        {
            faults.Add($"{nameof(options.Scopes)}: {scopeFault}");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckPrefixLength(
        IpAllowlistOptions options, string setting, int length, int longest, int byDefault, List<string> faults)
    {
        if (length < 1 || length > longest)
        {
            faults.Add($"{setting}: {length} is out of range; write a number from 1 to {longest}");
        }
        else if (length != byDefault && !options.AllowCidrRanges)
        {
            faults.Add($"{setting}: {length} has no effect without {nameof(options.AllowCidrRanges)}; set that as well, or remove this");
        }
    }

    private static void CheckHeader(IpAllowlistOptions options, List<string> faults)
    {
        string headerName = options.ApiKeyHeaderName;
        if (!HttpToken.IsOne(headerName))
        {
            faults.Add($"{nameof(options.ApiKeyHeaderName)}: {PrintableText.Quote(headerName)} is not a header name;"
                + " write one such as 'X-Api-Key'");
        }
        else if (headerName.Equals(ClientIpResolver.ForwardedForHeader, StringComparison.OrdinalIgnoreCase)
            || headerName.Equals(HeaderNames.Cookie, StringComparison.OrdinalIgnoreCase))
        {
            faults.Add($"{nameof(options.ApiKeyHeaderName)}: {headerName} has another meaning; choose a header only for the key");
        }

        if (options.ApiKeyPrefix is null || options.ApiKeyPrefix.Length > ApiKey.PrefixLength || !options.ApiKeyPrefix.All(IsVisibleAscii))
        {
            faults.Add($"{nameof(options.ApiKeyPrefix)}: the prefix must be at most {ApiKey.PrefixLength} visible ASCII characters"
                + " other than a comma");
        }
    }

    private void CheckClientIpSource(IpAllowlistOptions options, List<string> faults)
    {
        if (!Enum.IsDefined(options.ClientIpSource))
        {
            faults.Add($"{nameof(options.ClientIpSource)}: {(int)options.ClientIpSource} is not one of"
                + $" {string.Join(", ", Enum.GetNames<ClientIpSource>())}");
        }

        IpNetworkSet.Parse(options.TrustedProxies, nameof(options.TrustedProxies), out IReadOnlyList<string> proxyFaults);
        faults.AddRange(proxyFaults);
        if (options.ClientIpSource == ClientIpSource.TrustedProxies && options.TrustedProxies.Count == 0)
        {
            faults.Add($"{nameof(options.TrustedProxies)}: the list is empty, so no proxy is trusted;"
                + " add your proxies' addresses or networks");
        }

        if (options.ClientIpSource != ClientIpSource.TrustedProxies && options.TrustedProxies.Count > 0)
        {
            faults.Add($"{nameof(options.TrustedProxies)}: the list has no effect with"
                + $" {nameof(options.ClientIpSource)} = {options.ClientIpSource};"
                + $" set {nameof(options.ClientIpSource)} = {nameof(ClientIpSource.TrustedProxies)}, or remove the list");
        }

        if (options.UsesProxyProtocol && options.ClientIpSource == ClientIpSource.PeerAddress)
        {
            faults.Add($"{nameof(options.UsesProxyProtocol)}: true has no effect with {nameof(options.ClientIpSource)} ="
                + $" {nameof(ClientIpSource.PeerAddress)}, which uses the peer unchanged; remove it");
        }

        bool usesForwardedHeaders = forwardedHeaders.Value.ForwardedHeaders.HasFlag(ForwardedHeaders.XForwardedFor);
        if (options.UsesProxyProtocol && usesForwardedHeaders)
        {
            faults.Add($"{nameof(options.UsesProxyProtocol)}: true cannot be combined with UseForwardedHeaders, which replaces the peer"
                + " from the PROXY protocol; use one of the two");
        }

        if (options.ClientIpSource != ClientIpSource.PeerAddress && usesForwardedHeaders)
        {
            faults.Add($"{nameof(options.ClientIpSource)}: UseForwardedHeaders processes X-Forwarded-For in this host"
                + " (ForwardedHeadersOptions, IIS integration, or the environment variable ASPNETCORE_FORWARDEDHEADERS_ENABLED)"
                + " and leaves its forgeable part in the header;"
                + $" set options.{nameof(options.ClientIpSource)} = {nameof(ClientIpSource)}.{nameof(ClientIpSource.PeerAddress)};");
        }
    }

    private static bool IsVisibleAscii(char character) => character is > ' ' and <= '~' and not ',';
}
