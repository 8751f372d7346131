using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The lines of X-Forwarded-For of a request to try: one text, or a list of them.</summary>
[JsonConverter(typeof(Converter))]
internal sealed record ForwardedForLines(IReadOnlyList<string> Values)
{
    internal sealed class Converter : JsonConverter<ForwardedForLines>
    {
        public override ForwardedForLines Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                return new([reader.GetString()!]);
            }

            var lines = new List<string>();
            bool isList = reader.TokenType == JsonTokenType.StartArray;
            while (isList && reader.Read() && reader.TokenType == JsonTokenType.String)
            {
                lines.Add(reader.GetString()!);
            }

            return reader.TokenType == JsonTokenType.EndArray ? new(lines) : throw new JsonException();
        }

        /// <inheritdoc/>
        /// <exception cref="NotSupportedException">Always: it is a member of requests.</exception>
        public override void Write(Utf8JsonWriter writer, ForwardedForLines value, JsonSerializerOptions options) =>
            throw new NotSupportedException();
    }
}
