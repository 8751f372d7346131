using System.Reflection;
using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>The routes of key administration, with what OpenAPI tells about them.</summary>
internal static class ApiKeyRoutes
{
    private const string Json = "application/json";

    public static IEndpointConventionBuilder Map(RouteGroupBuilder group, ApiKeyEndpoints api, TrafficEndpoints traffic)
    {
        Add(HttpMethods.Post, "", api.CreateAsync, NoParameters, "Create a key",
            StatusCodes.Status201Created, typeof(ApiKeyJson), typeof(CreateApiKeyBody));
        Add(HttpMethods.Get, "", api.ListAsync, ListParameters, "List keys", StatusCodes.Status200OK, typeof(ApiKeyPageJson));
        Add(HttpMethods.Get, "/audit", api.ReadAuditAsync, AuditParameters, "Read the audit trail, newest first",
            StatusCodes.Status200OK, typeof(AuditPageJson));
        Add(HttpMethods.Get, "/{id}", api.GetAsync, KeyParameters, "Get a key", StatusCodes.Status200OK, typeof(ApiKeyJson));
        Add(HttpMethods.Patch, "/{id}", api.UpdateAsync, KeyParameters, "Change a key",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(UpdateApiKeyBody));
        Add(HttpMethods.Post, "/{id}/rotate", api.RotateAsync, KeyParameters, "Give a key a new secret",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(RotateApiKeyBody));
        Add(HttpMethods.Post, "/{id}/end-grace", api.EndGraceAsync, KeyParameters, "End the grace period of an old secret",
            StatusCodes.Status200OK, typeof(ApiKeyJson));
        Add(HttpMethods.Delete, "/{id}", api.RevokeAsync, RevokeParameters, "Revoke a key, for good",
            StatusCodes.Status200OK, typeof(ApiKeyJson));

        Add(HttpMethods.Get, "/denials", traffic.ReadAllDenialsAsync, DenialParameters, "Read recent denials, the last denied first",
            StatusCodes.Status200OK, typeof(DenialsJson));
        Add(HttpMethods.Get, "/{id}/denials", traffic.ReadDenialsAsync, KeyDenialParameters, "Read a key's recent denials",
            StatusCodes.Status200OK, typeof(DenialsJson));
        Add(HttpMethods.Get, "/{id}/sources", traffic.ReadSourcesAsync, KeyParameters, "Read where a key was used from",
            StatusCodes.Status200OK, typeof(SourcesJson));
        Add(HttpMethods.Get, "/{id}/suggestion", traffic.SuggestAsync, SuggestParameters, "Suggest a key's list",
            StatusCodes.Status200OK, typeof(SuggestionJson));
        Add(HttpMethods.Post, "/{id}/try", traffic.TryAsync, KeyParameters, "Try what the check says of an address",
            StatusCodes.Status200OK, typeof(TryJson), typeof(TryBody));
        Add(HttpMethods.Post, "/{id}/recover", traffic.RecoverAsync, KeyParameters, "Allow the caller's address for a locked-out key",
            StatusCodes.Status200OK, typeof(ApiKeyJson), typeof(RecoverApiKeyBody));

        // The guard in each handler authorizes the caller, including what the host demands in addition. Anything that answered before it
        // (a fallback policy, a key required everywhere) would keep out people and the break-glass key that the guard admits.
        return group.WithMetadata(KeyRequirement.Optional, AdministrationEndpoint.Mark).AllowAnonymous();

        void Add(
            string method, string pattern, RequestDelegate handler, Delegate parameters, string summary,
            int success, Type answer, Type? body = null)
        {
            IEndpointConventionBuilder endpoint = group.MapMethods(pattern, [method], handler)
                .WithTags("API keys")
                .WithSummary(summary)
                .WithMetadata(
                    parameters.Method,
                    new ProducesResponseTypeMetadata(success, answer, [Json]),
                    Refusal(StatusCodes.Status400BadRequest),
                    Refusal(StatusCodes.Status401Unauthorized),
                    Refusal(StatusCodes.Status403Forbidden),
                    Refusal(StatusCodes.Status503ServiceUnavailable));
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
                endpoint.WithMetadata(new AcceptsMetadata([Json, "*/*"], body, isOptional: true));
            }
        }
    }

    private static ProducesResponseTypeMetadata Refusal(int status) => new(status, typeof(ManagementProblemJson), ["application/problem+json"]);

    // The handlers take nothing but the request; the signatures below tell OpenAPI what they read from its route and query.
    private static void NoParameters()
    {
    }

    private static void KeyParameters(string id) => _ = id;

    private static void RevokeParameters(string id, [FromQuery(Name = "accept_missing_audit")] bool? acceptMissingAudit) =>
        _ = (id, acceptMissingAudit);

    private static void ListParameters(int? limit, string? after, string? state, string? name, string? prefix, bool? counts) =>
        _ = (limit, after, state, name, prefix, counts);

    private static void AuditParameters(int? limit, string? before, [FromQuery(Name = "key_id")] string? keyId) =>
        _ = (limit, before, keyId);

    private static void DenialParameters([FromQuery(Name = "key_id")] string? keyId, string? address, DateTimeOffset? since, int? limit) =>
        _ = (keyId, address, since, limit);

    private static void KeyDenialParameters(string id, string? address, DateTimeOffset? since, int? limit) =>
        _ = (id, address, since, limit);

    private static void SuggestParameters(string id, [FromQuery(Name = "window_hours")] int? windowHours) => _ = (id, windowHours);

    private sealed class ParameterDescription(ParameterInfo parameter) : IParameterBindingMetadata
    {
        public string Name => parameter.Name!;

        public bool HasTryParse => parameter.ParameterType != typeof(string);

        public bool HasBindAsync => false;

        public ParameterInfo ParameterInfo => parameter;

        public bool IsOptional => parameter.Name != "id";
    }
}
