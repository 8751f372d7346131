using System.Security.Cryptography;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>Makes raw keys: <c>fb_live_</c> and 24 random bytes as 48 lowercase hex digits.</summary>
internal static class ApiKeyGenerator
{
    private const int RandomBytes = 24;

    public static string NewRawKey(string prefix) => prefix + RandomNumberGenerator.GetHexString(2 * RandomBytes, lowercase: true);

    public static string PrefixOf(string rawKey) => rawKey[..ApiKey.PrefixLength];
}
