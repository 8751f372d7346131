using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

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
    private readonly CredentialMemo _memo = new();

    /// <summary>Reads the credential.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="hash">Its hash, if there is something to look up.</param>
    /// <param name="text">What to <see cref="Remember"/> once the hash has led to a key; null if there is nothing new.</param>
    public ApiKeyReading Read(IHeaderDictionary headers, out ApiKeyHash hash, out string? text)
    {
        text = null;
        StringValues values = _isAuthorization ? headers.Authorization : headers[headerName];
        if (values.Count > 1)
        {
            // Two keys: whichever we checked, something behind us might read the other.
            hash = default;
            return ApiKeyReading.Invalid;
        }

        string value = values.ToString();
        if (_memo.TryGet(value, out ApiKeyReading reading, out hash))
        {
            return reading;
        }

        reading = Read(value, out hash);
        text = reading is ApiKeyReading.Ours or ApiKeyReading.Unclaimed ? value : null;
        return reading;
    }

    /// <summary>Remembers what <see cref="Read(IHeaderDictionary, out ApiKeyHash, out string?)"/> found. Only for texts that lead to a key.</summary>
    public void Remember(string text, ApiKeyReading reading, ApiKeyHash hash) => _memo.Remember(text, reading, hash);

    private ApiKeyReading Read(ReadOnlySpan<char> credential, out ApiKeyHash hash)
    {
        hash = default;
        credential = credential.Trim(" \t");
        if (_isAuthorization)
        {
            if (!IsBearer(credential))
            {
                return AreSeveral(credential) ? ApiKeyReading.Invalid : ApiKeyReading.NoKey;
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

    /// <summary>
    /// Whether a value of another scheme is several credentials (RFC 9110 §11.4). Commas alone prove nothing: schemes such as Digest have
    /// parameters, <c>name=value</c>, some of them quoted. What stands behind a comma and is no parameter is another credential.
    /// </summary>
    private static bool AreSeveral(ReadOnlySpan<char> credentials)
    {
        bool isQuoted = false;
        for (int position = 0; position < credentials.Length; position++)
        {
            char character = credentials[position];
            if (isQuoted && character == '\\')
            {
                position++;
            }
            else if (character == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (character == ',' && !isQuoted)
            {
                ReadOnlySpan<char> member = credentials[(position + 1)..].TrimStart(" \t");
                int nameLength = member.IndexOfAny(" \t,=");
                ReadOnlySpan<char> behindName = nameLength < 0 ? [] : member[nameLength..].TrimStart(" \t");
                if (nameLength != 0 && !member.IsEmpty && !behindName.StartsWith('='))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
