using Microsoft.Extensions.Configuration;

namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>The configuration of the host, whose providers show where each value comes from.</summary>
internal static class HostConfiguration
{
    /// <summary>The root of a section that was passed to a method.</summary>
    /// <param name="configuration">The host's configuration.</param>
    /// <param name="section">The section.</param>
    /// <param name="method">The method, for the message.</param>
    /// <exception cref="InvalidOperationException">The section is not part of the host's configuration.</exception>
    public static IConfigurationRoot RootOf(IConfiguration configuration, IConfigurationSection section, string method) =>
        configuration is IConfigurationRoot root && IsSectionOf(root, section)
            ? root
            : throw new InvalidOperationException(
                $"{method} was called with a section '{section.Path}' that is not part of the host's configuration."
                + " Add its source to builder.Configuration, and pass builder.Configuration.GetSection(…).");

    /// <summary>Whether the section belongs to a root: both then have the same token, or at least the same values.</summary>
    private static bool IsSectionOf(IConfigurationRoot root, IConfigurationSection section) =>
        ReferenceEquals(root.GetReloadToken(), section.GetReloadToken())
        || root.GetSection(section.Path).AsEnumerable().SequenceEqual(section.AsEnumerable());
}
