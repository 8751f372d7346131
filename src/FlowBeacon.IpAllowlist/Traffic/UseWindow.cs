namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>How long a use of a key counts as working traffic.</summary>
internal static class UseWindow
{
    /// <summary>An address that used the key within this time is in use.</summary>
    public static readonly TimeSpan OfAddress = TimeSpan.FromHours(24);

    /// <summary>The start of a period that ends now, rounded down to a second like the times of uses.</summary>
    public static DateTimeOffset Start(DateTimeOffset now, TimeSpan window) =>
        DateTimeOffset.FromUnixTimeSeconds((now - window).ToUnixTimeSeconds());
}
