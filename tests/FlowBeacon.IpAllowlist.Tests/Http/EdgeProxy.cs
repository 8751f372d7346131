using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A real nginx or HAProxy on 127.0.0.1, in front of an application.</summary>
internal sealed class EdgeProxy : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("flowbeacon-edge-").FullName;
    private readonly Process _process;
    private readonly Task<string> _errors;

    private EdgeProxy(string program, string directives, IPEndPoint application)
    {
        EndPoint = FreePort();
        string file = Path.Combine(_folder, "proxy.conf");
        File.WriteAllText(file, program == "nginx" ? Nginx(directives, application) : HAProxy(directives, application));
        string[] arguments = program == "nginx" ? ["-p", _folder, "-e", "stderr", "-c", file] : ["-f", file];
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Starts a proxy, and returns when it accepts connections.</summary>
    public static async Task<EdgeProxy> StartAsync(string program, string directives, IPEndPoint application)
    {
        Requires.Program(program);
        var proxy = new EdgeProxy(program, directives, application);
        try
        {
            await Eventually.IsTrueAsync(proxy.AcceptsAsync, () => $"{program} accepts no connection");
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }

        return proxy;
    }

    /// <summary>Sends a GET from another loopback address than the proxy's, so that the application can tell the two apart.</summary>
    public async Task<RawResponse> GetFromAsync(IPAddress client, params string[] headerLines)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(client, 0));
        await socket.ConnectAsync(EndPoint);
        return await RawResponse.ExchangeAsync(socket, "GET", "/", headerLines);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> AcceptsAsync()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException(await _errors);
        }

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(EndPoint);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>A port that nobody has, below those that systems hand out to whoever connects or wants any.</summary>
    private static IPEndPoint FreePort()
    {
        while (true)
        {
            var endPoint = new IPEndPoint(IPAddress.Loopback, Random.Shared.Next(20_000, 30_000));
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(endPoint);
                return endPoint;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }

    private string Nginx(string directives, IPEndPoint application) => $$"""
        daemon off;
        master_process off;
        pid {{_folder}}/nginx.pid;
        events { }
        http {
            access_log off;
            client_body_temp_path {{_folder}}/body;
            proxy_temp_path {{_folder}}/proxy;
            fastcgi_temp_path {{_folder}}/fastcgi;
            uwsgi_temp_path {{_folder}}/uwsgi;
            scgi_temp_path {{_folder}}/scgi;
            server {
                listen {{EndPoint}};
                location / {
                    proxy_bind 127.0.0.1;
                    {{directives}}
                    proxy_pass http://{{application}};
                }
            }
        }

        """;

    private string HAProxy(string directives, IPEndPoint application) => $"""
        defaults
            mode http
            timeout connect 10s
            timeout client 10s
            timeout server 10s
        frontend edge
            bind {EndPoint}
            {directives}
            default_backend application
        backend application
            server application {application} source 127.0.0.1

        """;
}
