using CsCheck;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>With <see cref="ClientIpSource.TrustedProxies"/>, nothing that a client sends changes the verdict about it.</summary>
public sealed class SpoofingProperties
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const int Requests = 300;

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    private static readonly Gen<string> Entry = Gen.OneOf(
        AnyOf(
            Listed, NotListed, "127.0.0.1", "127.0.0.8", "::1", "0.0.0.0", "::", "2001:db8::7", "unknown", "", " ", "_hidden",
            "\"203.0.113.7\""),
        AnyOf($"{Listed}:80", $"::ffff:{Listed}", $"[::ffff:{Listed}]:1", $"{Listed};", $"for={Listed}", $"{Listed}/32", "203.0.113.007"),
        Gen.Char[" !#$%&'()*+-./0123456789:;<=>?@[]^_`abcdef{|}~"].Array[0, 12].Select(characters => new string(characters)));

    private static readonly Gen<string> Chain =
        Entry.Array[0, 6].Select(AnyOf(", ", ",", " ,\t"), (entries, separator) => string.Join(separator, entries));

    private static readonly Gen<string[]> ForwardedForLines =
        Chain.Array[0, 3].Select(chains => chains.Select(HeaderLine.ForwardedFor).ToArray());

    private static readonly Gen<string[]> OtherLines = AnyOf(
            "Forwarded", "X-Real-IP", "X-Original-For", "X-Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
            "X-Cluster-Client-IP", "X_Forwarded_For", "Via")
        .Select(Chain, (name, value) => $"{name}: {value}").Array[0, 4];

    [Fact]
    public async Task Header_text_before_the_trusted_proxys_entry_does_not_change_the_verdict()
    {
        await using KestrelApp app = await StartAsync("127.0.0.1");
        using KeepAliveClient proxy = await KeepAliveClient.ConnectAsync(app.IPv4);

        await ForwardedForLines.Select(OtherLines, Gen.Bool, (forged, others, isListed) => (forged, others, isListed)).SampleAsync(
            async request =>
            {
                (string[] forged, string[] others, bool isListed) = request;
                string appended = HeaderLine.ForwardedFor(isListed ? Listed : NotListed);

                (int status, _) = await proxy.GetAsync([Key, .. others, .. forged, appended]);

                return status == (isListed ? 200 : 403);
            },
            iter: Requests,
            threads: 1);
    }

    [Fact]
    public async Task Header_text_in_the_line_of_the_trusted_proxys_entry_does_not_change_the_verdict()
    {
        await using KestrelApp app = await StartAsync("127.0.0.1");
        using KeepAliveClient proxy = await KeepAliveClient.ConnectAsync(app.IPv4);

        await Chain.Select(Gen.Bool, (forged, isListed) => (forged, isListed)).SampleAsync(
            async request =>
            {
                (int status, _) = await proxy.GetAsync(
                    Key, HeaderLine.ForwardedFor($"{request.forged}, {(request.isListed ? Listed : NotListed)}"));

                return status == (request.isListed ? 200 : 403);
            },
            iter: Requests,
            threads: 1);
    }

    [Theory]
    [InlineData("127.0.0.1", 200)]
    [InlineData(Listed, 403)]
    public async Task Headers_of_a_client_that_is_not_a_proxy_do_not_change_its_verdict(string listed, int verdict)
    {
        await using KestrelApp app = await StartAsync("127.0.0.99", listed);
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

        await ForwardedForLines.Select(OtherLines, (forged, others) => (forged, others)).SampleAsync(
            async request => (await client.GetAsync([Key, .. request.others, .. request.forged])).Status == verdict,
            iter: Requests,
            threads: 1);
    }

    private static Gen<string> AnyOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    private static Task<KestrelApp> StartAsync(string trustedProxy, string listed = Listed) =>
        KestrelApp.StartAsync(TestKeys.Store(listed), options =>
        {
            options.ClientIpSource = ClientIpSource.TrustedProxies;
            options.TrustedProxies.Add(trustedProxy);
        });
}
