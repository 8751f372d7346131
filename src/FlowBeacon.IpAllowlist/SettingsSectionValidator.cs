using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Refuses settings whose section is missing, has a list from two sources, or has a setting without a value.
/// </summary>
internal sealed class SettingsSectionValidator(IConfigurationSection section, IConfiguration configuration)
    : IValidateOptions<IpAllowlistOptions>
{
    private static readonly string[] Lists = [nameof(IpAllowlistOptions.TrustedProxies), nameof(IpAllowlistOptions.Scopes)];

    public ValidateOptionsResult Validate(string? name, IpAllowlistOptions options)
    {
        IConfigurationRoot root = HostConfiguration.RootOf(configuration, section, "AddFlowBeaconIpAllowlist()");
        List<string> faults =
            [.. SettingsReader.FaultsOf(root, section.Path, Lists, mayBeEmpty: [nameof(IpAllowlistOptions.ApiKeyPrefix)])];

        // The binder would also accept numbers and several names at once.
        if (section[nameof(IpAllowlistOptions.ClientIpSource)] is { Length: > 0 } source
            && !Enum.GetNames<ClientIpSource>().Contains(source, StringComparer.OrdinalIgnoreCase))
        {
            faults.Add($"{section.Path}:{nameof(IpAllowlistOptions.ClientIpSource)}: {PrintableText.Quote(source)} is not one of"
                + $" {string.Join(", ", Enum.GetNames<ClientIpSource>())}");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
