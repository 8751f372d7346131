using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>An item of <c>allowed_ips</c> in a body: a text, or an object with <c>ip</c>, <c>note</c> and <c>expires_at</c>.</summary>
[JsonConverter(typeof(Converter))]
internal sealed record AllowedIpBody(string Ip, string? Note, string? ExpiresAt, bool IsText)
{
    /// <summary>What an item may be, for people.</summary>
    public const string Expected = "a string, or an object with ip and optionally note and expires_at, all strings";

    /// <summary>The items as the manager takes them. An invalid instant is a fault.</summary>
    public static IReadOnlyList<AllowlistItem> ToItems(IReadOnlyList<AllowedIpBody> items, FieldErrors errors) =>
    [
        .. items.Select((item, index) => item.IsText
            ? AllowlistItem.FromString(item.Ip)
            : new AllowlistItem
            {
                Ip = item.Ip,
                Note = item.Note,
                ExpiresAt = RequestField.Instant(
                    item.ExpiresAt, $"{nameof(NewApiKey.AllowedIps)}[{index}].{nameof(AllowlistItem.ExpiresAt)}", errors),
            }),
    ];

    internal sealed class Converter : JsonConverter<AllowedIpBody>
    {
        public override bool HandleNull => true;

        public override AllowedIpBody Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var item = JsonDocument.ParseValue(ref reader);
            try
            {
                return item.RootElement.ValueKind == JsonValueKind.String
                    ? new(item.RootElement.GetString()!, Note: null, ExpiresAt: null, IsText: true)
                    : ReadObject(item.RootElement);
            }
            catch (InvalidOperationException exception)
            {
                throw new JsonException("This is not a valid item, or it contains an unpaired surrogate.", exception);
            }
        }

        /// <inheritdoc/>
        /// <exception cref="NotSupportedException">Always: it is a member of requests.</exception>
        public override void Write(Utf8JsonWriter writer, AllowedIpBody value, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        /// <exception cref="InvalidOperationException">It is not an object, or a member is not a string.</exception>
        private static AllowedIpBody ReadObject(JsonElement item)
        {
            var members = item.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString());
            members.Remove("ip", out string? ip);
            members.Remove("note", out string? note);
            members.Remove("expires_at", out string? expiresAt);
            return ip is not null && members.Count == 0 ? new(ip, note, expiresAt, IsText: false) : throw new JsonException();
        }
    }
}
