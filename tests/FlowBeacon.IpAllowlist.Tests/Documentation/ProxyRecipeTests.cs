using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>The recipes of docs/proxies.md, run with the real programs and with the settings beside them.</summary>
public sealed partial class ProxyRecipeTests
{
    /// <summary>Where clients, a proxy in front and the load balancer are. The edge itself connects from 127.0.0.1.</summary>
    private static readonly IPAddress Stranger = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress ProxyInFront = IPAddress.Parse("127.0.0.3");
    private static readonly IPAddress Listed = IPAddress.Parse("127.0.0.4");

    private const string BothTrusted =
        """{ "FlowBeacon": { "IpAllowlist": { "ClientIpSource": "TrustedProxies", "TrustedProxies": ["127.0.0.1", "127.0.0.3"] } } }""";

    private const string First = """{ "FlowBeacon": { "IpAllowlist": { "ClientIpSource": "ForwardedForFirst" } } }""";

    private static readonly (string Heading, string Program)[] All =
    [
        ("nginx, replacing", "nginx"), ("nginx, appending", "nginx"),
        ("HAProxy, replacing", "haproxy"), ("HAProxy, appending", "haproxy"),
        ("Caddy, replacing", "caddy"), ("Caddy, appending", "caddy"),
    ];

    private static readonly string[] Languages = ["nginx", "haproxy", "caddyfile"];

    private static readonly string[] AllServices =
    [
        "AWS Application Load Balancer", "Azure Front Door", "Azure Application Gateway",
        "Google Cloud Application Load Balancer, external", "Cloudflare",
    ];

    public static TheoryData<string, string> Recipes => Of("");

    public static TheoryData<string, string> Replacing => Of("replacing");

    public static TheoryData<string, string> Appending => Of("appending");

    public static TheoryData<string> CloudServices => [.. AllServices];

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task The_recipe_with_its_settings_keeps_forgers_out_and_lets_clients_in(string heading, string program)
    {
        (string configuration, string settings) = Recipe(heading);

        await KeepsItsPromisesAsync(program, configuration, settings);
    }

    [Theory]
    [MemberData(nameof(Replacing))]
    public async Task A_replacing_recipe_is_safe_with_trusted_proxies_too(string heading, string program) =>
        await KeepsItsPromisesAsync(program, Recipe(heading).Configuration, BothTrusted);

    [Theory]
    [MemberData(nameof(Appending))]
    public async Task An_appending_recipe_finds_the_client_of_a_proxy_in_front(string heading, string program)
    {
        await using KestrelApp app = await StartAsync(BothTrusted);
        await using EdgeProxy edge = await EdgeProxy.StartRecipeAsync(program, Recipe(heading).Configuration, app.IPv4);

        RawResponse listed = await edge.GetFromAsync(ProxyInFront, Key, HeaderLine.ForwardedFor($"192.0.2.1, {Listed}"));
        RawResponse forger = await edge.GetFromAsync(ProxyInFront, Key, HeaderLine.ForwardedFor($"{Listed}, 192.0.2.1"));

        listed.Status.Should().Be(200);
        forger.Status.Should().Be(403);
        forger.Content.Should().Contain("\"client_ip\":\"192.0.2.1\"");
    }

    [Theory]
    [MemberData(nameof(Appending))]
    public async Task An_appending_recipe_is_forgeable_with_the_first_entry(string heading, string program)
    {
        await using KestrelApp app = await StartAsync(First);
        await using EdgeProxy edge = await EdgeProxy.StartRecipeAsync(program, Recipe(heading).Configuration, app.IPv4);

        // Caddy appends to what the proxy in front sends, and to nothing else.
        RawResponse forger = await edge.GetFromAsync(ProxyInFront, Key, HeaderLine.ForwardedFor($"{Listed}, 192.0.2.1"));
        RawResponse health = await edge.GetFromAsync(
            ProxyInFront, "/governance/health", [Key, HeaderLine.ForwardedFor("192.0.2.1")]);

        forger.Status.Should().Be(200);
        health.Content.Should().Contain("\"client_ip\":\"192.0.2.1\"", "the page says so of its request");
    }

    [Theory]
    [InlineData(First, 200)]
    [InlineData(BothTrusted, 403)]
    public async Task A_client_that_reaches_the_application_directly_can_forge_its_address_or_not(string settings, int status)
    {
        await using KestrelApp app = await StartAsync(settings);

        RawResponse response = await EdgeProxy.GetAsync(app.IPv4, Stranger, "/", [Key, HeaderLine.ForwardedFor($"{Listed}")]);

        response.Status.Should().Be(status);
    }

    [Theory]
    [MemberData(nameof(CloudServices))]
    public async Task A_header_of_the_shape_that_a_cloud_service_documents_is_read_as_the_client(string service)
    {
        string header = CloudHeader(service, wrote: $"{Listed}", client: "198.51.100.9");

        RawResponse forger = await ThroughLoadBalancerAsync(header, "127.0.0.1", "192.0.2.10");
        RawResponse client = await ThroughLoadBalancerAsync(
            CloudHeader(service, wrote: "unknown", client: $"{Listed}"), "127.0.0.1", "192.0.2.10");

        forger.Status.Should().Be(403);
        forger.Content.Should().Contain("\"client_ip\":\"198.51.100.9\"");
        client.Status.Should().Be(200);
    }

