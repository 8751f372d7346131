using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using FlowBeacon.IpAllowlist;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KeyConsole;

/// <summary>
/// Additions to the endpoints' own descriptions in the OpenAPI document of key administration: how callers of this host
/// authenticate, the headers of answers, examples, and the few schemas that attributes cannot express. The host's own
/// operations that require a key get the security scheme; otherwise they are unchanged.
/// </summary>
internal static class KeyApiDocument
{
    private const string ApiKey = "apiKey";

    private static readonly Assembly Library = typeof(IpAllowlistOptions).Assembly;

    /// <summary>The types of answers with one key, whose ETag is its version.</summary>
    private static readonly string[] OneKey = ["ApiKeyJson", "UsedApiKeyJson"];

    private static readonly Dictionary<string, JsonNode> Examples = new()
    {
        ["name"] = "make-grid",
        ["allowed_ips"] = new JsonArray("203.0.113.7", "2001:db8::7"),
        ["scopes"] = new JsonArray("governance:read"),
        ["expires_at"] = "2027-01-31T00:00:00Z",
        ["ip"] = "203.0.113.7",
        ["x_forwarded_for"] = "203.0.113.7, 10.0.0.1",
        ["peer"] = "10.0.0.1",
        ["prefix"] = "fb_live_1f3a",
        ["version"] = 3,
    };

