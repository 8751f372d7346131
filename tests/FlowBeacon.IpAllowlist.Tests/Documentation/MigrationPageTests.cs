using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>The commands, configurations and claims of docs/migration.md.</summary>
public sealed partial class MigrationPageTests : IDisposable
{
    /// <summary>The header in which a test sets the address of a request.</summary>
    private const string Peer = "Test-Peer";

    private readonly KeyFolder _folder = new();

    /// <summary>Addresses on the safelist, in several spellings, and others.</summary>
    private static readonly string[] Addresses =
    [
        "127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "192.168.1.5", "::ffff:192.168.1.5", "::1", "0:0:0:0:0:0:0:1",
        "127.0.0.2", "::ffff:127.0.0.2", "192.168.1.50", "192.168.1.4", "10.0.0.1", "0.0.0.0", "::", "::2", "::127.0.0.1", "2001:db8::1",
    ];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_command_turns_a_safelist_into_the_list_of_the_configuration()
    {
        string list = await ShellAsync(Safelist().Match(Section("safelist").Text).Value);

        list.Should().Be("[\"127.0.0.1\", \"192.168.1.5\", \"::1\"]").And.Be(ListOf(JsonWithKeys("safelist")));
    }

    [Fact]
    public async Task The_command_turns_the_rules_of_nginx_into_the_list_of_the_configuration()
    {
        _folder.Write("allowlist.conf", Rules());

        string list = await ShellAsync(OfNginx().Match(Section("gateway").Text).Value);

        list.Should().Be("[\"203.0.113.7\", \"2001:db8::7\"]").And.Be(ListOf(JsonWithKeys("gateway")));
    }

    [Fact]
    public async Task The_command_reads_rules_of_nginx_with_tabs_too()
    {
        _folder.Write("allowlist.conf", "\tallow\t203.0.113.7;\n \tallow \t 2001:db8::7\t;\n\t# allow 192.0.2.1;\n\tdeny\tall;\n");

        string list = await ShellAsync(OfNginx().Match(Section("gateway").Text).Value);

        list.Should().Be("[\"203.0.113.7\", \"2001:db8::7\"]");
    }

    [Fact]
    public async Task A_key_with_the_list_of_a_safelist_decides_as_the_safelist_did()
    {
        string safelist = Section("safelist").Blocks("json").Select(json => JsonDocument.Parse(json).RootElement)
            .Single(json => json.TryGetProperty("AdminSafeList", out _)).GetProperty("AdminSafeList").GetString()!;
        await using KestrelApp rehearsing = await StartAsync(JsonWithKeys("safelist"));
        await using KestrelApp enforcing = await StartAsync(ModeMember().Replace(JsonWithKeys("safelist"), ""));

        Section("safelist").Text.Should().Contain($"over {Addresses.Length} addresses");
        foreach (string address in Addresses)
        {
            var remote = IPAddress.Parse(address);
            bool isSafe = IsOnSafelist(safelist, remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote);
            string[] request = [HeaderLine.Bearer(TestKeys.Restricted), $"{Peer}: {address}"];

            (await enforcing.GetAsync(request)).Status.Should().Be(isSafe ? 200 : 403, address);
            (await rehearsing.GetAsync(request)).Should().Match<RawResponse>(
                answer => answer.Status == 200 && answer.Content == (isSafe ? "Allowed" : "WouldDeny"), address);
        }

        Addresses.Where(address => IsOnSafelist(safelist, IPAddress.Parse(address))).Should()
            .Equal("127.0.0.1", "192.168.1.5", "::1", "0:0:0:0:0:0:0:1");
    }

