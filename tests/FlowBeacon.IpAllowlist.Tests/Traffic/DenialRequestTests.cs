using System.Net;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Traffic;

/// <summary>The recorded reason of a denial and the origin of its address, with every client-address source.</summary>
public sealed class DenialRequestTests
{
    public static TheoryData<ClientIpSource, string?, IpAllowlistDenialReason, ClientIpOrigin, int?, string?> Requests => new()
    {
        {
            ClientIpSource.ForwardedForFirst, "198.51.100.9, 10.0.0.1", IpAllowlistDenialReason.NotListed, ClientIpOrigin.ForwardedFor, 1,
            "198.51.100.9"
        },
        {
            ClientIpSource.ForwardedForFirst, " ,2001:DB8:0::9", IpAllowlistDenialReason.NotListed, ClientIpOrigin.ForwardedFor, 1,
            "2001:db8::9"
        },
        {
            ClientIpSource.ForwardedForFirst, "unknown, 192.0.2.1", IpAllowlistDenialReason.UnusableForwardedFor, ClientIpOrigin.None, 1,
            null
        },
        { ClientIpSource.ForwardedForFirst, null, IpAllowlistDenialReason.NotListed, ClientIpOrigin.Peer, null, "127.0.0.1" },
        {
            ClientIpSource.TrustedProxies, "198.51.100.9", IpAllowlistDenialReason.NotListed, ClientIpOrigin.ForwardedFor, 1, "198.51.100.9"
        },
        {
            ClientIpSource.TrustedProxies, "192.0.2.1, 198.51.100.9, 10.0.0.1", IpAllowlistDenialReason.NotListed,
            ClientIpOrigin.ForwardedFor, 2, "198.51.100.9"
        },
        {
            ClientIpSource.TrustedProxies, "10.0.0.2, 10.0.0.1", IpAllowlistDenialReason.NotListed, ClientIpOrigin.ForwardedFor, 2,
            "10.0.0.2"
        },
        {
            ClientIpSource.TrustedProxies, "192.0.2.1, _hidden, 10.0.0.1", IpAllowlistDenialReason.UnusableForwardedFor,
            ClientIpOrigin.None, 2, null
        },
        { ClientIpSource.TrustedProxies, TwentyOneProxies, IpAllowlistDenialReason.UnusableForwardedFor, ClientIpOrigin.None, 21, null },
        { ClientIpSource.TrustedProxies, null, IpAllowlistDenialReason.NotListed, ClientIpOrigin.Peer, null, "127.0.0.1" },
        { ClientIpSource.PeerAddress, "192.0.2.1", IpAllowlistDenialReason.NotListed, ClientIpOrigin.Peer, null, "127.0.0.1" },
    };

    private static string TwentyOneProxies => string.Join(',', Enumerable.Repeat("10.0.0.1", 21));

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_record_has_the_reason_and_the_origin_of_the_address(
        ClientIpSource source, string? forwardedFor, IpAllowlistDenialReason reason, ClientIpOrigin origin, int? hop, string? clientIp)
    {
        await using KestrelApp app = await StartAsync(source);

        await AssertRecordedAsync(app, forwardedFor, reason, origin, hop, clientIp);
    }

