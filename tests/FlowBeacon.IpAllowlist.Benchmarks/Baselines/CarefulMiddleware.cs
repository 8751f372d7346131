using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Benchmarks.Baselines;

/// <summary>
/// A simple implementation that only avoids allocations: spans, the hash on the stack, a dictionary keyed by the 32 bytes, and
/// a set of parsed addresses. It parses addresses with the framework, without any safeguards or records.
/// </summary>
internal sealed class CarefulMiddleware(RequestDelegate next, IReadOnlyDictionary<CarefulMiddleware.Hash, UInt128[]> lists)
{
    public static IReadOnlyDictionary<Hash, UInt128[]> Sample() => new Dictionary<Hash, UInt128[]>
    {
        [Hash.Of(Samples.Restricted)] = [.. Samples.AllowedIps.Select(IPAddress.Parse).Select(Bits)],
    };

    public Task InvokeAsync(HttpContext context)
    {
        ReadOnlySpan<char> key = context.Request.Headers.Authorization.ToString().AsSpan("Bearer ".Length);
        if (!lists.TryGetValue(Hash.Of(key), out UInt128[]? list))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        }

        ReadOnlySpan<char> forwardedFor = context.Request.Headers["X-Forwarded-For"].ToString();
        int comma = forwardedFor.IndexOf(',');
        if (!IPAddress.TryParse(comma < 0 ? forwardedFor : forwardedFor[..comma].Trim(), out IPAddress? remote)
            || !list.AsSpan().Contains(Bits(remote)))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        }

        return next(context);
    }

    private static UInt128 Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        return new UInt128(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes[8..]));
    }

    internal readonly record struct Hash(ulong First, ulong Second, ulong Third, ulong Fourth)
    {
        public static Hash Of(ReadOnlySpan<char> key)
        {
            Span<byte> ascii = stackalloc byte[64];
            Ascii.FromUtf16(key, ascii, out int length);
            Span<byte> hash = stackalloc byte[32];
            SHA256.HashData(ascii[..length], hash);
            return new Hash(
                BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]), BitConverter.ToUInt64(hash[16..]),
                BitConverter.ToUInt64(hash[24..]));
        }

        public override int GetHashCode() => (int)First;
    }
}
