using System.Net;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The injectable resolver on real requests, beside what the check decides about them.</summary>
public sealed class ClientIpExplanationRequestTests
{
    public static TheoryData<ClientIpSource, string?> Requests => new(
        from source in Enum.GetValues<ClientIpSource>()
        from header in new[] { null, "203.0.113.7", "198.51.100.9, 203.0.113.7", "203.0.113.7, 127.0.0.1", "unknown", "203.0.113.7, [x" }
        select (source, header));

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Sees_the_address_that_the_check_sees_with_a_key_and_without_one(ClientIpSource source, string? header)
    {
        await using KestrelApp app = await StartAsync(source);
        string[] lines = header is null ? [] : [HeaderLine.ForwardedFor(header)];

        RawResponse without = await app.GetAsync(lines);
        RawResponse unlisted = await app.GetAsync([HeaderLine.Bearer(TestKeys.Unrestricted), .. lines]);
        RawResponse listed = await app.GetAsync([HeaderLine.Bearer(TestKeys.Restricted), .. lines]);

        string[] parts = without.Content.Split('|');
        unlisted.Content.Should().Be($"{parts[0]}|{parts[0]}", "the check of a key without a list finds an address, too");
        (listed.Status == 200).Should().Be(parts[0].Contains("203.0.113.7", StringComparison.Ordinal));
        parts[1].Should().Be("None ", "without a key the check looks for no address");
    }

    [Fact]
    public async Task A_replaced_peer_is_told_with_its_remedy()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(pipeline: web =>
        {
            web.Use((context, next) =>
            {
                context.Connection.RemoteIpAddress = IPAddress.Parse("203.0.113.7");
                return next();
            });
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", (HttpContext context, IClientIpResolver resolver) =>
                $"{resolver.Resolve(context).Fault}|{resolver.Explain(context).Conclusion}");
        });

        string[] answer = (await app.GetAsync(HeaderLine.ForwardedFor("198.51.100.9"))).Content.Split('|');

        answer[0].Should().Be(nameof(ClientIpFault.PeerRewritten));
        answer[1].Should().Contain("ClientIpSource.PeerAddress");
    }

    [Fact]
    public async Task A_request_is_a_must()
    {
        await using KestrelApp app = await KestrelApp.StartAsync();
        var resolver = (IClientIpResolver)app.Services.GetService(typeof(IClientIpResolver))!;

        ((Action)(() => resolver.Resolve(null!))).Should().Throw<ArgumentNullException>().WithParameterName("context");
        ((Action)(() => resolver.Explain(null!))).Should().Throw<ArgumentNullException>().WithParameterName("context");
    }

    /// <summary>Answers with what the resolver finds, and behind it what the check found.</summary>
    private static Task<KestrelApp> StartAsync(ClientIpSource source) => KestrelApp.StartAsync(
        TestKeys.Store("203.0.113.7"),
        options =>
        {
            options.ClientIpSource = source;
            if (source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("127.0.0.1");
            }
        },
        pipeline: web =>
        {
            web.UseFlowBeaconIpAllowlist();
            web.MapGet("/", (HttpContext context, IClientIpResolver resolver) =>
            {
                ClientIpResolution client = resolver.Resolve(context);
                resolver.Explain(context).Client.Should().Be(client);
                IIpAllowlistFeature check = context.Features.Get<IIpAllowlistFeature>()!;
                return $"{client.Origin} {client.Address}|{check.ClientIpOrigin} {check.ClientIp}";
            });
        });
}
