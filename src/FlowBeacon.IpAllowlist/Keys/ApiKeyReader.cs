using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Keys;

/// <summary>What the request's one credential header says.</summary>
internal enum ApiKeyReading
{
    /// <summary>No credential, or one that is not ours to judge.</summary>
    NoKey,

    /// <summary>Several credentials, or one of ours that can only be wrong.</summary>
    Invalid,

    /// <summary>One credential to look up; if it is unknown, it is invalid.</summary>
    Ours,

    /// <summary>One credential to look up; if it is unknown, it is somebody else's (a JWT, say).</summary>
    Unclaimed,
}

/// <summary>Reads the API key from the one configured header, and hashes it.</summary>
internal sealed class ApiKeyReader(string headerName, string prefix)
{
    private const string BearerScheme = "Bearer";

    private readonly bool _isAuthorization = headerName.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase);

    public ApiKeyReading Read(IHeaderDictionary headers, out ApiKeyHash hash)
    {
        hash = default;
        StringValues values = _isAuthorization ? headers.Authorization : headers[headerName];
        if (values.Count > 1)
        {
            // Two keys: whichever we checked, something behind us might read the other.
            return ApiKeyReading.Invalid;
        }

        ReadOnlySpan<char> credential = values.ToString().AsSpan().Trim(" \t");
        if (_isAuthorization)
        {
            if (!IsBearer(credential))
            {
                return HasBearerBehindComma(credential) ? ApiKeyReading.Invalid : ApiKeyReading.NoKey;
            }

            credential = credential[BearerScheme.Length..].TrimStart(' ');
        }

        if (credential.Contains(','))
        {
            return ApiKeyReading.Invalid;
        }

        bool isOurs = !credential.IsEmpty && credential.StartsWith(prefix, StringComparison.Ordinal);
        if (ApiKeyHash.TryCompute(credential, out hash))
        {
            return isOurs ? ApiKeyReading.Ours : ApiKeyReading.Unclaimed;
        }

        return isOurs ? ApiKeyReading.Invalid : ApiKeyReading.NoKey;
    }

    /// <summary>The scheme in any case, alone or followed by a space (RFC 9110 §11.4).</summary>
    private static bool IsBearer(ReadOnlySpan<char> credential) =>
        credential.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
        && (credential.Length == BearerScheme.Length || credential[BearerScheme.Length] == ' ');

    /// <summary>Commas alone prove nothing: other schemes, such as Digest, have parameters.</summary>
    private static bool HasBearerBehindComma(ReadOnlySpan<char> credentials)
    {
        for (int comma = credentials.IndexOf(','); comma >= 0; comma = credentials.IndexOf(','))
        {
            credentials = credentials[(comma + 1)..].TrimStart(" \t");
            if (IsBearer(credentials))
            {
                return true;
            }
        }

        return false;
    }
}
