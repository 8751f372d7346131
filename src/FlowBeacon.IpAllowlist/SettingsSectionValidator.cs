using FlowBeacon.IpAllowlist.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>Refuses settings whose section in the configuration is missing or mixes lists of two sources.</summary>
internal sealed class SettingsSectionValidator(IConfigurationSection section, IConfiguration configuration)
    : IValidateOptions<IpAllowlistOptions>
{
    private static readonly string[] Lists = [nameof(IpAllowlistOptions.TrustedProxies), nameof(IpAllowlistOptions.Scopes)];

    public ValidateOptionsResult Validate(string? name, IpAllowlistOptions options)
    {
        IConfigurationRoot root = HostConfiguration.RootOf(configuration, section, "AddFlowBeaconIpAllowlist()");
        string[] faults = [.. SettingsReader.FaultsOf(root, section.Path, Lists)];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
