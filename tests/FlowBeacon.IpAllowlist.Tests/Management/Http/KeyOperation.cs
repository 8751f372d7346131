namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>One operation of the management API, with a body that it would accept.</summary>
internal sealed record KeyOperation(string Name, string Method, string Path, string? Body = null)
{
    public static IReadOnlyList<KeyOperation> All { get; } =
    [
        new("create", "POST", "", """{"name":"made by an attacker"}"""),
        new("list", "GET", ""),
        new("get", "GET", "/{id}"),
        new("audit", "GET", "/audit"),
        new("update", "PATCH", "/{id}", """{"allowed_ips":[]}"""),
        new("rotate", "POST", "/{id}/rotate", "{}"),
        new("end-grace", "POST", "/{id}/end-grace"),
        new("revoke", "DELETE", "/{id}"),
        new("all denials", "GET", "/denials"),
        new("denials", "GET", "/{id}/denials"),
        new("sources", "GET", "/{id}/sources"),
        new("suggestion", "GET", "/{id}/suggestion"),
        new("try", "POST", "/{id}/try", """{"ip":"203.0.113.7"}"""),
        new("recover", "POST", "/{id}/recover"),
    ];

    public bool IsGet => Method == "GET";

    /// <summary>Whether it only reads.</summary>
    public bool IsRead => IsGet || Name == "try";

    public string Target(string id) => KeyApiHost.Keys + Path.Replace("{id}", id, StringComparison.Ordinal);
}