    [Fact]
    public async Task A_key_with_the_list_of_nginx_decides_as_nginx_did()
    {
        // The documented address, as one that a test can send from; nginx itself connects from 127.0.0.1.
        string rules = Rules().Replace("203.0.113.7", "127.0.0.4", StringComparison.Ordinal);
        await using KestrelApp open = await StartAsync(KeyJson.File(KeyJson.Key("acme", TestKeys.Restricted)));
        await using KestrelApp app = await StartAsync(
            JsonWithKeys("gateway").Replace("203.0.113.7", "127.0.0.4", StringComparison.Ordinal), ClientIpSource.TrustedProxies);
        await using EdgeProxy before = await EdgeProxy.StartAsync("nginx", rules, open.IPv4);
        await using EdgeProxy after = await EdgeProxy.StartAsync(
            "nginx", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", app.IPv4);

        foreach ((string client, int status) in new[] { ("127.0.0.4", 200), ("127.0.0.2", 403) })
        {
            string key = HeaderLine.Bearer(TestKeys.Restricted);
            (await before.GetFromAsync(IPAddress.Parse(client), key)).Status.Should().Be(status, $"nginx decides about {client}");
            (await after.GetFromAsync(IPAddress.Parse(client), key)).Status.Should().Be(status, $"the key decides about {client}");
        }
    }

    /// <summary>The rule by which the documentation's middleware compares the address of a request with each of its list.</summary>
    private static bool IsOnSafelist(string safelist, IPAddress remote) =>
        safelist.Split(';').Any(entry => IPAddress.Parse(entry).GetAddressBytes().SequenceEqual(remote.GetAddressBytes()));

    private async Task<KestrelApp> StartAsync(string json, ClientIpSource source = ClientIpSource.PeerAddress)
    {
        string file = _folder.Write($"{Guid.NewGuid():n}.json", json.Replace(
            "<64 hex>", KeyJson.Hash(TestKeys.Restricted), StringComparison.Ordinal));
        return await KestrelApp.StartAsync(
            options: options =>
            {
                options.ClientIpSource = source;
                if (source == ClientIpSource.TrustedProxies)
                {
                    options.TrustedProxies.Add("127.0.0.1");
                }
            },
            configure: builder =>
            {
                builder.Configuration.AddJsonFile(file);
                builder.Services.AddFlowBeaconIpAllowlist()
                    .AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
            },
            pipeline: app =>
            {
                app.Use((context, next) =>
                {
                    if (context.Request.Headers.TryGetValue(Peer, out var peer))
                    {
                        context.Connection.RemoteIpAddress = IPAddress.Parse(peer.ToString());
                    }

                    return next(context);
                });
                app.UseFlowBeaconIpAllowlist();
                app.MapGet("/", (Microsoft.AspNetCore.Http.HttpContext context) =>
                    context.Features.Get<IIpAllowlistFeature>()!.Outcome.ToString());
            });
    }

    /// <summary>Runs a command of the page in the folder of the test.</summary>
    private async Task<string> ShellAsync(string command)
    {
        Requires.Program("sh");
        var start = new ProcessStartInfo("sh", ["-euc", command]) { WorkingDirectory = _folder.FullName, RedirectStandardOutput = true };
        using Process shell = Process.Start(start)!;
        string output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        shell.ExitCode.Should().Be(0, command);
        return output.Trim('\n');
    }

    private static string ListOf(string json) => AllowedIps().Match(json).Groups["list"].Value;

    private static string JsonWithKeys(string section) =>
        Section(section).Blocks("json").Should().ContainSingle(json => json.Contains("\"Keys\"")).Which;

    private static string Rules() => Section("gateway").Blocks("nginx").Should().ContainSingle().Which;

    private static DocumentationSection Section(string word) =>
        DocumentationSection.Of("migration.md").Should().ContainSingle(section => section.Heading.Contains(word)).Which;

    [GeneratedRegex("^printf .*$", RegexOptions.Multiline)]
    private static partial Regex Safelist();

    [GeneratedRegex("^sed .*$", RegexOptions.Multiline)]
    private static partial Regex OfNginx();

    [GeneratedRegex("\"AllowedIps\": (?<list>\\[[^]]*\\])")]
    private static partial Regex AllowedIps();

    [GeneratedRegex(",\\s*\"AllowlistMode\": \"ReportOnly\"")]
    private static partial Regex ModeMember();
}
