using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The sample's OpenAPI document and its server agree about bodies, and the test detects a document that does not.</summary>
public sealed class OpenApiAgreementTests : IAsyncLifetime
{
    private const string Keys = KeyApiHost.Keys;

    /// <summary>The schemas of bodies that a request may have.</summary>
    private static readonly string[] Bodies = ["CreateApiKeyBody", "UpdateApiKeyBody", "RotateApiKeyBody", "RecoverApiKeyBody", "TryBody"];

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private KeyConsoleSample? _sample;
    private KeyApiDocument _document = null!;

    /// <summary>Bodies that the document admits, and the status that the server answers them with.</summary>
    public static TheoryData<string, string, string, int> Admitted { get; } = new()
    {
        { "POST", "", """{"name":"least","allowed_ips":[]}""", 201 },
        { "POST", "", """{"name":"glass","break_glass":true}""", 201 },
        { "POST", "", """{"name":"never","allowed_ips":[],"expires_at":null}""", 201 },
        { "POST", "", """{"name":"fraction","allowed_ips":[],"expires_at":"2999-01-31T00:00:00.123456789+02:00"}""", 201 },
        { "POST", "", """{"name":"lower","allowed_ips":[],"expires_at":"2999-01-31t00:00:00z"}""", 201 },
        {
            "POST", "",
            """
            {"id":"key_0190163d8694739bb8e25bdb0e3a5d6f","name":"all","allowed_ips":["203.0.113.7"],"allowlist_mode":"report_only",
            "scopes":["admin"],"expires_at":"2999-01-31T00:00:00Z","break_glass":false}
            """, 201
        },
        { "PATCH", "/{id}", "{}", 200 },
        { "PATCH", "/{id}", """{"expires_at":null}""", 200 },
        { "PATCH", "/{id}", """{"allowed_ips":[],"scopes":[],"allowlist_mode":"enforce"}""", 200 },
        { "PATCH", "/{id}", """{"name":"renamed","accept_lockout_risk":true,"accept_unreadable_list":false}""", 200 },
        { "PATCH", "/{id}", """{"description":"Berlin office"}""", 200 },
        { "PATCH", "/{id}", """{"description":""}""", 200 },
        { "PATCH", "/{id}", """{"enabled":false}""", 200 },
        { "PATCH", "/{id}", """{"enabled":true}""", 200 },
        { "POST", "/{id}/rotate", "", 200 },
        { "POST", "/{id}/rotate", "{}", 200 },
        { "POST", "/{id}/rotate", """{"grace_hours":168}""", 200 },
        { "POST", "/{id}/end-grace", "{}", 409 },
        { "POST", "/{id}/try", """{"ip":"203.0.113.7"}""", 200 },
        { "POST", "/{id}/try", """{"x_forwarded_for":"203.0.113.7, 10.0.0.1"}""", 200 },
        { "POST", "/{id}/try", """{"x_forwarded_for":["203.0.113.7","10.0.0.1"],"peer":"10.0.0.2"}""", 200 },
        { "POST", "/{id}/try", """{"peer":"10.0.0.2"}""", 200 },
        { "POST", "/{id}/recover", "", 409 },
        { "POST", "/{id}/recover", """{"key":"fb_live_0"}""", 409 },
        { "DELETE", "/{id}", "", 200 },
        { "GET", "", "", 200 },
        { "GET", "/audit", "", 200 },
        { "GET", "/denials", "", 200 },
        { "GET", "/{id}", "", 200 },
        { "GET", "/{id}/denials", "", 200 },
        { "GET", "/{id}/sources", "", 200 },
        { "GET", "/{id}/suggestion", "", 200 },
        { "GET", "/key_0", "", 404 },
    };

    /// <summary>The members of answers that are not always written.</summary>
    private static readonly string[] OptionalInAnswers =
    [
        "ApiKeyJson.key", "ApiKeyJson.warnings", "UsedApiKeyJson.key", "UsedApiKeyJson.warnings",
        "UsedApiKeyJson.use_unknown", "ApiKeyPageJson.counts",
        "ManagementProblemJson.code", "ManagementProblemJson.errors", "ManagementProblemJson.sources",
        "ManagementProblemJson.older_sources_evicted", "ManagementProblemJson.last_used_at", "ManagementProblemJson.last_used_ip",
        "RetiringSecretJson.last_used_at", "RetiringSecretJson.last_used_ip", "RetiringSecretJson.replacement_last_used_at",
        "RetiringSecretJson.replacement_last_used_ip", "DeniedProblemJson.client_ip", "AllowlistEntryJson.last_seen_at",
    ];

