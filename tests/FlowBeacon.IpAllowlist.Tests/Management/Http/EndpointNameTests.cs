using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Endpoint names are the ids of operations, and unique in an application.</summary>
public sealed class EndpointNameTests
{
    [Fact]
    public async Task Endpoints_that_are_mapped_twice_have_their_names_once()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(pipeline: app =>
        {
            KeyApiHost.UseAll(app);
            app.MapFlowBeaconApiKeys("/first");
        });

        string?[] names =
        [
            .. host.App.Services.GetRequiredService<EndpointDataSource>().Endpoints
                .Select(endpoint => endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName).OfType<string>(),
        ];

        names.Should().OnlyHaveUniqueItems().And.HaveCount(14);
        host.App.Services.GetRequiredService<LinkGenerator>()
            .GetPathByName("GetFlowBeaconApiKey", new RouteValueDictionary { ["id"] = "a" }).Should().Be("/first/a");
        (await host.SendAsync(KeyApiHost.Administrator, "GET", "/first")).Status.Should().Be(200);
        (await host.SendAsync(KeyApiHost.Administrator, "GET", KeyApiHost.Keys)).Status.Should().Be(200);
    }
}
