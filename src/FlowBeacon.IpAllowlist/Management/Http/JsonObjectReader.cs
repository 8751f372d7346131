using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Reads a request's JSON object strictly: a wrong type or an unknown member is a fault of that field.</summary>
internal sealed class JsonObjectReader
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);
    private readonly FieldErrors _errors;

    public JsonObjectReader(JsonElement root, FieldErrors errors, params ReadOnlySpan<string> known)
    {
        _errors = errors;
        foreach (JsonProperty member in root.EnumerateObject())
        {
            if (known.Contains(member.Name))
            {
                _members[member.Name] = member.Value;
            }
            else
            {
                errors.Add(PrintableText.Cut(member.Name), $"unknown member; the members are {string.Join(", ", known)}");
            }
        }
    }

    public bool Has(string name) => _members.ContainsKey(name);

    public bool IsNull(string name) => _members.TryGetValue(name, out JsonElement value) && value.ValueKind == JsonValueKind.Null;

    public string? Text(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString() : Wrong<string>(name, "a string");
    }

    /// <summary>Reads a raw key: hashed as it is read, so that no text of it is made. No fault repeats it.</summary>
    public PresentedKey? RawKey(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            return Wrong<PresentedKey>(name, "a string");
        }

        // Each character may be written in six bytes, as \u0066, and quotes stand around them.
        const int MaxJsonBytes = (6 * ApiKeyHash.MaxRawKeyLength) + 2;
        ReadOnlySpan<byte> json = JsonMarshal.GetRawUtf8Value(value);
        if (json.Length > MaxJsonBytes)
        {
            return new PresentedKey(hash: null);
        }

        Span<char> text = stackalloc char[MaxJsonBytes];
        var reader = new Utf8JsonReader(json);
        reader.Read();
        text = text[..reader.CopyString(text)];
        var key = new PresentedKey(ApiKeyHash.TryCompute(text, out ApiKeyHash hash) ? hash : null);
        text.Clear();
        return key;
    }

    public bool? Boolean(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : Wrong<bool?>(name, "true or false");
    }

    public int? Integer(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : Wrong<int?>(name, "a whole number");
    }

    /// <summary>Reads one of an enumeration's values, as <see cref="JsonNames"/> spells them.</summary>
    public T? Choice<T>(string name)
        where T : struct, Enum
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String && JsonNames.TryParse(value.GetString(), out T choice)
            ? choice
            : Wrong<T?>(name, string.Join(" or ", JsonNames.All<T>()));
    }

    /// <summary>Reads an instant (RFC 3339 §5.6). Null if it is absent or null, which <see cref="IsNull"/> tells apart.</summary>
    public DateTimeOffset? Instant(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        // The framework alone would take a time without an offset for local time, which is another instant on another machine.
        bool isInstant = value.ValueKind == JsonValueKind.String
            && DateTime.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out DateTime time)
            && time.Kind != DateTimeKind.Unspecified
            && value.TryGetDateTimeOffset(out _);
        return isInstant ? value.GetDateTimeOffset() : Wrong<DateTimeOffset?>(name, InstantText.Expected);
    }

    /// <summary>Reads a text, or a list of them.</summary>
    public string[]? TextOrTexts(string name) => _members.TryGetValue(name, out JsonElement value)
        ? value.ValueKind switch
        {
            JsonValueKind.String => [value.GetString()!],
            JsonValueKind.Array => Texts(name),
            _ => Wrong<string[]?>(name, "a string or a list of strings"),
        }
        : null;

    public string[]? Texts(string name)
    {
        if (!_members.TryGetValue(name, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return Wrong<string[]?>(name, "a list of strings");
        }

        var texts = new List<string>();
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String)
            {
                texts.Add(item.GetString()!);
            }
            else
            {
                _errors.Add($"{name}[{texts.Count}]", "must be a string");
                texts.Add("");
            }
        }

        return [.. texts];
    }

    private T? Wrong<T>(string name, string expected)
    {
        _errors.Add(name, $"must be {expected}");
        return default;
    }
}
