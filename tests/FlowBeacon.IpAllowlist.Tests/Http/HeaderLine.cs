namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Header lines as they go over the wire.</summary>
internal static class HeaderLine
{
    public static string Bearer(string rawKey) => $"Authorization: Bearer {rawKey}";

    public static string ForwardedFor(string value) => $"X-Forwarded-For: {value}";
}
