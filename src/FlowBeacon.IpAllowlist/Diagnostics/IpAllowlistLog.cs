using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>Every log message. Event ids are stable, because alerts depend on them.</summary>
internal static partial class IpAllowlistLog
{
    /// <summary>The one category of all messages.</summary>
    public const string Category = "FlowBeacon.IpAllowlist";

    private const string DenialDetails =
        "key {KeyId} ({KeyPrefix}) from {ClientIp} (origin {ClientIpOrigin}), reason {Reason}, X-Forwarded-For {ForwardedFor}";

    [LoggerMessage(EventId = 1, EventName = "Denied", Level = LogLevel.Warning, Message = "Denied: " + DenialDetails)]
    public static partial void Denied(
        ILogger logger, string keyId, string keyPrefix, string clientIp, ClientIpOrigin clientIpOrigin,
        IpAllowlistDenialReason reason, string forwardedFor);

    [LoggerMessage(EventId = 2, EventName = "DeniedRepeatedly", Level = LogLevel.Debug, Message = "Denied: " + DenialDetails)]
    public static partial void DeniedRepeatedly(
        ILogger logger, string keyId, string keyPrefix, string clientIp, ClientIpOrigin clientIpOrigin,
        IpAllowlistDenialReason reason, string forwardedFor);

    [LoggerMessage(EventId = 3, EventName = "InvalidKey", Level = LogLevel.Debug,
        Message = "Refused: the request's API key is unknown, expired, disabled or revoked, or there is more than one")]
    public static partial void InvalidKey(ILogger logger);

    [LoggerMessage(EventId = 4, EventName = "PeerRewritten", Level = LogLevel.Error,
        Message = "The peer address of a request was replaced in this process before the allowlist check, so X-Forwarded-For is not"
            + " used, and requests with a key that has a list are denied. If UseForwardedHeaders or code that sets RemoteIpAddress from a"
            + " header replaced it, set options.ClientIpSource = ClientIpSource.PeerAddress. If middleware only unmaps IPv4 addresses"
            + " (MapToIPv4), remove it: the check does that itself. If connection middleware reads the PROXY protocol, set"
            + " options.UsesProxyProtocol = true. Logged once.")]
    public static partial void PeerRewritten(ILogger logger);

    [LoggerMessage(EventId = 5, EventName = "ResponseAlreadyStarted", Level = LogLevel.Error,
        Message = "A request had to be refused after its response had started; the connection was aborted. Move"
            + " UseFlowBeaconIpAllowlist() in front of the middleware that starts responses")]
    public static partial void ResponseAlreadyStarted(ILogger logger);

    [LoggerMessage(EventId = 6, EventName = "ForwardedForFirstIsForgeable", Level = LogLevel.Warning,
        Message = "The client address is the first entry of X-Forwarded-For, which a client can forge unless every request passes a proxy"
            + " that replaces the header. Behind proxies that append to it, set options.ClientIpSource = ClientIpSource.TrustedProxies"
            + " and name them; without a proxy, ClientIpSource.PeerAddress")]
    public static partial void ForwardedForFirstIsForgeable(ILogger logger);

    [LoggerMessage(EventId = 7, EventName = "NoKeys", Level = LogLevel.Warning,
        Message = "The key store is empty, so every request with an API key gets 401. Add keys (AddKeysFromConfiguration, or"
            + " InMemoryApiKeyStore.Set), or register your own IApiKeyStore")]
    public static partial void NoKeys(ILogger logger);

    [LoggerMessage(EventId = 8, EventName = "KeysLoaded", Level = LogLevel.Information,
        Message = "Keys from configuration section {Section} are in force: {KeyCount} keys")]
    public static partial void KeysLoaded(ILogger logger, string section, int keyCount);

    [LoggerMessage(EventId = 9, EventName = "KeysRejected", Level = LogLevel.Error,
        Message = "Keys from configuration section {Section} were not reloaded; the last good keys stay in force. {Faults}")]
    public static partial void KeysRejected(ILogger logger, string section, string faults);

    [LoggerMessage(EventId = 10, EventName = "KeyReloadFailed", Level = LogLevel.Error,
        Message = "Keys from configuration section {Section} could not be reloaded; the last good keys stay in force")]
    public static partial void KeyReloadFailed(ILogger logger, Exception exception, string section);

    [LoggerMessage(EventId = 11, EventName = "BreakGlassKeyUsed", Level = LogLevel.Warning,
        Message = "Break-glass key {KeyId} ({KeyPrefix}) was used from {ClientIp}")]
    public static partial void BreakGlassKeyUsed(ILogger logger, string keyId, string keyPrefix, string clientIp);

