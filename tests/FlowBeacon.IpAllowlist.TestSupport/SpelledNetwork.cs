namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>A network: its first address, its prefix length over 128 bits, and one of its spellings.</summary>
internal sealed record SpelledNetwork(SpelledAddress Start, int PrefixLength, string Text);
