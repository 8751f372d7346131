using System.Net;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Sends one request over HTTP/2 with prior knowledge.</summary>
internal static class Http2Request
{
    public static Task<HttpResponseMessage> GetAsync(IPEndPoint endPoint, params string[] headerLines) =>
        SendAsync(endPoint, HttpMethod.Get, content: null, headerLines);

    public static async Task<HttpResponseMessage> SendAsync(
        IPEndPoint endPoint, HttpMethod method, HttpContent? content, params string[] headerLines)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(method, $"http://{endPoint}/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        foreach (string line in headerLines)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(line[..colon], line[(colon + 1)..].Trim()).Should().BeTrue();
        }

        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
