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
    ];

    public bool IsRead => Method == "GET";

    public string Target(string id) => KeyApiHost.Keys + Path.Replace("{id}", id, StringComparison.Ordinal);
}
