namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What key administration refuses, and the remedy.</summary>
internal static class ManagementRefusal
{
    /// <summary>The argument of a revocation that needs no record.</summary>
    public const string AcceptMissingAudit = "acceptMissingAudit: true";

    /// <summary>The argument that ends a grace period whose old secret is in use.</summary>
    public const string AcceptSecretInUse = "acceptLockoutRisk: true";

    public static ApiKeyManagementException NotFound() => new(ApiKeyManagementFault.NotFound, "There is no key with this id.");

    public static ApiKeyManagementException Conflict(ApiKeyConflictCode code, string message) => new(code, message);

    public static ApiKeyManagementException NameTaken(string name) =>
        Conflict(ApiKeyConflictCode.NameTaken, $"Another key is named '{name}'. Choose another name, or revoke that key first.");

    public static ApiKeyManagementException AuditUnavailable(Exception cause) => new(
        ApiKeyManagementFault.AuditUnavailable,
        "The audit log failed or did not answer in time. Every change needs an audit record, so nothing was changed. Repair the log, then"
        + $" repeat the change. In an emergency a key can be revoked without a record, with {AcceptMissingAudit}.",
        cause);

    public static ApiKeyManagementException TrafficUnavailable(string unknown, string remedy, Exception cause) => new(
        ApiKeyManagementFault.TrafficUnavailable,
        "The recorded traffic of the key could not be read, or not in time, so it is unknown"
        + $" {unknown}. Nothing was changed. Repair the store of the traffic, then try again, or {remedy}.",
        cause);

    public static ApiKeyManagementException TrafficNotRead(Exception cause) => new(
        ApiKeyManagementFault.TrafficUnavailable,
        "The recorded traffic could not be read, or not in time. Repair the store of the traffic, then try again.",
        cause);

    public static ApiKeyManagementException TooRisky(LockoutRisk risk, bool isDisabling)
    {
        const string InUse = "in use within the last 24 hours";
        const string NotComplete = ": the key came from more addresses than are remembered, so the list of its sources is not complete";
        string finding = !risk.AreOlderEvicted ? $"would deny {ChangeText.Sources(risk)}, {InUse}"
            : risk.Sources.Count == 0 ? $"may deny addresses {InUse}{NotComplete}"
            : $"would deny {ChangeText.Sources(risk)}, {InUse}, and may deny others{NotComplete}";
        string remedy = isDisabling ? "Switch its clients to another key first, or repeat" : "Add what is missing to the list, or repeat";
        return new(risk, $"The change {finding}. {remedy} the change with {nameof(ApiKeyUpdate.AcceptLockoutRisk)}.");
    }

    public static ApiKeyManagementException SecretInUse(LockoutRisk risk) => new(
        risk,
        $"The old secret is in use, last {ChangeText.Use(risk.OldSecret!)}. Switch its clients to the new one"
        + $" first, or repeat the change with {AcceptSecretInUse}.");

    public static ApiKeyManagementException Stale(long version) => new(
        ApiKeyManagementFault.StaleVersion,
        $"The key was changed meanwhile and is at version {version} or later. Read it again, then repeat the change.");
}