    [LoggerMessage(EventId = 12, EventName = "AuditFailed", Level = LogLevel.Error,
        Message = "The audit log failed to record an entry: {Action} by {ActorId}. The request continued")]
    public static partial void AuditFailed(ILogger logger, Exception exception, string action, string actorId);

    [LoggerMessage(EventId = 13, EventName = "WouldDeny", Level = LogLevel.Warning,
        Message = "Would be denied if the list were enforced: " + DenialDetails)]
    public static partial void WouldDeny(
        ILogger logger, string keyId, string keyPrefix, string clientIp, ClientIpOrigin clientIpOrigin,
        IpAllowlistDenialReason reason, string forwardedFor);

    [LoggerMessage(EventId = 14, EventName = "WouldDenyRepeatedly", Level = LogLevel.Debug,
        Message = "Would be denied if the list were enforced: " + DenialDetails)]
    public static partial void WouldDenyRepeatedly(
        ILogger logger, string keyId, string keyPrefix, string clientIp, ClientIpOrigin clientIpOrigin,
        IpAllowlistDenialReason reason, string forwardedFor);

    [LoggerMessage(EventId = 15, EventName = "UnreadableList", Level = LogLevel.Error,
        Message = "The stored allowlist of key {KeyId} ({KeyPrefix}) cannot be read, so the key is denied from everywhere. Set its list"
            + " again")]
    public static partial void UnreadableList(ILogger logger, string keyId, string keyPrefix);

    [LoggerMessage(EventId = 16, EventName = "ClientIpSourceSuspect", Level = LogLevel.Warning,
        Message = "The client-address source is probably wrong: {Finding}")]
    public static partial void ClientIpSourceSuspect(ILogger logger, string finding);

    [LoggerMessage(EventId = 17, EventName = "ClientIpSourcePlausible", Level = LogLevel.Information,
        Message = "The client-address source appears right again")]
    public static partial void ClientIpSourcePlausible(ILogger logger);

    [LoggerMessage(EventId = 18, EventName = "ChangedBeforeCheck", Level = LogLevel.Error,
        Message = "The API key or client address of a request changed after UseAuthentication() had read it, so it was refused. Call"
            + " app.UseAuthentication() and app.UseAuthorization() explicitly, behind app.UseFlowBeaconIpAllowlist(); otherwise"
            + " WebApplication adds both in front of all other middleware. Logged once.")]
    public static partial void ChangedBeforeCheck(ILogger logger);

    [LoggerMessage(EventId = 19, EventName = "ChangedBehindCheck", Level = LogLevel.Error,
        Message = "The API key or client address of a request changed behind app.UseFlowBeaconIpAllowlist(). Values that the check did"
            + " not admit are refused. Move the middleware that changes the key's header, X-Forwarded-For or the peer address"
            + " (UseForwardedHeaders, for example) in front of app.UseFlowBeaconIpAllowlist(). Logged once.")]
    public static partial void ChangedBehindCheck(ILogger logger);

    [LoggerMessage(EventId = 20, EventName = "RefusedBeforeCheck", Level = LogLevel.Warning,
        Message = "Authorization refused a request before app.UseFlowBeaconIpAllowlist() saw it. If middleware in between changes the"
            + " key's header, X-Forwarded-For or the peer address, this refuses requests that the check would admit. Call"
            + " app.UseAuthentication() and app.UseAuthorization() explicitly, behind app.UseFlowBeaconIpAllowlist(). Logged once.")]
    public static partial void RefusedBeforeCheck(ILogger logger);

    [LoggerMessage(EventId = 21, EventName = "CacheInFront", Level = LogLevel.Warning,
        Message = "A cache (UseOutputCache() or UseResponseCaching()) is in front of app.UseFlowBeaconIpAllowlist() and could answer"
            + " requests without the check, so responses from behind the check are not stored in it. Call it after"
            + " app.UseFlowBeaconIpAllowlist(). Logged once.")]
    public static partial void CacheInFront(ILogger logger);

    [LoggerMessage(EventId = 22, EventName = "UsesProxyProtocol", Level = LogLevel.Warning,
        Message = "options.UsesProxyProtocol is set, so connection middleware determines the peer of a connection. It must accept the"
            + " PROXY protocol from your load balancer only; otherwise any client can spoof its peer address")]
    public static partial void UsesProxyProtocol(ILogger logger);

