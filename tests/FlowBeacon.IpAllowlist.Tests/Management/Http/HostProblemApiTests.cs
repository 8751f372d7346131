using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Refusals of key administration in a host that calls <c>AddProblemDetails()</c>.</summary>
public sealed class HostProblemApiTests
{
    private const string Keys = KeyApiHost.Keys;

    public static TheoryData<string?, string, string?, int, string> Refusals => new()
    {
        { null, Keys, null, 401, "sign-in-required" },
        { KeyApiHost.Member, Keys, null, 403, "role-required" },
        { KeyApiHost.Administrator, Keys + "/nobodys", null, 404, "key-not-found" },
        { KeyApiHost.Administrator, Keys, """{"name":"a","allowed_ips":["10.0.0.0/8"]}""", 400, "validation" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Have_its_customisation_and_keep_our_status_and_headers(
        string? person, string target, string? body, int status, string type)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.AddProblemDetails(options =>
            options.CustomizeProblemDetails = problem =>
            {
                problem.ProblemDetails.Extensions["support"] = "ops@host.example";
                problem.HttpContext.Response.StatusCode = 200;
                problem.HttpContext.Response.Headers.CacheControl = "public";
            }));
        await using KeyApiHost plain = await KeyApiHost.StartAsync();
        string method = body is null ? "GET" : "POST";

        Answer answer = await host.SendAsync(person, method, target, body);
        Answer expected = await plain.SendAsync(person, method, target, body);

        answer.Status.Should().Be(status).And.Be(expected.Status);
        answer.Json.GetProperty("type").GetString().Should().Be("urn:flowbeacon:problems/" + type);
        answer.Json.GetProperty("support").GetString().Should().Be("ops@host.example");
        answer.Json.GetProperty("traceId").GetString().Should().NotBeEmpty();
        foreach (JsonProperty member in expected.Json.EnumerateObject())
        {
            JsonElement.DeepEquals(answer.Json.GetProperty(member.Name), member.Value).Should().BeTrue(member.Name);
        }
    }
}
