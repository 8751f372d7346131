using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// Validates JSON against a schema of an OpenAPI 3.1 document: the keywords that the document of key administration uses. Any other keyword
/// is an error, so that none is passed over.
/// </summary>
internal sealed class JsonSchema(JsonElement document)
{
    /// <summary>Every disagreement, each with its place.</summary>
    public IEnumerable<string> Faults(JsonElement schema, JsonElement value, string place = "$") =>
        schema.EnumerateObject().SelectMany(keyword => Faults(schema, keyword.Name, keyword.Value, value, place));

    /// <summary>Follows a reference into the document.</summary>
    public JsonElement Resolve(string reference) =>
        reference.Split('/').Skip(1).Aggregate(document, (node, part) => node.GetProperty(part));

    private IEnumerable<string> Faults(JsonElement schema, string keyword, JsonElement rule, JsonElement value, string place)
    {
        bool isNumber = value.ValueKind == JsonValueKind.Number;
        return keyword switch
        {
            "description" or "examples" or "default" => [],
            "$ref" => Faults(Resolve(rule.GetString()!), value, place),
            "type" => If(!Types(rule).Any(type => IsOf(type, value)), $"is {value.ValueKind}, not {rule}"),
            "enum" => If(!rule.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)), $"{value} is none of {rule}"),
            "anyOf" => If(!rule.EnumerateArray().Any(one => !Faults(one, value, place).Any()), "is none of the alternatives"),
            "oneOf" => If(
                rule.EnumerateArray().Count(one => !Faults(one, value, place).Any()) != 1, "is not exactly one of the alternatives"),
            "required" => OfObject(() => rule.EnumerateArray()
                .Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{place}: lacks {name}")),
            "properties" => OfObject(() => value.EnumerateObject().SelectMany(
                member => rule.TryGetProperty(member.Name, out JsonElement known)
                    ? Faults(known, member.Value, $"{place}.{member.Name}")
                    : [])),
            "additionalProperties" => OfObject(() => value.EnumerateObject().Where(member => !IsKnown(schema, member.Name))
                .SelectMany(member => rule.ValueKind == JsonValueKind.False
                    ? [$"{place}: has {member.Name}"]
                    : Faults(rule, member.Value, $"{place}.{member.Name}"))),
            "items" => value.ValueKind != JsonValueKind.Array ? [] : value.EnumerateArray().Index()
                .SelectMany(item => Faults(rule, item.Item, $"{place}[{item.Index}]")),
            "pattern" => OfText(text => Regex.IsMatch(text, rule.GetString()!, RegexOptions.ECMAScript)),
            "minLength" => OfText(text => text.EnumerateRunes().Count() >= rule.GetInt32()),
            "maxLength" => OfText(text => text.EnumerateRunes().Count() <= rule.GetInt32()),
            "minimum" => If(isNumber && value.GetDecimal() < rule.GetDecimal(), $"{value} is less than {rule}"),
            "maximum" => If(isNumber && value.GetDecimal() > rule.GetDecimal(), $"{value} is more than {rule}"),
            "format" => rule.GetString() switch
            {
                "date-time" => OfText(text => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _)),
                "int32" => If(isNumber && !value.TryGetInt32(out _), $"{value} is not {rule}"),
                "int64" => If(isNumber && !value.TryGetInt64(out _), $"{value} is not {rule}"),
                _ => throw new NotSupportedException($"The format {rule} at {place}."),
            },
            _ => throw new NotSupportedException($"The keyword {keyword} at {place}."),
        };

        IEnumerable<string> If(bool isWrong, string fault) => isWrong ? [$"{place}: {fault}"] : [];

        IEnumerable<string> OfObject(Func<IEnumerable<string>> faults) => value.ValueKind == JsonValueKind.Object ? faults() : [];

        IEnumerable<string> OfText(Func<string, bool> isRight) =>
            If(value.ValueKind == JsonValueKind.String && !isRight(value.GetString()!), $"{value} does not meet {keyword} {rule}");
    }

    private static bool IsKnown(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out JsonElement properties) && properties.TryGetProperty(name, out _);

    private static IEnumerable<string> Types(JsonElement rule) =>
        rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(type => type.GetString()!) : [rule.GetString()!];

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "string" => value.ValueKind == JsonValueKind.String,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number) && decimal.IsInteger(number),
        _ => throw new NotSupportedException($"The type {type}."),
    };
}
