using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>What hosts copy from the sample, in a host with more than key administration: it describes that and nothing else.</summary>
public sealed class HostDocumentTests
{
    private const string Second = "/second";

    [Fact]
    public async Task Key_administration_that_is_mapped_twice_is_described_twice_and_alike()
    {
        JsonElement paths = (await DocumentAsync(KeyConsole.KeyApiDocument.Describe)).GetProperty("paths");

        JsonProperty[] first = [.. PathsOf(KeyApiHost.Keys)];
        JsonProperty[] second = [.. PathsOf(Second)];
        second.Should().HaveCount(11).And.HaveSameCount(first);
        foreach ((JsonProperty one, JsonProperty other) in first.Zip(second))
        {
            other.Name.Should().Be(Second + one.Name[KeyApiHost.Keys.Length..]);
            foreach (JsonProperty operation in one.Value.EnumerateObject())
            {
                JsonElement twin = other.Value.GetProperty(operation.Name);
                foreach (string part in new[] { "security", "responses" })
                {
                    JsonElement.DeepEquals(operation.Value.GetProperty(part), twin.GetProperty(part)).Should().BeTrue(other.Name);
                }
            }
        }

        second.SelectMany(path => path.Value.EnumerateObject().Where(operation => SchemesOf(operation.Value) == "Cookies")
                .Select(operation => $"{operation.Name} {path.Name}"))
            .Should().BeEquivalentTo(
                "post /second", "patch /second/{id}", "delete /second/{id}", "post /second/{id}/rotate", "post /second/{id}/end-grace");
        second.Sum(path => path.Value.EnumerateObject().Count(operation => SchemesOf(operation.Value) == "Cookies apiKey")).Should().Be(9);

        IEnumerable<JsonProperty> PathsOf(string group) =>
            paths.EnumerateObject().Where(path => path.Name == group || path.Name.StartsWith(group + "/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_hosts_own_endpoints_are_described_as_without_it()
    {
        JsonElement without = await DocumentAsync(_ => { });
        JsonElement with = await DocumentAsync(KeyConsole.KeyApiDocument.Describe);

        JsonElement[] hosted = [.. new[] { without, with }.Select(document => document.GetProperty("paths").GetProperty("/things"))];
        hosted[1].GetRawText().Should().Be(hosted[0].GetRawText());
        foreach (string name in new[] { nameof(Thing), nameof(PresentedKey) })
        {
            string[] schemas = [.. new[] { without, with }.Select(document => SchemasOf(document).GetProperty(name).GetRawText())];
            schemas[1].Should().Be(schemas[0], name);
        }
    }

    [Fact]
    public async Task The_security_schemes_of_the_host_stay()
    {
        JsonElement document = await DocumentAsync(options =>
        {
            options.AddDocumentTransformer((described, _, _) =>
            {
                described.Components ??= new OpenApiComponents();
                described.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                {
                    ["certificate"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.MutualTLS },
                };
                return Task.CompletedTask;
            });
            KeyConsole.KeyApiDocument.Describe(options);
        });

        document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(scheme => scheme.Name)
            .Should().BeEquivalentTo("certificate", "apiKey", CookieAuthenticationDefaults.AuthenticationScheme);
    }

    [Fact]
    public async Task No_member_of_a_body_is_a_number_or_a_text_whatever_the_settings_of_the_host()
    {
        JsonElement document = await DocumentAsync(KeyConsole.KeyApiDocument.Describe);

        SchemasOf(document).EnumerateObject()
            .Where(schema => schema.Name != nameof(Thing) && schema.Value.TryGetProperty("properties", out _))
            .SelectMany(schema => schema.Value.GetProperty("properties").EnumerateObject()
                .Where(member => member.Value.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.Array
                    && type.EnumerateArray().Count(one => one.GetString() is "integer" or "string") > 1)
                .Select(member => $"{schema.Name}.{member.Name}"))
            .Should().BeEmpty();
    }

    private static JsonElement SchemasOf(JsonElement document) => document.GetProperty("components").GetProperty("schemas");

    private static string SchemesOf(JsonElement operation) => string.Join(
        ' ', operation.GetProperty("security").EnumerateArray().Select(scheme => scheme.EnumerateObject().Single().Name));

    private static async Task<JsonElement> DocumentAsync(Action<OpenApiOptions> describe)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            configure: builder => builder.Services.AddOpenApi(describe),
            pipeline: app =>
            {
                KeyApiHost.UseAll(app);
                app.MapOpenApi();
                app.MapPost("/things", (Thing thing) => TypedResults.Ok(thing)).WithTags("API keys");
            },
            outer: app =>
            {
                app.MapFlowBeaconApiKeys(Second);
                return app;
            });
        Answer answer = await host.SendAsync(null, "GET", "/openapi/v1.json");
        answer.Status.Should().Be(200, answer.Body);
        return answer.Json;
    }

    /// <summary>Members and a type with the names of some of the library.</summary>
    internal sealed record Thing(
        [property: JsonPropertyName("name")] string Name,
        [property: JsonPropertyName("ip")] string? Ip,
        [property: JsonPropertyName("version")] int Version,
        [property: JsonPropertyName("expires_at")] string? ExpiresAt,
        [property: JsonPropertyName("scopes")] IReadOnlyList<string> Scopes,
        [property: JsonPropertyName("key")] PresentedKey Key);

    internal sealed record PresentedKey([property: JsonPropertyName("prefix")] string? Prefix);
}