    /// <summary>Bodies that the document does not admit, and that the server answers 400.</summary>
    public static TheoryData<string, string, string> Refused { get; } = new()
    {
        { "POST", "", """{"name":"a"}""" },
        { "POST", "", """{"name":"a","break_glass":false}""" },
        { "POST", "", """{"allowed_ips":[]}""" },
        { "POST", "", """{"name":null,"allowed_ips":[]}""" },
        { "POST", "", """{"name":"","allowed_ips":[]}""" },
        { "POST", "", """{"id":"key_1","name":"a","allowed_ips":[]}""" },
        { "POST", "", """{"id":null,"name":"a","allowed_ips":[]}""" },
        { "POST", "", """{"name":"a","allowed_ips":[null]}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"allowlist_mode":"Enforce"}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"allowlist_mode":"enforce,report_only"}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"allowlist_mode":null}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"scopes":["x"]}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"expires_at":"2999-01-31"}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"expires_at":"2999-01-31T00:00:00"}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"break_glass":null}""" },
        { "POST", "", """{"name":"a","allowed_ips":[],"else":1}""" },
        { "PATCH", "/{id}", """{"name":null}""" },
        { "PATCH", "/{id}", """{"allowed_ips":null}""" },
        { "PATCH", "/{id}", """{"scopes":null}""" },
        { "PATCH", "/{id}", """{"description":null}""" },
        { "PATCH", "/{id}", """{"enabled":null}""" },
        { "PATCH", "/{id}", """{"enabled":"false"}""" },
        { "PATCH", "/{id}", """{"allowlist_mode":null}""" },
        { "PATCH", "/{id}", """{"accept_lockout_risk":"true"}""" },
        { "PATCH", "/{id}", """{"break_glass":true}""" },
        { "POST", "/{id}/rotate", """{"grace_hours":0}""" },
        { "POST", "/{id}/rotate", """{"grace_hours":169}""" },
        { "POST", "/{id}/rotate", """{"grace_hours":"24"}""" },
        { "POST", "/{id}/rotate", """{"grace_hours":null}""" },
        { "POST", "/{id}/end-grace", """{"grace_hours":1}""" },
        { "POST", "/{id}/try", "{}" },
        { "POST", "/{id}/try", """{"ip":"203.0.113.7","peer":"10.0.0.2"}""" },
        { "POST", "/{id}/try", """{"x_forwarded_for":[7]}""" },
        { "POST", "/{id}/try", """{"x_forwarded_for":null}""" },
        { "POST", "/{id}/recover", """{"key":null}""" },
        { "POST", "/{id}/recover", """{"key":7}""" },
    };

