using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Controllers with attributes. They are internal, so that hosts of other tests do not find them.</summary>
internal static class AttributedControllers
{
    public static WebApplicationBuilder AddControllers(this WebApplicationBuilder builder, params Type[] controllers)
    {
        builder.Services.AddControllers().ConfigureApplicationPartManager(parts =>
        {
            parts.FeatureProviders.Clear();
            parts.FeatureProviders.Add(new Only(controllers));
        });
        return builder;
    }

    private static string OutcomeOf(HttpContext context) => context.Features.Get<IIpAllowlistFeature>()?.Outcome.ToString() ?? "unchecked";

    private sealed class Only(Type[] controllers) : IApplicationFeatureProvider<ControllerFeature>
    {
        public void PopulateFeature(IEnumerable<ApplicationPart> parts, ControllerFeature feature)
        {
            foreach (Type controller in controllers)
            {
                feature.Controllers.Add(controller.GetTypeInfo());
            }
        }
    }

    [RequireApiKey]
    [Route("/requiring")]
    internal sealed class RequiringController : ControllerBase
    {
        [HttpGet("plain")]
        public string Plain() => OutcomeOf(HttpContext);

        [AllowMissingApiKey]
        [HttpGet("optional")]
        public string Optional() => OutcomeOf(HttpContext);

        [DisableIpAllowlist]
        [HttpGet("disabled")]
        public string Disabled() => OutcomeOf(HttpContext);
    }

    [DisableIpAllowlist]
    [Route("/exempt")]
    internal sealed class ExemptController : ControllerBase
    {
        [HttpGet("plain")]
        public string Plain() => OutcomeOf(HttpContext);

        [RequireApiKey]
        [HttpGet("required")]
        public string Required() => OutcomeOf(HttpContext);
    }

    [Route("/silent")]
    internal sealed class SilentController : ControllerBase
    {
        [HttpGet("plain")]
        public string Plain() => OutcomeOf(HttpContext);

        [RequireApiKey]
        [HttpGet("required")]
        public string Required() => OutcomeOf(HttpContext);
    }

    [RequireApiKeyScope(ApiKeyScopes.GovernanceRead)]
    [Route("/scoped")]
    internal sealed class ScopedController : ControllerBase
    {
        [HttpGet("read")]
        public string Read() => "in";

        [RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate)]
        [HttpGet("both")]
        public string Both() => "in";
    }
}
