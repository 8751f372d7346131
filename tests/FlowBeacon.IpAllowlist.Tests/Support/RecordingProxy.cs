using System.Collections.Concurrent;
using System.Text;
using FlowBeacon.IpAllowlist.Tests.Management.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>A proxy that changes nothing and records every request with its answer.</summary>
internal sealed class RecordingProxy : IAsyncDisposable
{
    private static readonly string[] OfConnection = ["Host", "Connection", "Transfer-Encoding", "Content-Length"];

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false });
    private readonly ConcurrentQueue<Exchange> _exchanges = new();
    private readonly WebApplication _app;
    private readonly string _server;

    private RecordingProxy(WebApplication app, string server)
    {
        _app = app;
        _server = server;
        app.Run(ForwardAsync);
    }

    public string Url => _app.Urls.Single();

    public IReadOnlyCollection<Exchange> Exchanges => _exchanges;

    public static async Task<RecordingProxy> StartAsync(string server)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var proxy = new RecordingProxy(builder.Build(), server);
        await proxy._app.StartAsync(TestContext.Current.CancellationToken);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method), $"{_server}{context.Request.Path.ToUriComponent()}{context.Request.QueryString}");
        if (body.Length > 0 || context.Request.ContentType is not null)
        {
            request.Content = new ByteArrayContent(body.ToArray());
        }

        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            if (!OfConnection.Contains(name, StringComparer.OrdinalIgnoreCase)
                && !request.Headers.TryAddWithoutValidation(name, values.AsEnumerable()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            }
        }

        using HttpResponseMessage response = await _client.SendAsync(request, context.RequestAborted);
        byte[] answer = await response.Content.ReadAsByteArrayAsync(context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        foreach ((string name, IEnumerable<string> values) in response.Headers.Concat(response.Content.Headers))
        {
            if (!OfConnection.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                context.Response.Headers[name] = values.ToArray();
            }
        }

        _exchanges.Enqueue(new Exchange
        {
            Method = context.Request.Method,
            Path = context.Request.Path,
            Query = context.Request.QueryString,
            RequestHeaders = new HeaderDictionary(context.Request.Headers.ToDictionary()),
            RequestBody = Encoding.UTF8.GetString(body.ToArray()),
            Status = context.Response.StatusCode,
            ResponseHeaders = new HeaderDictionary(context.Response.Headers.ToDictionary()),
            ResponseBody = Encoding.UTF8.GetString(answer),
        });
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }
}
