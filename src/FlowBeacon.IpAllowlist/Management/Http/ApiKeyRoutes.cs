using System.Reflection;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The routes of key administration, with what OpenAPI tells about them.</summary>
internal static class ApiKeyRoutes
{
    private const string Json = "application/json";

    /// <summary>Maps the routes.</summary>
    /// <param name="group">Where.</param>
    /// <param name="api">Answers them.</param>
    /// <param name="traffic">Answers those about traffic.</param>
    /// <param name="withNames">
    /// Whether the endpoints have names, which are the ids of their operations: names are unique in an application, and it may map them
    /// more than once.
    /// </param>
    public static IEndpointConventionBuilder Map(RouteGroupBuilder group, ApiKeyEndpoints api, TrafficEndpoints traffic, bool withNames)
    {
        Add(HttpMethods.Post, "", api.CreateAsync, RequestParameters.None, "CreateFlowBeaconApiKey", "Create a key",
            "The answer is the only one with the raw key, which is kept nowhere.",
            StatusCodes.Status201Created, typeof(ApiKeyJson), typeof(CreateApiKeyBody), isBodyOptional: false);
        Add(HttpMethods.Get, "", api.ListAsync, RequestParameters.List, "ListFlowBeaconApiKeys", "List keys",
            "Those from configuration, too, in the order of their ids, which is that of creation for keys that were made here.",
            StatusCodes.Status200OK, typeof(ApiKeyPageJson));
        Add(HttpMethods.Get, "/audit", api.ReadAuditAsync, RequestParameters.Audit, "ReadFlowBeaconAudit", "Read the audit trail",
            "Newest first.", StatusCodes.Status200OK, typeof(AuditPageJson));
        Add(HttpMethods.Get, "/{id}", api.GetAsync, RequestParameters.Key, "GetFlowBeaconApiKey", "Get a key",
            "Its ETag names the version for If-Match.", StatusCodes.Status200OK, typeof(ApiKeyJson));
        Add(HttpMethods.Patch, "/{id}", api.UpdateAsync, RequestParameters.Change, "UpdateFlowBeaconApiKey", "Change a key",
            "What is absent stays as it is. A change that would deny addresses in use is 409, unless it says that it means it.",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(UpdateApiKeyBody), isBodyOptional: false);
        Add(HttpMethods.Post, "/{id}/rotate", api.RotateAsync, RequestParameters.Change, "RotateFlowBeaconApiKey",
            "Give a key a new secret", "The old one works on, under the same configuration, until its grace period ends.",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(RotateApiKeyBody));
        Add(HttpMethods.Post, "/{id}/end-grace", api.EndGraceAsync, RequestParameters.Change, "EndFlowBeaconApiKeyGrace",
            "End the grace period of an old secret", "The old secret stops working now.",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(EmptyBody));
        Add(HttpMethods.Delete, "/{id}", api.RevokeAsync, RequestParameters.Revoke, "RevokeFlowBeaconApiKey", "Revoke a key",
            "At once, for every secret of the key, and for good. Revoking a revoked key changes nothing.",
            StatusCodes.Status200OK, typeof(ApiKeyJson));

        Add(HttpMethods.Get, "/denials", traffic.ReadAllDenialsAsync, RequestParameters.Denials, "ReadFlowBeaconDenials",
            "Read recent denials", "The last denied first.", StatusCodes.Status200OK, typeof(DenialsJson));
        Add(HttpMethods.Get, "/{id}/denials", traffic.ReadDenialsAsync, RequestParameters.KeyDenials, "ReadFlowBeaconApiKeyDenials",
            "Read a key's recent denials", "The last denied first.", StatusCodes.Status200OK, typeof(DenialsJson));
        Add(HttpMethods.Get, "/{id}/sources", traffic.ReadSourcesAsync, RequestParameters.Key, "ReadFlowBeaconApiKeySources",
            "Read where a key was used from", "Successful uses, by address.", StatusCodes.Status200OK, typeof(SourcesJson));
        Add(HttpMethods.Get, "/{id}/suggestion", traffic.SuggestAsync, RequestParameters.Suggest, "SuggestFlowBeaconAllowlist",
            "Suggest a key's list", "By where the key was used from.", StatusCodes.Status200OK, typeof(SuggestionJson));
        Add(HttpMethods.Post, "/{id}/try", traffic.TryAsync, RequestParameters.Key, "TryFlowBeaconAddress",
            "Try what the check says of an address", "Changes nothing, and is no use of the key.",
            StatusCodes.Status200OK, typeof(TryJson), typeof(TryBody), isBodyOptional: false);
        Add(HttpMethods.Post, "/{id}/recover", traffic.RecoverAsync, RequestParameters.Key, "RecoverFlowBeaconApiKey",
            "Allow the caller's address for a locked-out key",
            "Once an hour for each key, if it was denied from there within the last hour, or is shown. For break-glass keys, too.",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(RecoverApiKeyBody));

        // The guard in each handler authorizes the caller, including what the host demands in addition. Anything that answered before it
        // (a fallback policy, a key required everywhere) would keep out people and the break-glass key that the guard admits.
        return group.WithMetadata(KeyRequirement.Optional, AdministrationEndpoint.Mark).AllowAnonymous();

        void Add(
            string method, string pattern, RequestDelegate handler, Delegate parameters, string name, string summary, string description,
            int success, Type answer, Type? body = null, bool isBodyOptional = true)
        {
            IEndpointConventionBuilder endpoint = group.MapMethods(pattern, [method], handler)
                .WithTags("API keys")
                .WithSummary(summary)
                .WithDescription(description)
                .WithMetadata(
                    parameters.Method,
                    new ProducesResponseTypeMetadata(success, answer, [Json]),
                    Refusal(StatusCodes.Status400BadRequest),
                    Refusal(StatusCodes.Status401Unauthorized),
                    Refusal(StatusCodes.Status403Forbidden),
                    Refusal(StatusCodes.Status503ServiceUnavailable));
            if (withNames)
            {
                endpoint.WithName(name);
            }

            foreach (ParameterInfo parameter in parameters.Method.GetParameters())
            {
                endpoint.WithMetadata(new ParameterDescription(parameter));
            }

            if (pattern.Contains("{id}", StringComparison.Ordinal))
            {
                endpoint.WithMetadata(Refusal(StatusCodes.Status404NotFound));
            }

            if (method != HttpMethods.Get)
            {
                endpoint.WithMetadata(
                    Refusal(StatusCodes.Status409Conflict),
                    Refusal(StatusCodes.Status412PreconditionFailed),
                    Refusal(StatusCodes.Status413PayloadTooLarge),
                    Refusal(StatusCodes.Status415UnsupportedMediaType));
            }

            if (body is not null)
            {
                // With the JSON type alone, routing would answer any other by an empty 415, before it is decided who may ask.
                endpoint.WithMetadata(new AcceptsMetadata([Json, "*/*"], body, isBodyOptional));
            }
        }
    }

    private static ProducesResponseTypeMetadata Refusal(int status) =>
        new(status, typeof(ManagementProblemJson), ["application/problem+json"]);

    private sealed class ParameterDescription(ParameterInfo parameter) : IParameterBindingMetadata
    {
        public string Name => parameter.Name!;

        public bool HasTryParse => parameter.ParameterType != typeof(string);

        public bool HasBindAsync => false;

        public ParameterInfo ParameterInfo => parameter;

        public bool IsOptional => parameter.Name != "id";
    }
}