    [Fact]
    public async Task Without_its_own_address_in_the_list_googles_load_balancer_is_taken_for_the_client()
    {
        string header = CloudHeader("Google Cloud Application Load Balancer, external", wrote: "unknown", client: $"{Listed}");

        (await ThroughLoadBalancerAsync(header, "127.0.0.1")).Content.Should().Contain("\"client_ip\":\"192.0.2.10\"");
    }

    [Fact]
    public void The_page_has_no_recipe_and_no_cloud_service_that_is_not_tried()
    {
        Sections().Where(section => Languages.Any(language => section.Blocks(language).Count > 0)).Select(section => section.Heading)
            .Should().BeEquivalentTo(All.Select(recipe => recipe.Heading));
        CloudRows().Select(row => row.Groups["service"].Value)
            .Should().BeEquivalentTo(AllServices);
    }

    private static string Key => HeaderLine.Bearer(TestKeys.Restricted);

    private static TheoryData<string, string> Of(string kind)
    {
        var data = new TheoryData<string, string>();
        foreach ((string heading, string program) in All.Where(recipe => recipe.Heading.EndsWith(kind, StringComparison.Ordinal)))
        {
            data.Add(heading, program);
        }

        return data;
    }

    private static async Task KeepsItsPromisesAsync(string program, string configuration, string settings)
    {
        await using KestrelApp app = await StartAsync(settings);
        await using EdgeProxy edge = await EdgeProxy.StartRecipeAsync(program, configuration, app.IPv4);

        RawResponse forger = await edge.GetFromAsync(Stranger, Key, HeaderLine.ForwardedFor($"{Listed}"));
        RawResponse client = await edge.GetFromAsync(Listed, Key);
        RawResponse unreadable = await edge.GetFromAsync(Listed, Key, HeaderLine.ForwardedFor("unknown, [::1"));
        RawResponse health = await edge.GetFromAsync(Stranger, "/governance/health", [Key, HeaderLine.ForwardedFor("192.0.2.1")]);

        forger.Status.Should().Be(403);
        forger.Content.Should().Contain($"\"client_ip\":\"{Stranger}\"");
        client.Status.Should().Be(200);
        unreadable.Status.Should().Be(200);
        health.Content.Should().Contain($"\"client_ip\":\"{Stranger}\"");
    }

    /// <summary>A request as a load balancer at 127.0.0.1 hands it on.</summary>
    private static async Task<RawResponse> ThroughLoadBalancerAsync(string header, params string[] trustedProxies)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store($"{Listed}"), options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            foreach (string proxy in trustedProxies)
            {
                options.TrustedProxies.Add(proxy);
            }
        });
        return await app.GetAsync(Key, HeaderLine.ForwardedFor(header));
    }

    /// <summary>An application with the settings of a recipe.</summary>
    private static Task<KestrelApp> StartAsync(string settings) => KestrelApp.StartAsync(
        TestKeys.Store($"{Listed}"),
        configure: builder =>
        {
            // Only the settings of the page: a list of another file would be a fault.
            builder.Configuration.Sources.Clear();
            builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings)));
            builder.Services.AddFlowBeaconIpAllowlist(builder.Configuration.GetSection("FlowBeacon:IpAllowlist"));
        },
        pipeline: app =>
        {
            app.UseFlowBeaconIpAllowlist();
            app.MapFlowBeaconHealth();
            app.MapGet("/", () => "");
        });

    private static (string Configuration, string Settings) Recipe(string heading)
    {
        DocumentationSection recipe = Sections().Should().ContainSingle(section => section.Heading == heading).Which;
        return (Languages.SelectMany(recipe.Blocks).Should().ContainSingle().Which, recipe.Blocks("json").Should().ContainSingle().Which);
    }

    private static string CloudHeader(string service, string wrote, string client) =>
        CloudRows().Should().ContainSingle(row => row.Groups["service"].Value == service).Which.Groups["header"].Value
            .Replace("<what the client wrote>", wrote, StringComparison.Ordinal)
            .Replace("<client>", client, StringComparison.Ordinal)
            .Replace("<port>", "4711", StringComparison.Ordinal)
            .Replace("<load balancer>", "192.0.2.10", StringComparison.Ordinal);

    private static IEnumerable<Match> CloudRows() => Sections().SelectMany(section => CloudRow().Matches(section.Text));

    private static IReadOnlyList<DocumentationSection> Sections() => DocumentationSection.Of("proxies.md");

    [GeneratedRegex(@"^\| (?<service>[^|]+) \| `(?<header><what the client wrote>, [^`]+)` \| ", RegexOptions.Multiline)]
    private static partial Regex CloudRow();
}
