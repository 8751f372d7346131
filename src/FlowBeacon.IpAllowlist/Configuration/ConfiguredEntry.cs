namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>An item of a key's list as configured: a text, or an object with these members.</summary>
/// <param name="Path">The path of the address.</param>
/// <param name="Ip">The address or range, not parsed yet.</param>
/// <param name="Note">The note; empty if there is none.</param>
/// <param name="ExpiresAt">The expiry; null if there is none.</param>
internal sealed record ConfiguredEntry(string Path, string Ip, string Note, DateTimeOffset? ExpiresAt)
{
    /// <summary>The members of the object.</summary>
    public static readonly string[] Members = [nameof(Ip), nameof(Note), nameof(ExpiresAt)];
}
