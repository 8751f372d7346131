namespace FlowBeacon.IpAllowlist;

/// <summary>A commit was refused; none of it was written.</summary>
/// <param name="conflict">The reason.</param>
/// <param name="keyId">The key of the change that could not be written.</param>
public sealed class ApiKeyConflictException(ApiKeyConflict conflict, string keyId)
    : Exception($"The change of the API key '{keyId}' conflicts with another: {conflict}.")
{
    /// <summary>The reason.</summary>
    public ApiKeyConflict Conflict { get; } = conflict;

    /// <summary>The key of the change that could not be written.</summary>
    public string KeyId { get; } = keyId;
}
