using System.Text.Json;
using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Endpoints that require a key in the host's OpenAPI document.</summary>
public sealed class KeyedEndpointDocumentTests
{
    /// <summary>Endpoints that require a key, by what they return and how they say it.</summary>
    public static TheoryData<string> KeyedPaths =>
    [
        "/text", "/object", "/result", "/nothing", "/typed", "/posted", "/scope", "/scope-by-both", "/group/text", "/group/result",
        "/group/disabled/required",
    ];

    public static TheoryData<string> OtherPaths => ["/open", "/optional", "/group/optional", "/group/disabled", "/group/exempt", "/twice"];

    [Theory]
    [MemberData(nameof(KeyedPaths))]
    public async Task A_keyed_endpoint_has_the_refusals_and_all_that_it_had(string path)
    {
        await using KestrelApp app = await StartAsync(isKeyed: true);
        await using KestrelApp open = await StartAsync(isKeyed: false);

        JsonElement responses = ResponsesOf(await DocumentAsync(app), path);
        JsonElement before = ResponsesOf(await DocumentAsync(open), path);

        SchemaOf(responses, "401").Should().Be("#/components/schemas/ProblemJson");
        SchemaOf(responses, "403").Should().Be("#/components/schemas/DeniedProblemJson");
        responses.EnumerateObject().Where(response => response.Name is not ("401" or "403"))
            .Select(response => $"{response.Name} {response.Value.GetRawText()}")
            .Should().Equal(before.EnumerateObject().Select(response => $"{response.Name} {response.Value.GetRawText()}"));
    }

    [Theory]
    [MemberData(nameof(OtherPaths))]
    public async Task An_endpoint_without_a_required_key_has_no_refusals(string path)
    {
        await using KestrelApp app = await StartAsync(isKeyed: true);

        ResponsesOf(await DocumentAsync(app), path).EnumerateObject().Select(response => response.Name).Should().Equal("200");
    }

    [Fact]
    public async Task The_hosts_own_description_of_a_status_stays()
    {
        await using KestrelApp app = await StartAsync(isKeyed: true);

        JsonElement responses = ResponsesOf(await DocumentAsync(app), "/own");

        SchemaOf(responses, "401").Should().Be("#/components/schemas/Own");
        SchemaOf(responses, "403").Should().Be("#/components/schemas/DeniedProblemJson");
    }

    [Theory]
    [InlineData(TestKeys.Revoked, "401")]
    [InlineData(SchemeKeys.Evaluator, "403")]
    public async Task The_schemas_have_the_members_of_the_answers(string rawKey, string status)
    {
        await using KestrelApp app = await StartAsync(isKeyed: true);
        JsonElement document = await DocumentAsync(app);
        string schema = SchemaOf(ResponsesOf(document, "/text"), status).Split('/')[^1];
        JsonElement described = document.GetProperty("components").GetProperty("schemas").GetProperty(schema);

        RawResponse answer = await app.GetPathAsync("/text", HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(SchemeKeys.NotListed));

        $"{answer.Status}".Should().Be(status);
        using var body = JsonDocument.Parse(answer.Content);
        body.RootElement.EnumerateObject().Select(member => member.Name)
            .Should().Equal(described.GetProperty("properties").EnumerateObject().Select(member => member.Name));
        described.GetProperty("required").EnumerateArray().Select(member => member.GetString())
            .Should().BeEquivalentTo("type", "title", "status", "detail");
    }

    [Fact]
    public async Task The_samples_transformer_names_the_scheme_at_keyed_endpoints_alone()
    {
        await using KestrelApp app = await StartAsync(isKeyed: true, KeyConsole.KeyApiDocument.Describe);
        JsonElement document = await DocumentAsync(app);

        document.GetProperty("components").GetProperty("securitySchemes").GetProperty("apiKey").GetProperty("scheme").GetString()
            .Should().Be("bearer");
        foreach (JsonProperty path in document.GetProperty("paths").EnumerateObject())
        {
            JsonElement operation = path.Value.EnumerateObject().Single().Value;
            string? scheme = operation.TryGetProperty("security", out JsonElement security)
                ? security.EnumerateArray().Single().EnumerateObject().Single().Name
                : null;
            scheme.Should().Be(KeyedPaths.Select(row => row.Data).Contains(path.Name) ? "apiKey" : null, path.Name);
        }
    }

    private static JsonElement ResponsesOf(JsonElement document, string path) =>
        document.GetProperty("paths").GetProperty(path).EnumerateObject().Single().Value.GetProperty("responses");

    private static string SchemaOf(JsonElement responses, string status) =>
        responses.GetProperty(status).GetProperty("content").GetProperty("application/problem+json").GetProperty("schema")
            .GetProperty("$ref").GetString()!;

    private static async Task<JsonElement> DocumentAsync(KestrelApp app)
    {
        RawResponse response = await app.GetPathAsync("/openapi/v1.json");
        response.Status.Should().Be(200, response.Content);
        return JsonDocument.Parse(response.Content).RootElement;
    }

    private static Task<KestrelApp> StartAsync(bool isKeyed, Action<OpenApiOptions>? describe = null)
    {
        return SchemeApp.StartAsync(
            web =>
            {
                web.UseFlowBeaconIpAllowlist();
                web.MapOpenApi();
                Require(web.MapGet("/text", () => "text"));
                Require(web.MapGet("/object", () => new Thing("a")));
                Require(web.MapGet("/result", () => Results.Ok()));
                Require(web.MapGet("/nothing", () => { }));
                Require(web.MapGet("/typed", () => TypedResults.Ok(new Thing("a"))));
                Require(web.MapPost("/posted", (Thing thing) => TypedResults.Created("/posted/1", thing)));
                RequireScope(web.MapGet("/scope", () => "text"));
                RequireScope(web.MapGet("/scope-by-both", [RequireApiKeyScope(ApiKeyScopes.Admin)] () => "text"));
                web.MapGet("/own", () => "text").Produces<Own>(401, "application/problem+json").RequireApiKey();
                web.MapGet("/open", () => "text");
                web.MapGet("/optional", () => "text").AllowMissingApiKey();
                web.MapGet("/twice", () => "text").RequireApiKey().DisableIpAllowlist();

                RouteGroupBuilder group = Require(web.MapGroup("/group"));
                group.MapGet("/text", () => "text");
                group.MapGet("/result", () => Results.Ok());
                group.MapGet("/optional", () => "text").AllowMissingApiKey();
                group.MapGet("/disabled", () => "text").DisableIpAllowlist();
                group.MapGet("/exempt", [DisableIpAllowlist] () => "text");
                Require(group.MapGroup("/disabled").DisableIpAllowlist().MapGet("/required", () => "text"));
            },
            configure: builder => builder.Services.AddOpenApi(describe ?? (_ => { })));

        T Require<T>(T endpoints)
            where T : IEndpointConventionBuilder => isKeyed ? endpoints.RequireApiKey() : endpoints;

        T RequireScope<T>(T endpoints)
            where T : IEndpointConventionBuilder => isKeyed ? endpoints.RequireApiKeyScope(ApiKeyScopes.GovernanceRead) : endpoints;
    }

    internal sealed record Thing(string Name);

    internal sealed record Own(string Reason);
}
