using FlowBeacon.IpAllowlist.Keys;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The rules for the fields of a key. Faults are keyed by field, in .NET names such as <c>AllowedIps[2]</c>.</summary>
internal sealed class ApiKeyRules(ApiKeyManagementSettings settings, TimeProvider time)
{
    /// <summary>How long a recovered key must wait for its next recovery.</summary>
    public static readonly TimeSpan RecoveryInterval = TimeSpan.FromHours(1);

    private readonly AllowlistReader _list = new(settings.Ranges, settings.ApiKeyPrefix, settings.MaxAddressesPerKey, time);

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
        if (!KeyNameRules.TryRead(text, settings.ApiKeyPrefix, out string name, out string? fault))
        {
            errors.Add(nameof(NewApiKey.Name), fault);
        }

        return name;
    }

    /// <summary>Reads a description: in composed form; empty if there is none, or it is refused.</summary>
    public string ReadDescription(string? text, FieldErrors errors)
    {
        if (!KeyNameRules.TryReadDescription(text ?? "", settings.ApiKeyPrefix, out string description, out string? fault))
        {
            errors.Add(nameof(NewApiKey.Description), fault);
        }

        return description;
    }

    /// <summary>Reads a new key's list. An empty one turns the check off, a missing one is a fault; a break-glass key needs none.</summary>
    public ApiKeyDetails ReadAllowedIps(ApiKeyDetails key, NewApiKey request, FieldErrors errors)
    {
        if (request.AllowedIps is null && !request.IsBreakGlass)
        {
            errors.Add(nameof(NewApiKey.AllowedIps), settings.RequireAllowlist
                ? "is missing; write the allowed addresses"
                : "is missing; write the allowed addresses, or [] to turn the check off for this key");
        }

        if (request.AllowedIps is { Count: 0 } && !request.IsBreakGlass)
        {
            RefuseEmptyList(errors);
        }

        return _list.Read(request.AllowedIps ?? [], key, isKeyKnown: true, errors);
    }

    /// <summary>Reads the new list of a key. Where a list is required, a key that already has none may keep none.</summary>
    /// <param name="before">The key, or a placeholder while it is unknown.</param>
    /// <param name="items">The list.</param>
    /// <param name="isKeyKnown">Whether it is the key itself.</param>
    /// <param name="errors">Where faults are put.</param>
    public ApiKeyDetails ReadNewAllowedIps(ApiKeyDetails before, IReadOnlyList<AllowlistItem> items, bool isKeyKnown, FieldErrors errors)
    {
        if (items.Count == 0 && !before.Key.IsBreakGlass && !before.Key.LacksAllowlist)
        {
            RefuseEmptyList(errors);
        }

        return _list.Read(items, before, isKeyKnown, errors);
    }

    /// <summary>The key with the address of a recovery on its list.</summary>
    public ApiKeyDetails Recover(ApiKeyDetails key, string ip, string note, FieldErrors errors) =>
        _list.WithRecovery(key, ip, note, settings.RecoveryEntryLifetime, errors);

    private void RefuseEmptyList(FieldErrors errors)
    {
        if (settings.RequireAllowlist)
        {
            errors.Add(nameof(NewApiKey.AllowedIps), "must not be empty: this application requires a list for every key");
        }
    }

    /// <summary>Reads scopes: in the order of the host's, each once.</summary>
    public IReadOnlyList<string> ReadScopes(IReadOnlyList<string> read, FieldErrors errors)
    {
        for (int index = 0; index < read.Count; index++)
        {
            if (settings.Scopes.FaultOf(read[index]) is { } fault)
            {
                errors.Add($"{nameof(NewApiKey.Scopes)}[{index}]", fault);
            }
        }

        return [.. settings.Scopes.All.Intersect(read)];
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
            errors.Add(nameof(NewApiKey.AllowlistMode), $"{(int)mode} is not a mode; write {all}");
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
    public void CheckBreakGlass(ApiKey key, FieldErrors errors)
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
            errors.Add(nameof(NewApiKey.Scopes), settings.Scopes.All.Contains(ApiKeyScopes.GovernanceRead)
                ? $"must not contain {scope}: a break-glass key only reads ({ApiKeyScopes.GovernanceRead})"
                : $"must be empty: a break-glass key may only have {ApiKeyScopes.GovernanceRead}, which this application does not define");
        }
    }
}
