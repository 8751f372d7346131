using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// A raw key in a body: hashed while it is read, so that it never becomes a string. A text that cannot be a raw key gets the default hash,
/// which belongs to no key.
/// </summary>
[JsonConverter(typeof(Converter))]
internal sealed record PresentedKey(ApiKeyHash Hash)
{
    internal sealed class Converter : JsonConverter<PresentedKey>
    {
        /// <summary>Each character may be written in six bytes, as <c>\u0066</c>.</summary>
        private const int MaxJsonBytes = 6 * ApiKeyHash.MaxRawKeyLength;

        public override PresentedKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new JsonException();
            }

            if (reader.HasValueSequence || reader.ValueSpan.Length > MaxJsonBytes)
            {
                return new(default(ApiKeyHash));
            }

            Span<char> text = stackalloc char[MaxJsonBytes];
            text = text[..reader.CopyString(text)];
            ApiKeyHash.TryCompute(text, out ApiKeyHash hash);
            text.Clear();
            return new(hash);
        }

        /// <inheritdoc/>
        /// <exception cref="NotSupportedException">Always: it is a member of requests.</exception>
        public override void Write(Utf8JsonWriter writer, PresentedKey value, JsonSerializerOptions options) =>
            throw new NotSupportedException();
    }
}
