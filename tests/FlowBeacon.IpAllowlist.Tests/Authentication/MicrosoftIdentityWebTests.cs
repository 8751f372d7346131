using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Identity.Web;

namespace FlowBeacon.IpAllowlist.Tests.Authentication
{
    /// <summary>
    /// Microsoft.Identity.Web also marks endpoints with the scopes they need. With the namespaces of both imported, as in this file, each
    /// call reaches the library whose name it bears.
    /// </summary>
    public sealed class MicrosoftIdentityWebTests
    {
        [Fact]
        public async Task Its_RequireScope_is_not_taken_over_and_demands_no_API_key()
        {
            await using KestrelApp app = await StartAsync();

            (await app.GetPathAsync("/theirs")).Status.Should().Be(200);
            IReadOnlyList<object> metadata = MetadataOf(app, "/theirs");
            metadata.OfType<TheirScopes>().Single().AcceptedScope.Should().Equal("access_as_user");
            metadata.OfType<IAuthorizeData>().Should().BeEmpty();
            metadata.OfType<AuthorizationPolicy>().Should().BeEmpty();
        }

        [Fact]
        public async Task Our_attribute_requires_an_API_key_with_the_scope_and_replaces_theirs()
        {
            await using KestrelApp app = await StartAsync();

            (await app.GetPathAsync("/ours")).Status.Should().Be(401);
            IReadOnlyList<object> metadata = MetadataOf(app, "/ours");
            metadata.OfType<TheirScopes>().Should().BeEmpty();
            metadata.OfType<AuthorizationPolicy>().Single().AuthenticationSchemes.Should()
                .Equal(ApiKeyAuthenticationDefaults.AuthenticationScheme);
        }

        private static IReadOnlyList<object> MetadataOf(KestrelApp app, string pattern) =>
            app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                .Single(endpoint => endpoint.RoutePattern.RawText == pattern).Metadata;

        private static Task<KestrelApp> StartAsync() => SchemeApp.StartAsync(
            app =>
            {
                app.UseFlowBeaconIpAllowlist();
                app.MapGet("/theirs", () => "in").RequireScope("access_as_user");
                app.MapGet("/ours", () => "in").RequireApiKeyScope("access_as_user");
            },
            options => options.Scopes = ["access_as_user"]);
    }

    /// <summary>What the stand-in below leaves on an endpoint.</summary>
    internal sealed record TheirScopes(IReadOnlyList<string> AcceptedScope);
}

namespace Microsoft.Identity.Web
{
    /// <summary>A stand-in with the namespace, name, type parameter and parameters of Microsoft.Identity.Web's own.</summary>
    internal static class RequiredScopeExtensions
    {
        public static TBuilder RequireScope<TBuilder>(this TBuilder endpointConventionBuilder, params string[] scope)
            where TBuilder : IEndpointConventionBuilder =>
            endpointConventionBuilder.WithMetadata(new FlowBeacon.IpAllowlist.Tests.Authentication.TheirScopes(scope));
    }
}
