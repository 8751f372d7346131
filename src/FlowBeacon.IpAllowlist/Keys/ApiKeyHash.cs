using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FlowBeacon.IpAllowlist;

/// <summary>The SHA-256 hash (FIPS 180-4) of a raw key's ASCII bytes, which is stored in place of the key.</summary>
/// <remarks>
/// A raw key has 192 random bits, so a plain hash cannot be reversed by search and needs no salt. Looking a hash up is not a
/// comparison of secrets, because a caller that can choose the hash already has a preimage.
/// </remarks>
public readonly struct ApiKeyHash : IEquatable<ApiKeyHash>
{
    /// <summary>The longest raw key, in characters. Longer credentials are never looked up.</summary>
    public const int MaxRawKeyLength = 256;

    /// <summary>The size of a hash: 32 bytes.</summary>
    public const int SizeInBytes = SHA256.HashSizeInBytes;

    private const int HexLength = 2 * SizeInBytes;

    [ThreadStatic]
    private static IncrementalHash? _sha256;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;

    private ApiKeyHash(ReadOnlySpan<byte> hash)
    {
        _first = BinaryPrimitives.ReadUInt64BigEndian(hash);
        _second = BinaryPrimitives.ReadUInt64BigEndian(hash[8..]);
        _third = BinaryPrimitives.ReadUInt64BigEndian(hash[16..]);
        _fourth = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
    }

    /// <summary>Hashes a raw key.</summary>
    /// <param name="rawKey">1 to 256 ASCII characters.</param>
    /// <returns>The hash.</returns>
    /// <exception cref="ArgumentException">
    /// The text is empty, longer than 256 characters or not ASCII. The message does not repeat it.
    /// </exception>
    public static ApiKeyHash Compute(ReadOnlySpan<char> rawKey) =>
        TryCompute(rawKey, out ApiKeyHash hash)
            ? hash
            : throw new ArgumentException($"A raw key is 1 to {MaxRawKeyLength} ASCII characters.", nameof(rawKey));

    /// <summary>Reads a hash from 64 hex digits, in either case.</summary>
    /// <param name="text">The digits only.</param>
    /// <returns>The hash.</returns>
    /// <exception cref="FormatException">The text is not 64 hex digits. The message does not repeat it: it might be a raw key.</exception>
    public static ApiKeyHash Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out ApiKeyHash hash) ? hash : throw new FormatException($"A key hash is {HexLength} hex digits.");

    /// <summary>Reads a hash from 64 hex digits, in either case.</summary>
    /// <param name="text">The digits only.</param>
    /// <param name="hash">The hash, or the default value if the text is refused.</param>
    /// <returns>Whether the text is a hash.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out ApiKeyHash hash)
    {
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        bool accepted = text.Length == HexLength && Convert.FromHexString(text, bytes, out _, out _) == OperationStatus.Done;
        hash = accepted ? new ApiKeyHash(bytes) : default;
        return accepted;
    }

    /// <summary>Reads a hash from its bytes, as <see cref="TryWriteBytes"/> writes them: for stores that keep hashes as bytes.</summary>
    /// <param name="bytes">The 32 bytes of the hash; not those of a raw key.</param>
    /// <returns>The hash.</returns>
    /// <exception cref="ArgumentException">There are not 32 bytes. The message does not repeat them.</exception>
    public static ApiKeyHash FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == SizeInBytes
        ? new ApiKeyHash(bytes)
        : throw new ArgumentException($"A key hash is {SizeInBytes} bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>Whether two hashes are the same.</summary>
    /// <param name="left">One hash.</param>
    /// <param name="right">The other.</param>
    /// <returns>True if all 256 bits agree.</returns>
    public static bool operator ==(ApiKeyHash left, ApiKeyHash right) => left.Equals(right);

    /// <summary>Whether two hashes differ.</summary>
    /// <param name="left">One hash.</param>
    /// <param name="right">The other.</param>
    /// <returns>True if any of the 256 bits differ.</returns>
    public static bool operator !=(ApiKeyHash left, ApiKeyHash right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(ApiKeyHash other) =>
        _first == other._first && _second == other._second && _third == other._third && _fourth == other._fourth;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ApiKeyHash other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_first;

    /// <summary>Writes the hash's bytes, in the order of its hex digits.</summary>
    /// <param name="destination">Where to write them: into the first 32 bytes.</param>
    /// <returns>Whether there is room; otherwise nothing is written.</returns>
    public bool TryWriteBytes(Span<byte> destination)
    {
        if (destination.Length < SizeInBytes)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt64BigEndian(destination, _first);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _second);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _third);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _fourth);
        return true;
    }

    /// <summary>The hash's bytes, in the order of its hex digits.</summary>
    /// <returns>A new array of 32 bytes.</returns>
    public byte[] ToByteArray()
    {
        byte[] bytes = new byte[SizeInBytes];
        TryWriteBytes(bytes);
        return bytes;
    }

    /// <summary>The hash as 64 lowercase hex digits.</summary>
    /// <returns>Text that <see cref="Parse"/> reads.</returns>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        TryWriteBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>The first 64 bits, which are evenly distributed.</summary>
    internal ulong Start => _first;

    /// <summary>Hashes a credential on the stack; false if it cannot be a raw key.</summary>
    internal static bool TryCompute(ReadOnlySpan<char> rawKey, out ApiKeyHash hash)
    {
        hash = default;
        if (rawKey.Length is 0 or > MaxRawKeyLength)
        {
            return false;
        }

        Span<byte> ascii = stackalloc byte[MaxRawKeyLength];
        if (Ascii.FromUtf16(rawKey, ascii, out int length) != OperationStatus.Done)
        {
            return false;
        }

        // Reusing one instance for each thread takes two thirds of the time of SHA256.HashData.
        IncrementalHash sha256 = _sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        sha256.AppendData(ascii[..length]);
        sha256.GetHashAndReset(bytes);
        hash = new ApiKeyHash(bytes);
        return true;
    }
}
