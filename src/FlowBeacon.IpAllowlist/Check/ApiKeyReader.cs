using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Reads the API key from the one configured header, and hashes it.</summary>
internal sealed class ApiKeyReader(string headerName, string prefix)
{
    private const string BearerScheme = "Bearer";

    private readonly bool _isAuthorization = headerName.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase);
    private readonly CredentialMemo _memo = new();

    public ApiKeyCredential Read(IHeaderDictionary headers)
    {
        StringValues values = _isAuthorization ? headers.Authorization : headers[headerName];
        if (values.Count > 1)
        {
            // Two keys: code behind the check might read the one that was not checked.
            return new ApiKeyCredential(ApiKeyReading.Invalid, default);
        }

        string value = values.ToString();
        if (_memo.TryGet(value, out ApiKeyCredential remembered))
        {
            return remembered;
        }

        ApiKeyReading reading = Read(value, out ApiKeyHash hash);
        return new ApiKeyCredential(reading, hash, value);
    }

    /// <summary>Remembers a credential of a known key, so that reading it again needs no hash.</summary>
    public void Remember(in ApiKeyCredential credential)
    {
        if (credential.HeaderText is not null)
        {
            _memo.Remember(credential.HeaderText, credential.Reading, credential.Hash);
        }
    }

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

        bool isPrefixed = !credential.IsEmpty && credential.StartsWith(prefix, StringComparison.Ordinal);
        if (ApiKeyHash.TryCompute(credential, out hash))
        {
            return isPrefixed ? ApiKeyReading.Prefixed : ApiKeyReading.Unprefixed;
        }

        return isPrefixed ? ApiKeyReading.Invalid : ApiKeyReading.NoKey;
    }

    /// <summary>The scheme in any case, alone or followed by a space (RFC 9110 §11.4).</summary>
    private static bool IsBearer(ReadOnlySpan<char> credential) =>
        credential.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
        && (credential.Length == BearerScheme.Length || credential[BearerScheme.Length] == ' ');

    /// <summary>
    /// Whether a value of another scheme is several credentials (RFC 9110 §11.4). Commas alone do not mean that: schemes such as Digest
    /// have parameters, <c>name=value</c>, some of them quoted. Text behind a comma that is not a parameter is another credential.
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
