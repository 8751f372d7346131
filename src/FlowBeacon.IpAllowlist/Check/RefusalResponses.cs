using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>Describes the refusals of an endpoint that requires a key in the host's OpenAPI document.</summary>
internal static class RefusalResponses
{
    /// <summary>Describes endpoints once everything else about them is known.</summary>
    public static void Describe(IEndpointConventionBuilder builder)
    {
        try
        {
            builder.Finally(Describe);
        }
        catch (NotImplementedException)
        {
            // An endpoint builder written for a version before .NET 7. Its endpoints work, but are not described.
        }
    }

    private static void Describe(EndpointBuilder endpoint)
    {
        bool isKeyRequired =
            endpoint.Metadata.OfType<IKeyRequirementMetadata>().LastOrDefault()?.Requirement == KeyRequirement.Required
            || endpoint.Metadata.OfType<IScopeRequirement>().Any();
        if (!isKeyRequired)
        {
            return;
        }

        if (!endpoint.Metadata.Any(about => about is IProducesResponseTypeMetadata or IApiResponseMetadataProvider))
        {
            // The default answer of an endpoint without a description.
            endpoint.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK));
        }

        Add(endpoint, StatusCodes.Status401Unauthorized, typeof(ProblemJson));
        Add(endpoint, StatusCodes.Status403Forbidden, typeof(DeniedProblemJson));
    }

    /// <summary>Adds a response, unless the host describes that status itself.</summary>
    private static void Add(EndpointBuilder endpoint, int status, Type type)
    {
        if (!endpoint.Metadata.Any(about => about is IProducesResponseTypeMetadata said && said.StatusCode == status))
        {
            endpoint.Metadata.Add(new ProducesResponseTypeMetadata(status, type, [Problem.ContentType]));
        }
    }
}
