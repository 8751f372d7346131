namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Warnings as the HTTP API returns them: prefixed with the name of the member concerned.</summary>
internal static class ApiKeyWarningText
{
    public static IReadOnlyList<string> Of(IReadOnlyList<ApiKeyWarning> warnings) =>
        [.. warnings.Select(warning => $"{MemberOf(warning.Kind)}: {warning.Message}")];

    private static string MemberOf(ApiKeyWarningKind kind) => kind switch
    {
        ApiKeyWarningKind.ExpiresSoon => "expires_at",
        ApiKeyWarningKind.NoScopesLeft => "scopes",
        _ => "allowed_ips",
    };
}
