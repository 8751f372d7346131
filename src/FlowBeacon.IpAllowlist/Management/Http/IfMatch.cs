using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The condition of a change, the header If-Match (RFC 9110 §13.1.1): which versions of the key may be changed.</summary>
internal sealed class IfMatch
{
    /// <summary>No key has this version, so the condition fails.</summary>
    private const long NoVersion = -1;

    private readonly IList<EntityTagHeaderValue>? _tags;

    /// <param name="tags">The tags that match; null for every one.</param>
    private IfMatch(IList<EntityTagHeaderValue>? tags) => _tags = tags;

    /// <summary>
    /// Reads the header. An empty one is a fault: a script with an unset variable must not change the key unconditionally.
    /// </summary>
    public static IfMatch Read(HttpContext context, FieldErrors errors)
    {
        StringValues lines = context.Request.Headers.IfMatch;
        if (lines.Count == 0)
        {
            return new IfMatch(tags: null);
        }

        if (lines.All(line => line.AsSpan().Trim(" \t,").IsEmpty))
        {
            errors.Add(HeaderNames.IfMatch, "is empty; send the version you read, such as \"3\","
                + " or leave the header out to change the key at any version");
        }

        // The typed headers of the request would skip a malformed tag and use the next one.
        bool isList = EntityTagHeaderValue.TryParseStrictList([.. lines.OfType<string>()], out IList<EntityTagHeaderValue>? tags);

        // An asterisk is only valid alone, not in a list.
        return isList && tags!.Contains(EntityTagHeaderValue.Any)
            ? new IfMatch(tags.Count == 1 ? null : [])
            : new IfMatch(tags ?? []);
    }

    /// <summary>
    /// Whether any version can match: none can if the header is malformed or has only weak tags (RFC 9110 §8.8.3.2).
    /// </summary>
    public bool CanMatch => _tags?.Any(tag => !tag.IsWeak) ?? true;

    /// <summary>The version that the key must have; null for any.</summary>
    /// <param name="current">Reads the key's version.</param>
    public async ValueTask<long?> ExpectedVersionAsync(Func<Task<long>> current)
    {
        if (_tags is null)
        {
            return null;
        }

        // Weak tags never match (RFC 9110 §8.8.3.2).
        long version = await current();
        return _tags.Any(tag => tag.Compare(ApiKeyJson.ETag(version), useStrongComparison: true)) ? version : NoVersion;
    }
}
