using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The condition of a change, the header If-Match (RFC 9110 §13.1.1): which versions of the key may be changed.</summary>
internal sealed class IfMatch
{
    /// <summary>No key has this version, so the condition fails, as it should for a tag that is none of ours.</summary>
    private const long NoVersion = -1;

    private readonly long[]? _versions;

    /// <param name="versions">The versions that match; null for every one.</param>
    private IfMatch(long[]? versions) => _versions = versions;

    /// <summary>
    /// Reads the header. Empty, it is a fault: a client whose variable is empty must not change whatever the key is by now.
    /// </summary>
    public static IfMatch Read(HttpContext context, FieldErrors errors)
    {
        StringValues lines = context.Request.Headers.IfMatch;
        if (lines.Count == 0)
        {
            return new IfMatch(versions: null);
        }

        if (lines.All(line => line.AsSpan().Trim(" \t,").IsEmpty))
        {
            errors.Add("If-Match", "is empty; name the version you saw, such as \"3\","
                + " or leave the header out to change the key whatever happened to it meanwhile");
            return new IfMatch([]);
        }

        if (!EntityTagHeaderValue.TryParseStrictList([.. lines.OfType<string>()], out IList<EntityTagHeaderValue>? tags))
        {
            return new IfMatch([]);
        }

        // An asterisk stands alone; in a list it is a malformed condition.
        return tags.Contains(EntityTagHeaderValue.Any)
            ? new IfMatch(tags.Count == 1 ? null : [])
            : new IfMatch([.. tags.Select(VersionOf).OfType<long>().Distinct()]);
    }

    /// <summary>The one version to change the key at; null to change it at any.</summary>
    /// <param name="current">Reads the key's version; asked only if several may match.</param>
    public async ValueTask<long?> ExpectedVersionAsync(Func<Task<long>> current)
    {
        if (_versions is null or { Length: <= 1 })
        {
            return _versions is null ? null : _versions.FirstOrDefault(NoVersion);
        }

        long version = await current();
        return _versions.Contains(version) ? version : NoVersion;
    }

    /// <summary>The version that a tag is for; null for one that we did not make. Weak tags never match (RFC 9110 §8.8.3.2).</summary>
    private static long? VersionOf(EntityTagHeaderValue tag) =>
        !tag.IsWeak
        && long.TryParse(tag.Tag.AsSpan().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out long version)
        && tag.Tag == ApiKeyJson.ETag(version)
            ? version
            : null;
}
