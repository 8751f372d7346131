using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>What each field of a key may be. Faults are named by field, in .NET names such as <c>AllowedIps[2]</c>.</summary>
internal sealed class ApiKeyRules(int maxAddressesPerKey, string keyPrefix, ScopeRules scopes, TimeProvider time)
{
    /// <summary>How long a recovered key must wait for its next recovery.</summary>
    public static readonly TimeSpan RecoveryInterval = TimeSpan.FromHours(1);

    /// <summary>Reads the id that a caller chose, or makes one. A fault does not repeat it, because it may be a raw key.</summary>
    public string ReadId(string? chosen, FieldErrors errors)
    {
        if (chosen is not null && !ApiKeyId.IsCanonical(chosen))
        {
            errors.Add(nameof(NewApiKey.Id), $"must be {ApiKeyId.Expected}");
            chosen = null;
        }

        return chosen ?? ApiKeyId.New(time);
    }

    /// <summary>Reads a name: in composed form; empty if it is refused.</summary>
    public string ReadName(string? text, FieldErrors errors)
    {
        if (!KeyNameRules.TryRead(text, keyPrefix, out string name, out string? fault))
        {
            errors.Add(nameof(NewApiKey.Name), fault);
        }

        return name;
    }

    /// <summary>Reads a new key's list. Only one that is there, and empty, turns the check off; a break-glass key needs none.</summary>
    public IpAddressSet ReadAllowedIps(NewApiKey request, FieldErrors errors)
    {
        if (request.AllowedIps is null && !request.IsBreakGlass)
        {
            errors.Add(
                nameof(NewApiKey.AllowedIps), "is missing; write the allowed addresses, or [] to turn the check off for this key");
        }

        return ReadAllowedIps(request.AllowedIps ?? [], errors);
    }

    public IpAddressSet ReadAllowedIps(IReadOnlyList<string> entries, FieldErrors errors)
    {
        if (IpAddressSet.TryParse(entries, out IpAddressSet? set, out IReadOnlyList<IpAddressError> refused))
        {
            if (set.Count > maxAddressesPerKey)
            {
                errors.Add(nameof(NewApiKey.AllowedIps), $"has {set.Count} entries; at most {maxAddressesPerKey} are allowed");
            }

            return set;
        }

        foreach (IpAddressError error in refused)
        {
            errors.Add($"{nameof(NewApiKey.AllowedIps)}[{error.Index}]", error.Message);
        }

        return IpAddressSet.Empty;
    }

    /// <summary>Reads scopes: in the order of the host's, each once.</summary>
    public IReadOnlyList<string> ReadScopes(IReadOnlyList<string> read, FieldErrors errors)
    {
        for (int index = 0; index < read.Count; index++)
        {
            if (scopes.FaultOf(read[index]) is { } fault)
            {
                errors.Add($"{nameof(NewApiKey.Scopes)}[{index}]", fault);
            }
        }

        return [.. scopes.All.Intersect(read)];
    }

    public void CheckExpiry(DateTimeOffset? expiresAt, FieldErrors errors)
    {
        if (expiresAt <= time.GetUtcNow())
        {
            errors.Add(nameof(NewApiKey.ExpiresAt), "must be in the future");
        }
    }

    public static AllowlistMode ReadAllowlistMode(AllowlistMode mode, FieldErrors errors)
    {
        if (!Enum.IsDefined(mode))
        {
            string all = string.Join(" or ", Enum.GetNames<AllowlistMode>());
            errors.Add(nameof(NewApiKey.AllowlistMode), $"{(int)mode} is no mode; write {all}");
        }

        return mode;
    }

    public static void CheckGrace(int hours, FieldErrors errors)
    {
        if (hours is < ApiKeyLimits.MinGraceHours or > ApiKeyLimits.MaxGraceHours)
        {
            errors.Add("GraceHours", $"must be {ApiKeyLimits.MinGraceHours} to {ApiKeyLimits.MaxGraceHours}, and is {hours}");
        }
    }

    /// <summary>A break-glass key works from everywhere, so it may only read.</summary>
    public static void CheckBreakGlass(ApiKey key, FieldErrors errors)
    {
        if (!key.IsBreakGlass)
        {
            return;
        }

        if (key.AllowedIps.Count > 0)
        {
            errors.Add(nameof(NewApiKey.AllowedIps), "must be empty: a break-glass key works from every address");
        }

        if (key.Scopes.FirstOrDefault(scope => scope != ApiKeyScopes.GovernanceRead) is { } scope)
        {
            errors.Add(nameof(NewApiKey.Scopes), $"must not contain {scope}: a break-glass key only reads ({ApiKeyScopes.GovernanceRead})");
        }
    }
}