    public static void Describe(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[CookieAuthenticationDefaults.AuthenticationScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Cookie,
                Name = ".AspNetCore.Cookies",
                Description = "The session of a signed-in person in the role admin or owner.",
            };
            document.Components.SecuritySchemes[ApiKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "fb_live_ and 48 hex digits",
                Description = "An API key. Of the operations on keys, those with this scheme accept break-glass keys only.",
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            ApiDescription endpoint = context.Description;
            Type? refusal = endpoint.SupportedResponseTypes.FirstOrDefault(answer => answer.StatusCode == 401)?.Type;
            if (refusal?.Assembly != Library)
            {
                return Task.CompletedTask;
            }

            if (refusal.Name != "ManagementProblemJson")
            {
                // An endpoint of the host with RequireApiKey() or RequireApiKeyScope().
                operation.Security = [Requirement(ApiKey, context.Document!)];
                AddHeaders(operation, endpoint);
            }
            else
            {
                AddSecurity(operation, endpoint, context.Document!);
                AddHeaders(operation, endpoint);

                // Every type reaches the endpoint, which answers others than JSON with 415 after authorization.
                operation.RequestBody?.Content?.Remove("*/*");
            }

            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonTypeInfo.Type.Assembly == Library)
            {
                CompleteType(schema, context.JsonTypeInfo.Type.Name);
            }

            if (context.JsonPropertyInfo is { } member && member.DeclaringType.Assembly == Library)
            {
                CompleteMember(schema, member);
            }

            return Task.CompletedTask;
        });
    }

    /// <summary>Break-glass keys may read, try and recover; everything else is for people.</summary>
    private static void AddSecurity(OpenApiOperation operation, ApiDescription endpoint, OpenApiDocument document)
    {
        string path = endpoint.RelativePath ?? "";
        bool isForBreakGlass = endpoint.HttpMethod == "GET"
            || path.EndsWith("/{id}/try", StringComparison.Ordinal) || path.EndsWith("/{id}/recover", StringComparison.Ordinal);
        string[] schemes = isForBreakGlass
            ? [CookieAuthenticationDefaults.AuthenticationScheme, ApiKey]
            : [CookieAuthenticationDefaults.AuthenticationScheme];
        operation.Security = [.. schemes.Select(scheme => Requirement(scheme, document))];
    }

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiDocument document) =>
        new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };

    private static void AddHeaders(OpenApiOperation operation, ApiDescription endpoint)
    {
        foreach (ApiResponseType answer in endpoint.SupportedResponseTypes)
        {
            string status = $"{answer.StatusCode}";
            if (operation.Responses?.GetValueOrDefault(status) is not OpenApiResponse response)
            {
                continue;
            }

            response.Headers ??= new Dictionary<string, IOpenApiHeader>();
            if (answer.Type is { } type && type.Assembly == Library && OneKey.Contains(type.Name))
            {
                response.Headers["ETag"] = Header("The version of the key in quotes, for If-Match.", pattern: "^\"[0-9]+\"$");
            }

            switch (answer.StatusCode)
            {
                case 201:
                    response.Headers["Location"] = Header("The URL of the new key.");
                    break;
                case 401:
                    response.Headers["WWW-Authenticate"] = Header("The accepted authentication schemes.");
                    break;
                case 503:
                    response.Headers["Retry-After"] = Header(
                        "How many seconds to wait; absent if the audit log or the traffic failed.",
                        pattern: "^[1-9][0-9]*$", isRequired: false);
                    break;
            }
        }
    }

    private static OpenApiHeader Header(string description, string? pattern = null, bool isRequired = true) => new()
    {
        Description = description,
        Required = isRequired,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = pattern },
    };

    private static void CompleteMember(OpenApiSchema schema, JsonPropertyInfo member)
    {
        if (Examples.TryGetValue(member.Name, out JsonNode? example))
        {
            schema.Examples = [example.DeepClone()];
        }

        if (!member.IsSetNullable && schema.Type is { } type)
        {
            // It may be absent, but not null.
            schema.Type = type & ~JsonSchemaType.Null;
        }

        if (schema.Type?.HasFlag(JsonSchemaType.Integer) == true)
        {
            // For nullable numbers, the framework uses only the host's settings, which may also allow texts.
            schema.Type &= ~JsonSchemaType.String;
            schema.Pattern = null;
        }

        switch (member.Name)
        {
            case "scopes" when schema.Items is OpenApiSchema scope:
                scope.Enum = ["governance:read", "governance:evaluate", "admin"];
                break;
            case "expires_at":
                schema.Format = "date-time";
                break;
            case "allowed_ips" when schema.Items is null:
                schema.Items = ItemOfList();
                break;
        }
    }

    /// <summary>An item of a list in a request: a text, or an object.</summary>
    private static OpenApiSchema ItemOfList()
    {
        var text = new OpenApiSchema { Type = JsonSchemaType.String };
        const JsonSchemaType TextOrNull = JsonSchemaType.String | JsonSchemaType.Null;
        return new OpenApiSchema
        {
            OneOf =
            [
                text,
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema>
                    {
                        ["ip"] = text,
                        ["note"] = new OpenApiSchema { Type = TextOrNull, MaxLength = ApiKeyLimits.MaxNoteLength },
                        ["expires_at"] = new OpenApiSchema { Type = TextOrNull, Format = "date-time" },
                    },
                    Required = new HashSet<string> { "ip" },
                    AdditionalPropertiesAllowed = false,
                },
            ],
        };
    }

    private static void CompleteType(OpenApiSchema schema, string type)
    {
        switch (type)
        {
            case "PresentedKey":
                schema.Type = JsonSchemaType.String;
                break;
            case "ForwardedForLines":
                var text = new OpenApiSchema { Type = JsonSchemaType.String };
                schema.OneOf = [text, new OpenApiSchema { Type = JsonSchemaType.Array, Items = text }];
                break;
            case "CreateApiKeyBody":
                OpenApiSchema breakGlass = Having("break_glass");
                breakGlass.Properties = new Dictionary<string, IOpenApiSchema> { ["break_glass"] = new OpenApiSchema { Enum = [true] } };
                schema.AnyOf = [Having("allowed_ips"), breakGlass];
                break;
            case "TryBody":
                schema.OneOf = [Having("ip"), new OpenApiSchema { AnyOf = [Having("x_forwarded_for"), Having("peer")] }];
                break;
        }
    }

    private static OpenApiSchema Having(string member) => new() { Required = new HashSet<string> { member } };
}
