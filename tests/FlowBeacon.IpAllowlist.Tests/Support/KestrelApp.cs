using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>An application on real Kestrel, on free loopback ports.</summary>
/// <remarks>
/// It listens on IPv4 (HTTP/1.1), IPv6 (HTTP/1.1), and IPv4 with HTTP/2 alone. By default it answers 200 on every path with the
/// outcome the feature holds.
/// </remarks>
internal sealed class KestrelApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private KestrelApp(WebApplication app, LogRecorder logs)
    {
        _app = app;
        Logs = logs;
    }

    public LogRecorder Logs { get; }

    public IServiceProvider Services => _app.Services;

    public IPEndPoint IPv4 => EndPoint(0);

    public IPEndPoint IPv6 => EndPoint(1);

    public IPEndPoint Http2 => EndPoint(2);

    /// <summary>Starts an application.</summary>
    /// <param name="store">The keys, in place of an empty in-memory store.</param>
    /// <param name="options">Changes the settings.</param>
    /// <param name="configure">Changes the builder before it is built.</param>
    /// <param name="pipeline">The whole pipeline; by default the check, then 200.</param>
    /// <param name="environment">The host's environment.</param>
    public static async Task<KestrelApp> StartAsync(
        IApiKeyStore? store = null,
        Action<IpAllowlistOptions>? options = null,
        Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? pipeline = null,
        string environment = "Test")
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        var logs = new LogRecorder();
        builder.Logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestHeadersTotalSize = 256 * 1024;
            kestrel.Limits.MaxRequestLineSize = 64 * 1024;
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.IPv6Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        if (store is not null)
        {
            builder.Services.AddSingleton(store);
        }

        builder.Services.AddFlowBeaconIpAllowlist(options ?? (_ => { })).AddKeyManagement();
        configure?.Invoke(builder);

        WebApplication app = builder.Build();
        if (pipeline is not null)
        {
            pipeline(app);
        }
        else
        {
            app.UseFlowBeaconIpAllowlist();
            app.Run(context => context.Response.WriteAsync(context.Features.Get<IIpAllowlistFeature>()!.Outcome.ToString()));
        }

        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new KestrelApp(app, logs);
    }

    /// <summary>Sends a GET over a new raw socket, each header line as given, and reads the answer to its end.</summary>
    public Task<RawResponse> GetAsync(params string[] headerLines) => SendAsync(IPv4, "GET", "/", headerLines);

    public static async Task<RawResponse> SendAsync(IPEndPoint endPoint, string method, string target, params string[] headerLines)
    {
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endPoint);
        return await RawResponse.ExchangeAsync(socket, method, target, headerLines);
    }

    /// <summary>Sends a GET as a client that goes away: once something has happened, it resets the connection.</summary>
    public async Task SendAndResetAsync(Task happened, params string[] headerLines)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPv4);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: localhost\r\n{string.Join("\r\n", headerLines)}\r\n\r\n"));
        await happened.WaitAsync(TestContext.Current.CancellationToken);
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    /// <summary>A listener by its number: 0 to 2 are the ones above, those a test adds follow.</summary>
    public IPEndPoint EndPoint(int index) =>
        IPEndPoint.Parse(
            _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
                .ElementAt(index)["http://".Length..]);
}
