using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Common;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// Compares trying an address with a real request over a socket that has the same relevant bytes.
/// </summary>
public sealed class TryProperties
{
    private const int Requests = 10_000;

    private static readonly string Administrator = $"{PersonHandler.Header}: {KeyApiHost.Administrator}";

    /// <summary>With <see cref="ClientIpSource.TrustedProxies"/>, two peers are nobody's proxy, and one of those is listed.</summary>
    private static readonly string[] TrustedProxies = [.. ResolverCase.TrustedProxies, "127.0.0.2", "127.0.0.16/28", "::1"];

    private static readonly string[] Peers = ["127.0.0.1", "127.0.0.9", "127.0.0.2", "127.0.0.17", "::1"];

    private static readonly NewApiKey[] Keys =
    [
        new() { Name = "IPv4", AllowedIps = ["203.0.113.7", "198.51.100.1", "127.0.0.9"] },
        new() { Name = "IPv6", AllowedIps = ["2001:db8::7", "::1", "::", "203.0.113.7"] },
        new() { Name = "proxies", AllowedIps = ["127.0.0.2", "127.0.0.17", "10.0.0.5", "2001:db8:aaaa::1"] },
        new() { Name = "no list", AllowedIps = [] },
        new() { Name = "rehearsal", AllowedIps = ["203.0.113.7", "2001:db8::7", "127.0.0.1"], AllowlistMode = AllowlistMode.ReportOnly },
        new() { Name = "unreadable rehearsal", AllowedIps = ["203.0.113.7"], AllowlistMode = AllowlistMode.ReportOnly },
    ];

    private static readonly Gen<string> Listed =
        Forwarded("203.0.113.7", "198.51.100.1", "2001:db8::7", "::1", "::", "127.0.0.9", "127.0.0.1");

    private static readonly Gen<string> Hop =
        Forwarded("10.0.0.5", "10.0.0.6", "192.0.2.1", "2001:db8:aaaa::1", "127.0.0.2", "127.0.0.17", "::1");

    private static readonly Gen<string> Junk = Gen.OneOf(
        AddressGen.ForwardedText,
        Gen.OneOf(
            "unknown", "_hidden", "\"203.0.113.7\"", "203.0.113.7\u00a0", "203.0.113.007", "203.0.113.7 10.0.0.5", "for=203.0.113.7",
            "fe80::1%eth0"),
        Gen.String[0, 10]);

    private static readonly Gen<string> Member = Gen.Frequency(
        (5, Listed),
        (5, Hop),
        (2, AddressGen.ForwardedSpellings(AddressGen.Groups).Select(address => address.Text)),
        (1, Junk),
        (2, Gen.Const("")));

    private static readonly Gen<string[]> Lines = Gen.Frequency(
        (4, AddressGen.ForwardedForLines(Member)),
        (2, AddressGen.ForwardedForLines(Hop)),
        (1, AddressGen.ForwardedForLines(Gen.Frequency((20, Gen.Const("")), (1, Member)))),
        (1, AddressGen.ForwardedForLines(Junk)));

    private static readonly Gen<Generated> AnyRequest = Gen.Select(
        Gen.Int[0, Keys.Length - 1],
        AddressGen.Spellings(AddressGen.GroupsOf(Peers)),
        Lines.Select(lines => lines.Select(OnlyFieldCharacters).ToArray()),
        Gen.Bool,
        (key, peer, lines, shortly) => new Generated(key, peer, lines, shortly));

    /// <summary>A source, and what its requests must have shown for the agreement to mean something.</summary>
    public static TheoryData<ClientIpSource, string[]> Sources => new()
    {
        {
            ClientIpSource.ForwardedForFirst,
            [
                "allowed forwarded_for", "allowed peer", "denied forwarded_for", "denied peer", "denied none", "would_deny none",
                "unrestricted none",
            ]
        },
        {
            ClientIpSource.TrustedProxies,
            [
                "allowed forwarded_for", "allowed peer", "denied forwarded_for",
                "denied peer", "denied none", "would_deny none", "unrestricted none",
                "over 20 hops",
            ]
        },
        { ClientIpSource.PeerAddress, ["allowed peer", "denied peer", "would_deny peer", "unrestricted peer"] },
    };

