using System.Reflection;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The routes of key administration, with their OpenAPI descriptions.</summary>
internal static class ApiKeyRoutes
{
    private const string Json = "application/json";

    /// <summary>Maps the routes.</summary>
    /// <param name="group">The group to map them in.</param>
    /// <param name="api">The handlers.</param>
    /// <param name="traffic">The handlers of the routes about traffic.</param>
    /// <param name="withNames">
    /// Whether the endpoints have names, which are the ids of their operations: names are unique in an application, and it may map them
    /// more than once.
    /// </param>
    public static IEndpointConventionBuilder Map(RouteGroupBuilder group, ApiKeyEndpoints api, TrafficEndpoints traffic, bool withNames)
    {
        foreach (Route route in Routes(api, traffic))
        {
            IEndpointConventionBuilder endpoint = group.MapMethods(route.Pattern, [route.Method], route.Handler)
                .WithTags("API keys")
                .WithSummary(route.Summary)
                .WithDescription(route.Description)
                .WithMetadata([.. MetadataOf(route)]);
            if (withNames)
            {
                endpoint.WithName(route.Name);
            }
        }

        // The guard in each handler authorizes the caller, including the host's own requirements. A refusal before it (by a fallback
        // policy, or where a key is required everywhere) would keep out people and the break-glass key that the guard admits.
        return group.WithMetadata(KeyRequirement.Optional, AdministrationEndpoint.Mark).AllowAnonymous();
    }

    private static Route[] Routes(ApiKeyEndpoints api, TrafficEndpoints traffic) =>
    [
        new(HttpMethods.Post, "", api.CreateAsync, RequestParameters.None, typeof(ApiKeyJson))
        {
            Name = "CreateFlowBeaconApiKey",
            Summary = "Create a key",
            Description = "Only this answer contains the raw key, which is not stored.",
            Body = typeof(CreateApiKeyBody),
            IsBodyRequired = true,
            Success = StatusCodes.Status201Created,
            Refusals = [400, 409, 413, 415],
        },
        new(HttpMethods.Get, "", api.ListAsync, RequestParameters.List, typeof(ApiKeyPageJson))
        {
            Name = "ListFlowBeaconApiKeys",
            Summary = "List keys",
            Description =
                "Includes keys from configuration. In the order of their ids, which is the order of creation for keys created here.",
            Refusals = [400],
        },
        new(HttpMethods.Get, "/audit", api.ReadAuditAsync, RequestParameters.Audit, typeof(AuditPageJson))
        {
            Name = "ReadFlowBeaconAudit",
            Summary = "Read the audit trail",
            Description = "Newest first.",
            Refusals = [400],
        },
        new(HttpMethods.Get, "/{id}", api.GetAsync, RequestParameters.Key, typeof(UsedApiKeyJson))
        {
            Name = "GetFlowBeaconApiKey",
            Summary = "Get a key",
            Description = "Its ETag names the version for If-Match.",
            Refusals = [404],
        },
        new(HttpMethods.Patch, "/{id}", api.UpdateAsync, RequestParameters.Change, typeof(ApiKeyJson))
        {
            Name = "UpdateFlowBeaconApiKey",
            Summary = "Change a key",
            Description =
                "Absent members stay as they are. A change that would deny addresses in use, or disable a key in use, is 409 unless it"
                + " accepts the lock-out risk.",
            Body = typeof(UpdateApiKeyBody),
            IsBodyRequired = true,
            Refusals = [400, 404, 409, 412, 413, 415],
        },
        new(HttpMethods.Post, "/{id}/rotate", api.RotateAsync, RequestParameters.Change, typeof(ApiKeyJson))
        {
            Name = "RotateFlowBeaconApiKey",
            Summary = "Give a key a new secret",
            Description = "The old secret keeps working, with the same configuration, until its grace period ends.",
            Body = typeof(RotateApiKeyBody),
            Refusals = [400, 404, 409, 412, 413, 415],
        },
        new(HttpMethods.Post, "/{id}/end-grace", api.EndGraceAsync, RequestParameters.Change, typeof(ApiKeyJson))
        {
            Name = "EndFlowBeaconApiKeyGrace",
            Summary = "End the grace period of an old secret",
            Description = "The old secret stops working now. If it was used within the last hour this is 409, unless the"
                + " request accepts it.",
            Body = typeof(EndGraceBody),
            Refusals = [400, 404, 409, 412, 413, 415],
        },
        new(HttpMethods.Delete, "/{id}", api.RevokeAsync, RequestParameters.Revoke, typeof(ApiKeyJson))
        {
            Name = "RevokeFlowBeaconApiKey",
            Summary = "Revoke a key",
            Description = "Immediate and final, for every secret of the key. Revoking a revoked key changes nothing.",
            Refusals = [400, 404, 409, 412, 413, 415],
        },
        new(HttpMethods.Get, "/denials", traffic.ReadAllDenialsAsync, RequestParameters.Denials, typeof(DenialsJson))
        {
            Name = "ReadFlowBeaconDenials",
            Summary = "Read recent denials",
            Description = "One row for each key, address and reason.",
            Refusals = [400],
        },
        new(HttpMethods.Get, "/{id}/denials", traffic.ReadDenialsAsync, RequestParameters.KeyDenials, typeof(DenialsJson))
        {
            Name = "ReadFlowBeaconApiKeyDenials",
            Summary = "Read a key's recent denials",
            Description = "One row for each address and reason.",
            Refusals = [400, 404],
        },
        new(HttpMethods.Get, "/{id}/sources", traffic.ReadSourcesAsync, RequestParameters.Key, typeof(SourcesJson))
        {
            Name = "ReadFlowBeaconApiKeySources",
            Summary = "Read where a key was used from",
            Description = "Successful uses, by address.",
            Refusals = [404],
        },
        new(HttpMethods.Get, "/{id}/suggestion", traffic.SuggestAsync, RequestParameters.Suggest, typeof(SuggestionJson))
        {
            Name = "SuggestFlowBeaconAllowlist",
            Summary = "Suggest a key's list",
            Description = "Based on where the key was used from.",
            Refusals = [400, 404],
        },
        new(HttpMethods.Post, "/{id}/try", traffic.TryAsync, RequestParameters.Key, typeof(TryJson))
        {
            Name = "TryFlowBeaconAddress",
            Summary = "Try the check with an address",
            Description = "Changes nothing, and does not count as a use of the key.",
            Body = typeof(TryBody),
            IsBodyRequired = true,
            Refusals = [400, 404, 413, 415],
        },
        new(HttpMethods.Post, "/{id}/recover", traffic.RecoverAsync, RequestParameters.Key, typeof(ApiKeyJson))
        {
            Name = "RecoverFlowBeaconApiKey",
            Summary = "Allow the caller's address for a locked-out key",
            Description =
                "Once an hour for each key, if it was denied from there within the last hour or is in the body. Also by break-glass keys.",
            Body = typeof(RecoverApiKeyBody),
            Refusals = [400, 404, 409, 413, 415],
        },
    ];