    [Fact]
    public async Task The_record_shows_a_missing_peer()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.PeerAddress, peer: null);

        await AssertRecordedAsync(app, null, IpAllowlistDenialReason.UnknownPeer, ClientIpOrigin.None, null, null);
    }

    [Fact]
    public async Task The_record_shows_a_rewritten_peer()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.ForwardedForFirst, peer: IPAddress.Parse("192.0.2.1"));

        await AssertRecordedAsync(app, "192.0.2.1", IpAllowlistDenialReason.PeerRewritten, ClientIpOrigin.None, null, null);
    }

    [Fact]
    public async Task The_record_shows_an_unreadable_list_which_is_refused_even_in_report_only_mode()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.ForwardedForFirst, list: IpAddressSet.Unreadable);

        RawResponse rehearsed = await SendAsync(app, TestKeys.Unrestricted, "198.51.100.9");

        rehearsed.Status.Should().Be(403);
        Recorded(app, "rehearsed").Should().BeEquivalentTo(new
        {
            ClientIp = "198.51.100.9",
            Reason = IpAllowlistDenialReason.UnreadableList,
            ClientIpOrigin = ClientIpOrigin.ForwardedFor,
            Hop = 1,
            IsReportOnly = false,
        });
    }

    [Fact]
    public async Task A_request_that_is_let_through_or_has_no_valid_key_is_not_on_record()
    {
        await using KestrelApp app = await StartAsync(ClientIpSource.ForwardedForFirst);

        (await SendAsync(app, TestKeys.Restricted, "192.0.2.1")).Status.Should().Be(200);
        (await SendAsync(app, TestKeys.Unrestricted, "192.0.2.1")).Status.Should().Be(200);
        (await SendAsync(app, TestKeys.Unknown, "198.51.100.9")).Status.Should().Be(401);
        (await SendAsync(app, "a.jwt.token", "198.51.100.9")).Status.Should().Be(200);

        Traffic(app).ReadDenials(new DenialQuery()).Should().BeEmpty();
        Traffic(app).ReadTotals(null).Should().Be(new DenialTotals { Denied = 0, WouldDeny = 0 });
    }

    /// <summary>Two keys with one list, of which one is only rehearsed: the answers differ, the records do not.</summary>
    private static Task<KestrelApp> StartAsync(ClientIpSource source, IPAddress? peer, IpAddressSet? list = null) => StartAsync(
        source, list, pipeline =>
        {
            pipeline.Use((context, next) =>
            {
                context.Connection.RemoteIpAddress = peer;
                return next(context);
            });
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ => Task.CompletedTask);
        });

    private static Task<KestrelApp> StartAsync(ClientIpSource source, IpAddressSet? list = null, Action<WebApplication>? pipeline = null)
    {
        var store = new InMemoryApiKeyStore();
        ApiKey enforced = TestKeys.Create(TestKeys.Restricted, "enforced") with { AllowedIps = list ?? IpAddressSet.Parse(["192.0.2.1"]) };
        store.Set(enforced);
        store.Set(
            enforced with { Id = "rehearsed", Hash = ApiKeyHash.Compute(TestKeys.Unrestricted), AllowlistMode = AllowlistMode.ReportOnly });
        return KestrelApp.StartAsync(
            store,
            options =>
            {
                options.ClientIpSource = source;
                if (source == ClientIpSource.TrustedProxies)
                {
                    options.TrustedProxies.Add("127.0.0.1");
                    options.TrustedProxies.Add("10.0.0.0/8");
                }
            },
            pipeline: pipeline);
    }

    private static async Task AssertRecordedAsync(
        KestrelApp app, string? forwardedFor, IpAllowlistDenialReason reason, ClientIpOrigin origin, int? hop, string? clientIp)
    {
        (await SendAsync(app, TestKeys.Restricted, forwardedFor)).Status.Should().Be(403);
        (await SendAsync(app, TestKeys.Unrestricted, forwardedFor)).Status.Should().Be(200);

        Denial denied = Recorded(app, "enforced");
        denied.Should().BeEquivalentTo(new
        {
            ClientIp = clientIp,
            Reason = reason,
            ClientIpOrigin = origin,
            Hop = hop,
            IsReportOnly = false,
            Count = 1,
            LastMethod = "PUT",
            LastPath = "/x/y",
        });
        Recorded(app, "rehearsed").Should().Be(denied with
        {
            KeyId = "rehearsed",
            IsReportOnly = true,
            FirstSeen = Recorded(app, "rehearsed").FirstSeen,
            LastSeen = Recorded(app, "rehearsed").LastSeen,
        });
        Traffic(app).ReadTotals(null).Should().Be(new DenialTotals { Denied = 1, WouldDeny = 1 });
    }

    private static Task<RawResponse> SendAsync(KestrelApp app, string rawKey, string? forwardedFor) => KestrelApp.SendAsync(
        app.IPv4, "PUT", "/x/y?z",
        [HeaderLine.Bearer(rawKey), .. forwardedFor is null ? Array.Empty<string>() : [HeaderLine.ForwardedFor(forwardedFor)]]);

    private static Denial Recorded(KestrelApp app, string keyId) =>
        Traffic(app).ReadDenials(new DenialQuery { KeyId = keyId }).Should().ContainSingle().Which;

    private static IApiKeyTraffic Traffic(KestrelApp app) => app.Services.GetRequiredService<IApiKeyTraffic>();
}
