using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>A key as a table keeps it: plain columns, hashes as bytes, the list as the text of a JSON array.</summary>
internal sealed record ToyKeyRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    public required byte[] Hash { get; init; }

    public required string Prefix { get; init; }

    public byte[]? OldHash { get; init; }

    public string? OldPrefix { get; init; }

    public DateTimeOffset? OldEndsAt { get; init; }

    /// <summary>A JSON array of entries with their expiries; any other text is unreadable.</summary>
    public required string? AllowedIps { get; init; }

    /// <summary>The JSON of what people need of the entries.</summary>
    public required string Entries { get; init; }

    public required string AllowlistMode { get; init; }

    public required string Scopes { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public required bool IsDisabled { get; init; }

    public required bool IsRevoked { get; init; }

    public required bool IsBreakGlass { get; init; }

    public required long Version { get; init; }

    public required long Revision { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The JSON of an actor.</summary>
    public string? CreatedBy { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public DateTimeOffset? RecoveredAt { get; init; }

    /// <summary>The bytes of the secrets: one or two.</summary>
    public IEnumerable<byte[]> Hashes => OldHash is null ? [Hash] : [Hash, OldHash];

    /// <summary>The row of a key that is written.</summary>
    /// <param name="details">The key.</param>
    /// <param name="revision">The revision of the commit.</param>
    /// <param name="before">The row it replaces; null for a new key.</param>
    /// <exception cref="ArgumentException">It is a new key without a list that can be read.</exception>
    public static ToyKeyRow Of(ApiKeyDetails details, long revision, ToyKeyRow? before)
    {
        ApiKey key = details.Key;
        if (key.AllowedIps.IsUnreadable && before is null)
        {
            throw new ArgumentException($"The new API key '{key.Id}' has an unreadable list.", nameof(details));
        }

        return new ToyKeyRow
        {
            Id = key.Id,
            Name = key.Name,
            Description = details.Description,
            Hash = key.Hash.ToByteArray(),
            Prefix = key.Prefix,
            OldHash = key.Retiring?.Hash.ToByteArray(),
            OldPrefix = key.Retiring?.Prefix,
            OldEndsAt = key.Retiring?.ExpiresAt,

            // What could not be read is kept as it is, so that people can repair it.
            AllowedIps = key.AllowedIps.IsUnreadable ? before!.AllowedIps : JsonSerializer.Serialize(key.AllowedIps.Entries),
            Entries = JsonSerializer.Serialize(details.Entries),
            AllowlistMode = key.AllowlistMode.ToString(),
            Scopes = string.Join(' ', key.Scopes),
            ExpiresAt = key.ExpiresAt,
            IsDisabled = key.IsDisabled,
            IsRevoked = key.IsRevoked,
            IsBreakGlass = key.IsBreakGlass,
            Version = details.Version,
            Revision = revision,
            CreatedAt = details.CreatedAt,
            CreatedBy = details.CreatedBy is null ? null : JsonSerializer.Serialize(details.CreatedBy),
            UpdatedAt = details.UpdatedAt,
            RevokedAt = details.RevokedAt,
            RecoveredAt = details.RecoveredAt,
        };
    }

    public ApiKeyDetails ToDetails() => new()
    {
        Key = new ApiKey
        {
            Id = Id,
            Name = Name,
            Hash = ApiKeyHash.FromBytes(Hash),
            Prefix = Prefix,
            Retiring = OldHash is null
                ? null
                : new RetiringSecret { Hash = ApiKeyHash.FromBytes(OldHash), Prefix = OldPrefix!, ExpiresAt = OldEndsAt!.Value },
            AllowedIps = IpAddressSet.ReadStored(ReadList(), out _),
            AllowlistMode = Enum.Parse<AllowlistMode>(AllowlistMode),
            Scopes = Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            ExpiresAt = ExpiresAt,
            IsDisabled = IsDisabled,
            IsRevoked = IsRevoked,
            IsBreakGlass = IsBreakGlass,
        },
        Description = Description,
        Entries = JsonSerializer.Deserialize<AllowlistEntryDetails[]>(Entries)!,
        Version = Version,
        Revision = Revision,
        CreatedAt = CreatedAt,
        CreatedBy = CreatedBy is null ? null : JsonSerializer.Deserialize<ApiKeyActor>(CreatedBy),
        UpdatedAt = UpdatedAt,
        RevokedAt = RevokedAt,
        RecoveredAt = RecoveredAt,
    };

    /// <summary>The entries of the list; null if there is none.</summary>
    private IpAllowlistEntry?[]? ReadList()
    {
        try
        {
            return AllowedIps is null ? null : JsonSerializer.Deserialize<IpAllowlistEntry?[]>(AllowedIps);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