    private static IEnumerable<object> MetadataOf(Route route)
    {
        yield return route.Parameters.Method;
        foreach (ParameterInfo parameter in route.Parameters.Method.GetParameters())
        {
            yield return new ParameterDescription(parameter);
        }

        if (route.Body is not null)
        {
            // With the JSON type alone, routing would answer any other type with an empty 415, before authorization.
            yield return new AcceptsMetadata([Json, "*/*"], route.Body, isOptional: !route.IsBodyRequired);
        }

        yield return new ProducesResponseTypeMetadata(route.Success, route.Answer, [Json]);
        foreach (int status in Route.RefusalsOfAll.Concat(route.Refusals))
        {
            yield return new ProducesResponseTypeMetadata(status, typeof(ManagementProblemJson), ["application/problem+json"]);
        }
    }

    /// <summary>One route with its OpenAPI description.</summary>
    private sealed record Route(string Method, string Pattern, RequestDelegate Handler, Delegate Parameters, Type Answer)
    {
        /// <summary>The refusals of every route: callers that are not authorized, and an unavailable store, audit log or traffic.</summary>
        public static readonly int[] RefusalsOfAll = [401, 403, 503];

        public required string Name { get; init; }

        public required string Summary { get; init; }

        public required string Description { get; init; }

        public int Success { get; init; } = StatusCodes.Status200OK;

        public Type? Body { get; init; }

        public bool IsBodyRequired { get; init; }

        /// <summary>The statuses of its other refusals.</summary>
        public required int[] Refusals { get; init; }
    }

    private sealed class ParameterDescription(ParameterInfo parameter) : IParameterBindingMetadata
    {
        public string Name => parameter.Name!;

        public bool HasTryParse => parameter.ParameterType != typeof(string);

        public bool HasBindAsync => false;

        public ParameterInfo ParameterInfo => parameter;

        public bool IsOptional => parameter.Name != "id";
    }
}