    public async ValueTask InitializeAsync()
    {
        Requires.Program("dotnet");
        _sample = await KeyConsoleSample.StartAsync();
        _document = await KeyApiDocument.ReadAsync(_sample.Url);
        using HttpResponseMessage signedIn = await _client.PostAsync(
            $"{_sample.Url}/sign-in", Json($$"""{"user":"admin","password":"{{_sample.Password}}"}"""),
            TestContext.Current.CancellationToken);
        signedIn.IsSuccessStatusCode.Should().BeTrue();
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
    public async Task The_server_accepts_what_the_document_allows()
    {
        var wrong = new List<string>();
        foreach ((string method, string path, string body, int status) in Admitted.Select(row => row.Data))
        {
            Exchange exchange = await SendAsync(method, path, body.ReplaceLineEndings(""));
            string[] faults = [.. _document.FaultsOfBody(exchange), .. _document.Disagreements(exchange)];
            if (exchange.Status != status || faults.Length > 0)
            {
                wrong.Add($"{exchange}: {string.Join("; ", faults)}");
            }
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task The_server_refuses_what_the_document_does_not_allow()
    {
        var wrong = new List<string>();
        foreach ((string method, string path, string body) in Refused.Select(row => row.Data))
        {
            Exchange exchange = await SendAsync(method, path, body);
            string[] faults = [.. _document.Disagreements(exchange)];
            if (exchange.Status != 400 || faults.Length > 0 || !_document.FaultsOfBody(exchange).Any())
            {
                wrong.Add($"{exchange}: {string.Join("; ", faults)}");
            }
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task A_body_of_another_type_than_JSON_is_neither_described_nor_taken()
    {
        foreach (string operation in new[] { "POST ", "PATCH /{id}", "POST /{id}/rotate", "POST /{id}/try", "POST /{id}/recover" })
        {
            Exchange exchange = await SendAsync(operation.Split(' ')[0], operation.Split(' ')[1], "{}", "text/plain");

            exchange.Status.Should().Be(415);
            _document.Disagreements(exchange).Should().BeEmpty();
            _document.FaultsOfBody(exchange).Should().Equal("the type text/plain of the body is not described");
        }
    }

    [Fact]
    public async Task Requests_without_credentials_are_answered_as_described()
    {
        using var stranger = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        foreach (string method in new[] { "GET", "POST" })
        {
            Exchange exchange = await SendAsync(method, "", "", client: stranger);

            exchange.Status.Should().Be(401);
            exchange.ResponseHeaders.WWWAuthenticate.Should().NotBeEmpty();
            _document.Disagreements(exchange).Should().BeEmpty();
        }
    }

    [Fact]
    public void Required_members_are_always_written_and_all_others_are_described()
    {
        _document.OptionalMembersOfAnswers().Should().BeEquivalentTo(OptionalInAnswers);
        _document.With(root => Schema(root, "UsedApiKeyJson")["required"]!.AsArray().RemoveAt(0)).OptionalMembersOfAnswers()
            .Should().HaveCount(OptionalInAnswers.Length + 1);
    }

    [Fact]
    public async Task A_document_that_disagrees_with_an_exchange_is_found_out()
    {
        Exchange change = await SendAsync("PATCH", "/{id}", """{"expires_at":null,"scopes":["admin"]}""");
        Exchange refusal = await SendAsync("PATCH", "/{id}", """{"name":""}""");
        _document.Disagreements(change).Concat(_document.Disagreements(refusal)).Should().BeEmpty();

        Planted(change, root => Member(root, "UpdateApiKeyBody", "expires_at")["type"] = "string").Should().Equal(
            """$.expires_at: is Null, not string""");
        Planted(change, root => Schema(root, "UpdateApiKeyBody")["required"] = new JsonArray("name")).Should().Equal("$: lacks name");
        Planted(change, root => Schema(root, "UpdateApiKeyBody")["properties"]!.AsObject().Remove("scopes")).Should().Equal(
            "$: has scopes");
        Planted(change, root => Member(root, "ApiKeyJson", "version")["type"] = "string").Should().Equal(
            "$.version: is Number, not string");
        Planted(change, root => Schema(root, "ApiKeyJson")["required"]!.AsArray().Add("else")).Should().Equal("$: lacks else");
        Planted(change, root => Schema(root, "ApiKeyState")["enum"] = new JsonArray("live")).Should().Equal(
            """$.state: active is none of ["live"]""");
        Planted(change, root => Operation(root)["responses"]!.AsObject().Remove("200")).Should().Equal("200: is not described");
        Planted(change, root => Operation(root)["responses"]!["200"]!.AsObject().Remove("headers")).Should().ContainSingle()
            .Which.Should().StartWith("ETag: is \"");
        Exchange reading = await SendAsync("GET", "/{id}", "");
        Planted(reading, root => Operation(root, "get")["responses"]!["200"]!["headers"]!.AsObject().Remove("ETag")).Should()
            .ContainSingle().Which.Should().StartWith("ETag: is \"");
        Planted(reading with { ResponseHeaders = new HeaderDictionary { ["Content-Type"] = "application/json" } }, _ => { })
            .Should().Equal("ETag: is absent");
        Planted(change, root =>
        {
            JsonObject content = Operation(root)["requestBody"]!["content"]!.AsObject();
            content["text/plain"] = content["application/json"]!.DeepClone();
            content.Remove("application/json");
        }).Should().Equal("the type application/json of the body is not described");
        Exchange conditional = change with
        {
            RequestHeaders = new HeaderDictionary { ["Content-Type"] = "application/json", ["If-Match"] = "\"1\"" },
        };
        Planted(conditional, _ => { }).Should().BeEmpty();
        Planted(conditional, root => Operation(root).Remove("parameters")).Should().Equal("If-Match: is not described");
        Planted(change with { Query = new QueryString("?limit=1") }, _ => { }).Should().Equal("?limit: is not described");
        Planted(refusal, root => Member(root, "ManagementProblemJson", "status")["maximum"] = 399).Should().Equal(
            "$.status: 400 is more than 399");

        IEnumerable<string> Planted(Exchange exchange, Action<JsonNode> change) => _document.With(change).Disagreements(exchange);
    }

    [Fact]
    public void Every_operation_has_an_id_a_description_and_a_security_scheme()
    {
        (string Id, JsonElement Operation)[] operations =
        [
            .. _document.Root.GetProperty("paths").EnumerateObject()
                .Where(path => path.Name.StartsWith(Keys, StringComparison.Ordinal))
                .SelectMany(path => path.Value.EnumerateObject())
                .Select(operation => (operation.Value.GetProperty("operationId").GetString()!, operation.Value)),
        ];

        operations.Should().HaveCount(14);
        operations.Select(operation => operation.Id).Should().OnlyHaveUniqueItems();
        operations.Should().OnlyContain(operation => operation.Operation.GetProperty("description").GetString()!.Length > 5);
        operations.Where(operation => SchemesOf(operation.Operation).SequenceEqual(["Cookies"])).Select(operation => operation.Id)
            .Should().BeEquivalentTo(
                "CreateFlowBeaconApiKey", "UpdateFlowBeaconApiKey", "RotateFlowBeaconApiKey", "EndFlowBeaconApiKeyGrace",
                "RevokeFlowBeaconApiKey");
        operations.Where(operation => SchemesOf(operation.Operation).SequenceEqual(["Cookies", "apiKey"])).Should().HaveCount(9);
        JsonElement schemes = _document.Root.GetProperty("components").GetProperty("securitySchemes");
        schemes.GetProperty("Cookies").GetProperty("in").GetString().Should().Be("cookie");
        schemes.GetProperty("apiKey").GetProperty("scheme").GetString().Should().Be("bearer");
    }

    [Fact]
    public void Every_member_of_a_body_and_every_parameter_is_described_and_no_integer_is_a_string()
    {
        JsonElement schemas = _document.Root.GetProperty("components").GetProperty("schemas");
        Bodies.SelectMany(body => schemas.GetProperty(body).GetProperty("properties").EnumerateObject())
            .Where(member => !member.Value.TryGetProperty("description", out _)).Select(member => member.Name).Should().BeEmpty();
        _document.Root.GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith(Keys, StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject())
            .Where(operation => operation.Value.TryGetProperty("parameters", out _))
            .SelectMany(operation => operation.Value.GetProperty("parameters").EnumerateArray())
            .Should().OnlyContain(parameter => parameter.GetProperty("description").GetString()!.Length > 5);
        _document.Root.GetRawText().Replace(" ", "", StringComparison.Ordinal).ReplaceLineEndings("")
            .Should().Contain("\"integer\"").And.NotContain("\"integer\",\"string\"");
    }

    private static IEnumerable<string> SchemesOf(JsonElement operation) => operation.GetProperty("security").EnumerateArray()
        .Select(scheme => scheme.EnumerateObject().Single().Name);

    private static JsonObject Operation(JsonNode root, string method = "patch") =>
        root["paths"]![$"{Keys}/{{id}}"]![method]!.AsObject();

    private static JsonNode Schema(JsonNode root, string name) => root["components"]!["schemas"]![name]!;

    private static JsonNode Member(JsonNode root, string schema, string name) => Schema(root, schema)["properties"]![name]!;

    private static StringContent Json(string body, string type = "application/json") =>
        new(body, Encoding.UTF8, new MediaTypeHeaderValue(type));

    /// <summary>Sends a request; <c>{id}</c> stands for a new key.</summary>
    private async Task<Exchange> SendAsync(
        string method, string path, string body, string type = "application/json", HttpClient? client = null)
    {
        string target = Keys + path;
        if (path.Contains("{id}", StringComparison.Ordinal))
        {
            Exchange created = await SendAsync("POST", "", $$"""{"name":"key {{Guid.NewGuid()}}","allowed_ips":["203.0.113.7"]}""");
            string id = JsonDocument.Parse(created.ResponseBody).RootElement.GetProperty("id").GetString()!;
            target = target.Replace("{id}", id, StringComparison.Ordinal);
        }

        using var request = new HttpRequestMessage(new HttpMethod(method), _sample!.Url + target);
        if (method != "GET")
        {
            request.Content = Json(body, type);
        }

        using HttpResponseMessage response = await (client ?? _client).SendAsync(request, TestContext.Current.CancellationToken);
        return new Exchange
        {
            Method = method,
            Path = target,
            RequestHeaders = new HeaderDictionary { ["Content-Type"] = type },
            RequestBody = body,
            Status = (int)response.StatusCode,
            ResponseHeaders = new HeaderDictionary
            {
                ["Content-Type"] = response.Content.Headers.ContentType?.ToString(),
                ["ETag"] = response.Headers.ETag?.ToString(),
                ["Location"] = response.Headers.Location?.ToString(),
                ["WWW-Authenticate"] = response.Headers.WwwAuthenticate.FirstOrDefault()?.ToString(),
            },
            ResponseBody = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
        };
    }
}
