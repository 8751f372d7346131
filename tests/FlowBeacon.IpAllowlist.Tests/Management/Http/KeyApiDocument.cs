using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>An OpenAPI document, compared with what really went over the wire.</summary>
internal sealed class KeyApiDocument(JsonElement root)
{
    /// <summary>The headers of answers that callers act upon.</summary>
    private static readonly string[] Headers = ["ETag", "Location", "Retry-After", "WWW-Authenticate"];

    private readonly JsonSchema _schema = new(root);

    public JsonElement Root => root;

    public static async Task<KeyApiDocument> ReadAsync(string url)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        return Parse(await client.GetStringAsync($"{url}/openapi/v1.json", TestContext.Current.CancellationToken));
    }

    public static KeyApiDocument Parse(string text) => new(JsonDocument.Parse(text).RootElement);

    /// <summary>The same document with a change.</summary>
    public KeyApiDocument With(Action<JsonNode> change)
    {
        JsonNode copy = JsonNode.Parse(root.GetRawText())!;
        change(copy);
        return Parse(copy.ToJsonString());
    }

    /// <summary>Where an exchange and the document disagree. A request that was refused may break the document's rules.</summary>
    public IEnumerable<string> Disagreements(Exchange exchange)
    {
        if (OperationOf(exchange) is not { } operation)
        {
            return ["there is no such operation"];
        }

        IEnumerable<string> ofAnswer = OfAnswer(operation, exchange);
        return exchange.Status < 300 ? OfRequest(operation, exchange).Concat(ofAnswer) : ofAnswer;
    }

    /// <summary>Where a body and the schema of an operation's body disagree.</summary>
    public IEnumerable<string> FaultsOfBody(Exchange exchange)
    {
        if (!OperationOf(exchange)!.Value.TryGetProperty("requestBody", out JsonElement body))
        {
            return exchange.RequestBody.Length == 0 ? [] : ["the body is not described"];
        }

        string type = exchange.RequestHeaders.ContentType.ToString().Split(';')[0];
        JsonElement content = body.GetProperty("content");
        if (!content.TryGetProperty(type, out JsonElement media) && !content.TryGetProperty("*/*", out media))
        {
            return [$"the type {type} of the body is not described"];
        }

        bool isRequired = body.TryGetProperty("required", out JsonElement required) && required.GetBoolean();
        return exchange.RequestBody.Length == 0
            ? isRequired ? ["the body is missing"] : []
            : _schema.Faults(media.GetProperty("schema"), JsonDocument.Parse(exchange.RequestBody).RootElement);
    }

    /// <summary>The members of answers that need not be there, as <c>schema.member</c>.</summary>
    public IEnumerable<string> OptionalMembersOfAnswers() =>
        from schema in root.GetProperty("components").GetProperty("schemas").EnumerateObject()
        where schema.Name.EndsWith("Json", StringComparison.Ordinal)
        let required = schema.Value.TryGetProperty("required", out JsonElement names)
            ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet()
            : []
        from member in schema.Value.GetProperty("properties").EnumerateObject()
        where !required.Contains(member.Name)
        select $"{schema.Name}.{member.Name}";

    private IEnumerable<string> OfRequest(JsonElement operation, Exchange exchange)
    {
        JsonElement[] parameters = operation.TryGetProperty("parameters", out JsonElement all) ? [.. all.EnumerateArray()] : [];
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in QueryHelpers.ParseQuery(exchange.Query.Value))
        {
            JsonElement known = parameters.FirstOrDefault(one => Is(one, "query", name));
            IEnumerable<string> faults = known.ValueKind == JsonValueKind.Undefined
                ? [$"?{name}: is not described"]
                : _schema.Faults(known.GetProperty("schema"), ValueOf(values.ToString(), known.GetProperty("schema")), $"?{name}");
            foreach (string fault in faults)
            {
                yield return fault;
            }
        }

        if (exchange.RequestHeaders.IfMatch.Count > 0 && !parameters.Any(one => Is(one, "header", "If-Match")))
        {
            yield return "If-Match: is not described";
        }

        foreach (string fault in FaultsOfBody(exchange))
        {
            yield return fault;
        }
    }

    private IEnumerable<string> OfAnswer(JsonElement operation, Exchange exchange)
    {
        if (!operation.GetProperty("responses").TryGetProperty($"{exchange.Status}", out JsonElement answer))
        {
            return [$"{exchange.Status}: is not described"];
        }

        string type = exchange.ResponseHeaders.ContentType.ToString();
        if (!answer.GetProperty("content").TryGetProperty(type, out _))
        {
            return [$"{exchange.Status}: the type {type} is not described"];
        }

        return Headers.SelectMany(name => OfHeader(answer, name, exchange.ResponseHeaders[name]))
            .Concat(_schema.Faults(SchemaOf(answer, type), JsonDocument.Parse(exchange.ResponseBody).RootElement));
    }

    private IEnumerable<string> OfHeader(JsonElement answer, string name, string? value)
    {
        bool isDescribed = answer.TryGetProperty("headers", out JsonElement headers) && headers.TryGetProperty(name, out _);
        if (!isDescribed)
        {
            return value is null ? [] : [$"{name}: is {value}, which is not described"];
        }

        JsonElement header = headers.GetProperty(name);
        bool isRequired = header.TryGetProperty("required", out JsonElement required) && required.GetBoolean();
        return value is not null ? _schema.Faults(header.GetProperty("schema"), JsonSerializer.SerializeToElement(value), name)
            : isRequired ? [$"{name}: is absent"]
            : [];
    }

    /// <summary>The operation that a request is for: a path without parameters goes before one with them.</summary>
    private JsonElement? OperationOf(Exchange exchange)
    {
        JsonProperty path = root.GetProperty("paths").EnumerateObject()
            .Where(one => IsMatch(one.Name.Split('/'), exchange.Path.Split('/')))
            .OrderBy(one => one.Name.Count(character => character == '{')).FirstOrDefault();
        return path.Value.ValueKind == JsonValueKind.Object
            && path.Value.EnumerateObject().FirstOrDefault(one => one.Name.Equals(exchange.Method, StringComparison.OrdinalIgnoreCase))
                is { Value.ValueKind: JsonValueKind.Object } operation
            ? operation.Value
            : null;
    }

    private static bool IsMatch(string[] template, string[] path) => template.Length == path.Length
        && template.Zip(path).All(part => part.First == part.Second || part.First.StartsWith('{'));

    private static bool Is(JsonElement parameter, string place, string name) =>
        parameter.GetProperty("in").GetString() == place && parameter.GetProperty("name").GetString() == name;

    private static JsonElement SchemaOf(JsonElement message, string type) =>
        message.GetProperty("content").GetProperty(type).GetProperty("schema");

    /// <summary>A text of a query, as the JSON that its schema is about.</summary>
    private static JsonElement ValueOf(string text, JsonElement schema)
    {
        bool isText = schema.TryGetProperty("type", out JsonElement type) && type.GetRawText().Contains("string", StringComparison.Ordinal);
        return isText ? JsonSerializer.SerializeToElement(text) : JsonDocument.Parse(text).RootElement;
    }
}