    [Theory]
    [MemberData(nameof(Sources))]
    public async Task Trying_and_a_real_request_agree(ClientIpSource source, string[] shown)
    {
        IpAllowlistFeature? seen = null;
        await using KeyApiHost host = await StartAsync(
            source, context => seen = (IpAllowlistFeature)context.Features.Get<IIpAllowlistFeature>()!);
        IssuedApiKey[] keys = await CreateKeysAsync(host);
        Dictionary<IPAddress, KeepAliveClient> clients = await ConnectAsync(host);
        using KeepAliveClient person = await KeepAliveClient.ConnectAsync(host.App.IPv4);
        var times = new Dictionary<string, int>();

        await AnyRequest.SampleAsync(
            async request =>
            {
                IssuedApiKey key = keys[request.Key];
                Task<(int Status, string Body)> sending = clients[request.Peer.Address].GetAsync(
                    [HeaderLine.Bearer(key.RawKey), .. request.Lines.Select(line => HeaderLine.ForwardedFor(AsUtf8(line)))]);
                Task<Verdict> trying = TryAsync(person, key, request.ToJson());
                (int status, string body) = await sending;
                Verdict tried = await trying;

                IpAllowlistFeature found = seen!;
                string? ip = found.ClientIp?.ToString();
                found.Key!.Id.Should().Be(key.Details.Key.Id);
                tried.Should().Be(new Verdict(
                    status, SnakeCase.Of(found.Outcome), ip, SnakeCase.Of(found.ClientIpOrigin),
                    found.Client.Hop == 0 ? null : found.Client.Hop,
                    found.Outcome == IpAllowlistOutcome.Allowed ? ip : null,
                    found.DenialReason is { } reason ? SnakeCase.Of(reason) : null));
                if (status == 403)
                {
                    JsonDocument.Parse(body).RootElement.GetProperty("client_ip").GetString().Should().Be(tried.Ip);
                }

                if (ip is not null)
                {
                    (await TryAsync(person, key, $$"""{"ip":"{{ip}}"}""")).Should().Be(tried with { Origin = "given", Hop = null });
                }

                Count(times, $"{tried.Outcome} {tried.Origin}");
                Count(times, tried.Outcome);
                Count(times, tried.Hop > 20 ? "over 20 hops" : "at most 20 hops");
            },
            iter: Requests,
            threads: 1);

        times.Where(count => count.Value > Requests / 200).Select(count => count.Key).Should().Contain(shown);
        JsonElement record = (await host.SendAsync(KeyApiHost.Administrator, "GET", $"{KeyApiHost.Keys}/denials")).Json;
        record.GetProperty("denied").GetInt32().Should().Be(times["denied"], "what is only tried is not recorded");
        record.GetProperty("would_deny").GetInt32().Should().Be(times["would_deny"]);
        foreach (KeepAliveClient client in clients.Values)
        {
            client.Dispose();
        }
    }

    private static Task<KeyApiHost> StartAsync(ClientIpSource source, Action<HttpContext> note) => KeyApiHost.StartAsync(
        builder =>
        {
            builder.Logging.ClearProviders();
            builder.Services.Configure<IpAllowlistOptions>(options =>
            {
                options.ClientIpSource = source;
                options.OnDenied = (denied, _) =>
                {
                    note(denied.HttpContext);
                    return ValueTask.CompletedTask;
                };
                foreach (string proxy in source == ClientIpSource.TrustedProxies ? TrustedProxies : [])
                {
                    options.TrustedProxies.Add(proxy);
                }
            });
        },
        pipeline: app =>
        {
            KeyApiHost.UseAll(app);
            app.MapGet("/", note).RequireApiKey();
        });

    private static async Task<IssuedApiKey[]> CreateKeysAsync(KeyApiHost host)
    {
        var keys = new List<IssuedApiKey>();
        foreach (NewApiKey key in Keys)
        {
            keys.Add(await host.CreateAsync(key));
        }

        ApiKeyDetails details = keys[^1].Details;
        await host.WriteAsync(details with { Key = details.Key with { AllowedIps = IpAddressSet.Unreadable }, Version = 2 });
        return [.. keys];
    }

    private static async Task<Dictionary<IPAddress, KeepAliveClient>> ConnectAsync(KeyApiHost host)
    {
        var clients = new Dictionary<IPAddress, KeepAliveClient>();
        foreach (IPAddress peer in Peers.Select(IPAddress.Parse))
        {
            clients.Add(
                peer, await KeepAliveClient.ConnectAsync(peer.Equals(IPAddress.IPv6Loopback) ? host.App.IPv6 : host.App.IPv4, peer));
        }

        return clients;
    }

    private static async Task<Verdict> TryAsync(KeepAliveClient person, IssuedApiKey key, string json)
    {
        (int status, string body) = await person.PostJsonAsync($"{KeyApiHost.Keys}/{key.Details.Key.Id}/try", json, Administrator);
        status.Should().Be(200, body);
        JsonElement answer = JsonDocument.Parse(body).RootElement;
        return new Verdict(
            Number("status") ?? 200, Text("outcome")!, Text("ip"), Text("origin")!, Number("hop"), Text("matching_entry"), Text("reason"));

        string? Text(string name) => answer.GetProperty(name).GetString();

        int? Number(string name) => answer.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : null;
    }

    private static void Count(Dictionary<string, int> times, string what) => times[what] = times.GetValueOrDefault(what) + 1;

    private static Gen<string> Forwarded(params string[] addresses) =>
        AddressGen.ForwardedSpellings(AddressGen.GroupsOf(addresses)).Select(address => address.Text);

    // RFC 9110 §5.5; the server takes what is not ASCII for UTF-8.
    private static string OnlyFieldCharacters(string text) =>
        string.Concat(text.Where(character => character is '\t' or (>= ' ' and not '\x7f' and not (>= '\ud800' and <= '\udfff'))));

    private static string AsUtf8(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// A request: which key, from where, with which lines of X-Forwarded-For, and whether to spare a list when trying it.
    /// </summary>
    private sealed record Generated(int Key, SpelledAddress Peer, string[] Lines, bool Shortly)
    {
        public string ToJson() => JsonSerializer.Serialize(Lines.Length switch
        {
            0 when Shortly => (object)new { peer = Peer.Text },
            1 when Shortly => new { peer = Peer.Text, x_forwarded_for = Lines[0] },
            _ => new { peer = Peer.Text, x_forwarded_for = Lines },
        });

        public override string ToString() => $"{Keys[Key].Name}: {ToJson()}";
    }

    private sealed record Verdict(int Status, string Outcome, string? Ip, string Origin, int? Hop, string? MatchingEntry, string? Reason);
}