    [LoggerMessage(EventId = 23, EventName = "KeysInMemory", Level = LogLevel.Warning,
        Message = "Keys created by key administration are kept in the memory of this process: they are lost at a restart and unknown to"
            + " other nodes. Register an IApiKeyRepository of your own, or define keys in configuration (AddKeysFromConfiguration)")]
    public static partial void KeysInMemory(ILogger logger);

    [LoggerMessage(EventId = 24, EventName = "AuditMissing", Level = LogLevel.Error,
        Message = "The audit log failed or did not answer in time, and a change that accepts a missing record was made without one:"
            + " {Action} of key {KeyId} by {ActorId}")]
    public static partial void AuditMissing(ILogger logger, Exception exception, string action, string? keyId, string actorId);

    [LoggerMessage(EventId = 25, EventName = "AuditUnavailable", Level = LogLevel.Error,
        Message = "The audit log failed or did not answer in time, so a change was refused: {Action} of key {KeyId} by {ActorId}")]
    public static partial void AuditUnavailable(ILogger logger, Exception exception, string action, string? keyId, string actorId);

    [LoggerMessage(EventId = 26, EventName = "AuditNotCorrected", Level = LogLevel.Error,
        Message = "The audit log may contain entry {EntryId} about a change that was not carried out, and the correction of it failed")]
    public static partial void AuditNotCorrected(ILogger logger, Exception exception, string entryId);

    [LoggerMessage(EventId = 27, EventName = "ResultHandlerReplaced", Level = LogLevel.Warning,
        Message = "{HandlerType} is registered as IAuthorizationMiddlewareResultHandler after AddFlowBeaconApiKey(), so it replaces"
            + " this library's handler unless it calls that: with a policy of several schemes, requests with an invalid key or from a"
            + " foreign address may get another answer than the 401 or 403. Register it before AddFlowBeaconApiKey(): the library's handler"
            + " then calls it for all other requests")]
    public static partial void ResultHandlerReplaced(ILogger logger, Type handlerType);

    [LoggerMessage(EventId = 28, EventName = "StoreUnavailable", Level = LogLevel.Warning,
        Message = "The key store cannot answer, so requests with a credential get 503. Logged at most once a minute.")]
    public static partial void StoreUnavailable(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 29, EventName = "KeysWithoutAllowlist", Level = LogLevel.Warning,
        Message = "options.RequireAllowlist is set, and there are keys that work and are not limited to any address until they get a list:"
            + " {KeyCount} ({KeyIds})")]
    public static partial void KeysWithoutAllowlist(ILogger logger, int keyCount, string keyIds);

    [LoggerMessage(EventId = 30, EventName = "KeysNotCounted", Level = LogLevel.Warning,
        Message = "The keys could not be read at start-up, or not in time, so keys without a list (options.RequireAllowlist) and CIDR"
            + " ranges in lists (options.AllowCidrRanges) were not counted")]
    public static partial void KeysNotCounted(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 31, EventName = "RangesKept", Level = LogLevel.Warning,
        Message = "options.AllowCidrRanges is not set, but lists contain CIDR ranges, which are enforced until they are removed:"
            + " {RangeCount} ranges in the lists of {KeyCount} keys")]
    public static partial void RangesKept(ILogger logger, int rangeCount, int keyCount);

    [LoggerMessage(EventId = 32, EventName = "EntryExpiresInUse", Level = LogLevel.Warning,
        Message = "Entry {Entry} of key {KeyId} expires at {ExpiresAt:u} although it is in use, last at {LastSeen:u}. It then stops"
            + " allowing its addresses. Set a later expiry, or none, if its clients need access after that. Logged once a day.")]
    public static partial void EntryExpiresInUse(
        ILogger logger, string entry, string keyId, DateTimeOffset expiresAt, DateTimeOffset lastSeen);

    [LoggerMessage(EventId = 33, EventName = "ExpiringEntriesUnknown", Level = LogLevel.Warning,
        Message = "The keys or their traffic could not be read, or not in time, so entries that are in use and about to expire are"
            + " unknown")]
    public static partial void ExpiringEntriesUnknown(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 34, EventName = "HostProblemFailed", Level = LogLevel.Error,
        Message = "The IProblemDetailsService of this host threw, so a refusal was written without its customisation. Correct the"
            + " customisation in AddProblemDetails(). Logged at most once a minute.")]
    public static partial void HostProblemFailed(ILogger logger, Exception exception);
}
