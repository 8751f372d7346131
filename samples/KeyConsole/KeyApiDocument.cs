using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KeyConsole;

/// <summary>
/// What the OpenAPI document of key administration needs beside what its endpoints tell of themselves: how callers of this host prove who
/// they are, the header ETag, examples, and the few schemas that attributes cannot say.
/// </summary>
internal static class KeyApiDocument
{
    private const string ApiKey = "apiKey";
    private const string Tag = "API keys";

    /// <summary>How the ids of operations begin that break-glass keys may not use.</summary>
    private static readonly string[] PeopleOnly = ["Create", "Update", "Rotate", "End", "Revoke"];

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
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [CookieAuthenticationDefaults.AuthenticationScheme] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.ApiKey,
                    In = ParameterLocation.Cookie,
                    Name = ".AspNetCore.Cookies",
                    Description = "The session of a signed-in person in the role admin or owner.",
                },
                [ApiKey] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "bearer",
                    BearerFormat = "fb_live_ and 48 hex digits",
                    Description = "An API key. The operations on keys that name this scheme take break-glass keys only.",
                },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (operation.Tags?.Any(tag => tag.Name == Tag) == true)
            {
                AddSecurity(operation, context.Document!);
                AddETag(operation);
            }

            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            CompleteType(schema, context.JsonTypeInfo.Type.Name);
            if (context.JsonPropertyInfo is { } member)
            {
                CompleteMember(schema, member);
            }

            return Task.CompletedTask;
        });
    }

    private static void AddSecurity(OpenApiOperation operation, OpenApiDocument document)
    {
        string[] schemes = PeopleOnly.Any(operation.OperationId!.StartsWith)
            ? [CookieAuthenticationDefaults.AuthenticationScheme]
            : [CookieAuthenticationDefaults.AuthenticationScheme, ApiKey];
        operation.Security =
        [
            .. schemes.Select(scheme => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme, document)] = [] }),
        ];
    }

    /// <summary>Every answer with one key has its version.</summary>
    private static void AddETag(OpenApiOperation operation)
    {
        foreach (OpenApiResponse response in operation.Responses!.Values.OfType<OpenApiResponse>())
        {
            bool isKey = response.Content?.Values
                .Any(media => media.Schema is OpenApiSchemaReference { Reference.Id: "ApiKeyJson" }) == true;
            if (isKey)
            {
                response.Headers = new Dictionary<string, IOpenApiHeader>
                {
                    ["ETag"] = new OpenApiHeader
                    {
                        Description = "The version of the key in quotes, for If-Match.",
                        Required = true,
                        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^\"[0-9]+\"$" },
                    },
                };
            }
        }
    }

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

        switch (member.Name)
        {
            case "scopes" when schema.Items is OpenApiSchema scope:
                scope.Enum = ["governance:read", "governance:evaluate", "admin"];
                break;
            case "expires_at":
                schema.Format = "date-time";
                break;
        }
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
