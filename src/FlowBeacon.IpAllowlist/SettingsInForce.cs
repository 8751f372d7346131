namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Values derived from several settings, or from one and its default. Not members of <see cref="IpAllowlistOptions"/>, because the
/// generated binder would treat them as settings.
/// </summary>
internal static class SettingsInForce
{
    extension(IpAllowlistOptions options)
    {
        /// <summary>The scopes in force: the host's, or the published ones.</summary>
        public IReadOnlyList<string> ScopesInForce => options.Scopes ?? ApiKeyScopes.All;

        /// <summary>Which ranges new entries may be; null if none.</summary>
        public CidrRangeBounds? RangesInForce => options.AllowCidrRanges
            ? new CidrRangeBounds { MinIPv4PrefixLength = options.MinIPv4PrefixLength, MinIPv6PrefixLength = options.MinIPv6PrefixLength }
            : null;
    }
}
