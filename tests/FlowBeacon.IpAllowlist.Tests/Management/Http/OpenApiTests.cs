using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Key administration in the sample's OpenAPI document.</summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private KeyConsoleSample? _sample;
    private JsonElement _document;

    public static TheoryData<string, string, string, string[]?> Operations { get; } = new()
    {
        {
            "post", "/api/v1/keys", "201",
            ["id", "name", "description", "allowed_ips", "allowlist_mode", "scopes", "expires_at", "break_glass"]
        },
        { "get", "/api/v1/keys", "200", null },
        { "get", "/api/v1/keys/audit", "200", null },
        { "get", "/api/v1/keys/{id}", "200", null },
        {
            "patch", "/api/v1/keys/{id}", "200",
            [
                "name", "description", "allowed_ips", "allowlist_mode", "scopes", "expires_at", "enabled", "accept_lockout_risk",
                "accept_unreadable_list",
            ]
        },
        { "post", "/api/v1/keys/{id}/rotate", "200", ["grace_hours"] },
        { "post", "/api/v1/keys/{id}/end-grace", "200", ["accept_lockout_risk"] },
        { "delete", "/api/v1/keys/{id}", "200", null },
        { "get", "/api/v1/keys/denials", "200", null },
        { "get", "/api/v1/keys/{id}/denials", "200", null },
        { "get", "/api/v1/keys/{id}/sources", "200", null },
        { "get", "/api/v1/keys/{id}/suggestion", "200", null },
        { "post", "/api/v1/keys/{id}/try", "200", ["ip", "x_forwarded_for", "peer"] },
        { "post", "/api/v1/keys/{id}/recover", "200", ["key"] },
    };

    public async ValueTask InitializeAsync()
    {
        Requires.Program("dotnet");
        _sample = await KeyConsoleSample.StartAsync();
        string text = await _client.GetStringAsync($"{_sample.Url}/openapi/v1.json", TestContext.Current.CancellationToken);
        _document = JsonDocument.Parse(text).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_sample is not null)
        {
            await _sample.DisposeAsync();
        }
    }

    [Fact]
    public void Every_operation_is_described()
    {
        var expected = Operations.Select(operation => operation.Data).ToList();
        var missing = new List<string>();
        foreach ((string method, string path, string success, string[]? members) in expected)
        {
            string name = $"{method} {path}";
            if (!_document.GetProperty("paths").TryGetProperty(path, out JsonElement item)
                || !item.TryGetProperty(method, out JsonElement operation))
            {
                missing.Add($"{name}: the operation");
                continue;
            }

            Check(operation.TryGetProperty("summary", out _), "a summary");
            Check(operation.TryGetProperty("tags", out JsonElement tags) && tags[0].GetString() == "API keys", "the tag");
            JsonElement responses = operation.GetProperty("responses");
            Check(
                Properties(responses, success, "application/json") is { Count: > 0 } answer && answer.All(IsSnakeCase),
                $"the schema of {success}");
            if (path.Contains("{id}", StringComparison.Ordinal))
            {
                Check(operation.TryGetProperty("parameters", out JsonElement parameters) && parameters.EnumerateArray().Any(parameter =>
                    parameter.GetProperty("name").GetString() == "id" && parameter.GetProperty("in").GetString() == "path"),
                    "the path parameter id");
            }

            if (members is not null)
            {
                Check(operation.TryGetProperty("requestBody", out JsonElement body)
                    && Members(body.GetProperty("content").GetProperty("application/json")).SequenceEqual(members),
                    "the schema of the request");
            }

            void Check(bool isThere, string what)
            {
                if (!isThere)
                {
                    missing.Add($"{name}: {what}");
                }
            }
        }

        string.Join('\n', missing).Should().BeEmpty("everything is described");
    }

    [Fact]
    public void Each_operation_has_the_statuses_that_it_gives()
    {
        _document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith("/api/v1/keys", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(operation =>
                $"{operation.Name} {path.Name["/api/v1/keys".Length..]}: " + string.Join(
                    ' ', operation.Value.GetProperty("responses").EnumerateObject().Select(answer => answer.Name).Order())))
            .Should().BeEquivalentTo(
                "post : 201 400 401 403 409 413 415 503",
                "get : 200 400 401 403 503",
                "get /audit: 200 400 401 403 503",
                "get /denials: 200 400 401 403 503",
                "get /{id}: 200 401 403 404 503",
                "patch /{id}: 200 400 401 403 404 409 412 413 415 503",
                "delete /{id}: 200 400 401 403 404 409 412 413 415 503",
                "post /{id}/rotate: 200 400 401 403 404 409 412 413 415 503",
                "post /{id}/end-grace: 200 400 401 403 404 409 412 413 415 503",
                "get /{id}/denials: 200 400 401 403 404 503",
                "get /{id}/sources: 200 401 403 404 503",
                "get /{id}/suggestion: 200 400 401 403 404 503",
                "post /{id}/try: 200 400 401 403 404 413 415 503",
                "post /{id}/recover: 200 400 401 403 404 409 413 415 503");
    }

    [Fact]
    public void Answers_have_the_headers_that_callers_act_upon()
    {
        JsonElement paths = _document.GetProperty("paths");
        var operations = paths.EnumerateObject()
            .Where(path => path.Name.StartsWith("/api/v1/keys", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (path.Name, operation.Value)))
            .ToList();

        operations.Should().OnlyContain(operation => HeadersOf(operation.Value, "401").SequenceEqual(new[] { "WWW-Authenticate" }));
        operations.Should().OnlyContain(operation => HeadersOf(operation.Value, "503").SequenceEqual(new[] { "Retry-After" }));
        operations.Should().OnlyContain(operation => !HeadersOf(operation.Value, "403").Any());
        HeadersOf(paths.GetProperty("/api/v1/keys").GetProperty("post"), "201").Should().BeEquivalentTo("ETag", "Location");
        foreach (string method in new[] { "get", "patch", "delete" })
        {
            HeadersOf(paths.GetProperty("/api/v1/keys/{id}").GetProperty(method), "200").Should().Equal(["ETag"], method);
        }
    }

    [Fact]
    public void A_pattern_or_a_description_documents_every_refusal()
    {
        JsonElement schemas = _document.GetProperty("components").GetProperty("schemas");

        DescriptionOf("CreateApiKeyBody", "name").Should().Contain("UTF-16 code units");
        DescriptionOf("UpdateApiKeyBody", "name").Should().Contain("UTF-16 code units");
        DescriptionOf("RotateApiKeyBody", "grace_hours").Should().Contain("without a fraction");
        PatternOf("audit", "after").Should().Be(".");
        PatternOf("audit", "key_id").Should().Be(".", "an empty one is refused");
        PatternOf("denials", "key_id").Should().Be(".", "an empty one is refused");

        string? PatternOf(string listing, string name) => _document.GetProperty("paths").GetProperty($"/api/v1/keys/{listing}")
            .GetProperty("get").GetProperty("parameters").EnumerateArray()
            .Single(parameter => parameter.GetProperty("name").GetString() == name)
            .GetProperty("schema").GetProperty("pattern").GetString();

        string? DescriptionOf(string schema, string member) =>
            schemas.GetProperty(schema).GetProperty("properties").GetProperty(member).GetProperty("description").GetString();
    }

    [Fact]
    public void Every_code_of_a_409_is_listed()
    {
        JsonElement schemas = _document.GetProperty("components").GetProperty("schemas");
        string code = schemas.GetProperty("ManagementProblemJson").GetProperty("properties").GetProperty("code").GetRawText();
        string codes = schemas.TryGetProperty("ApiKeyConflictCode", out JsonElement schema) ? schema.GetRawText() : "";

        Enum.GetValues<ApiKeyConflictCode>().Select(value => $"\"{JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString())}\"")
            .Should().OnlyContain(text => (code + codes).Contains(text));
    }

    [Fact]
    public void Every_parameter_of_a_query_is_described()
    {
        _document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith("/api/v1/keys", StringComparison.Ordinal) && path.Value.TryGetProperty("get", out _))
            .Select(path => $"{path.Name}?{string.Join('&', QueryParameters(path.Value.GetProperty("get")))}").Should().BeEquivalentTo(
                "/api/v1/keys?limit&after&state&name&prefix&counts",
                "/api/v1/keys/audit?limit&after&key_id",
                "/api/v1/keys/denials?key_id&address&since&order&limit&after",
                "/api/v1/keys/{id}?",
                "/api/v1/keys/{id}/denials?address&since&order&limit&after",
                "/api/v1/keys/{id}/sources?",
                "/api/v1/keys/{id}/suggestion?window_hours");
    }

    [Fact]
    public void A_revocation_is_described_with_its_parameter_and_the_answer_when_the_audit_log_is_away()
    {
        JsonElement revocation = _document.GetProperty("paths").GetProperty("/api/v1/keys/{id}").GetProperty("delete");

        QueryParameters(revocation).Should().Equal("accept_missing_audit");
        revocation.GetProperty("responses").TryGetProperty("503", out _).Should().BeTrue();
    }

    private static IEnumerable<string> HeadersOf(JsonElement operation, string status) =>
        operation.GetProperty("responses").GetProperty(status).TryGetProperty("headers", out JsonElement headers)
            ? headers.EnumerateObject().Select(header => header.Name)
            : [];

    private static IEnumerable<string?> QueryParameters(JsonElement operation) =>
        !operation.TryGetProperty("parameters", out JsonElement parameters) ? [] : parameters.EnumerateArray()
            .Where(parameter => parameter.GetProperty("in").GetString() == "query")
            .Select(parameter => parameter.GetProperty("name").GetString());

    private static bool IsSnakeCase(string name) => name.All(character => char.IsAsciiLetterLower(character) || character == '_');

    private IReadOnlyList<string> Properties(JsonElement responses, string status, string type) =>
        responses.TryGetProperty(status, out JsonElement response) && response.TryGetProperty("content", out JsonElement content)
        && content.TryGetProperty(type, out JsonElement media) ? Members(media) : [];

    /// <summary>The member names of a schema, which may stand elsewhere in the document.</summary>
    private IReadOnlyList<string> Members(JsonElement media)
    {
        JsonElement schema = media.GetProperty("schema");
        while (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            schema = reference.GetString()!.Split('/').Skip(1).Aggregate(_document, (node, part) => node.GetProperty(part));
        }

        return schema.TryGetProperty("properties", out JsonElement properties)
            ? [.. properties.EnumerateObject().Select(member => member.Name)]
            : [];
    }
}
