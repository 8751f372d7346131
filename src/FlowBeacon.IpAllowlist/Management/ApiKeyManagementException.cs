namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Key administration was refused; nothing was changed.</summary>
public sealed class ApiKeyManagementException : Exception
{
    internal ApiKeyManagementException(ApiKeyManagementFault fault, string message, Exception? innerException = null)
        : base(message, innerException) => Fault = fault;

    internal ApiKeyManagementException(ApiKeyConflictCode code, string message)
        : this(ApiKeyManagementFault.Conflict, message) => Code = code;

    internal ApiKeyManagementException(IReadOnlyDictionary<string, string[]> errors)
        : base(string.Join(Environment.NewLine, errors.SelectMany(field => field.Value.Select(error => $"{field.Key}: {error}"))))
    {
        Fault = ApiKeyManagementFault.Invalid;
        Errors = errors;
    }

    internal ApiKeyManagementException(LockoutRisk risk, string message)
        : this(ApiKeyManagementFault.LockoutRisk, message)
    {
        Code = risk.OldSecret is null ? ApiKeyConflictCode.LockoutRisk : ApiKeyConflictCode.OldSecretInUse;
        LockoutRisk = risk;
    }

    /// <summary>The kind of refusal.</summary>
    public ApiKeyManagementFault Fault { get; }

    /// <summary>
    /// The reason of a conflict, for programs; null unless the refusal is <see cref="ApiKeyManagementFault.Conflict"/> and
    /// <see cref="ApiKeyManagementFault.LockoutRisk"/>.
    /// </summary>
    public ApiKeyConflictCode? Code { get; }

    /// <summary>The faults of the input, keyed by field, such as <c>AllowedIps[2]</c>; empty for any other refusal.</summary>
    public IReadOnlyDictionary<string, string[]> Errors { get; } = new Dictionary<string, string[]>();

    /// <summary>
    /// The traffic that the change would cut off; null unless the refusal is <see cref="ApiKeyManagementFault.LockoutRisk"/>.
    /// </summary>
    public LockoutRisk? LockoutRisk { get; }
}
