using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>A real nginx, HAProxy or Caddy on 127.0.0.1, in front of an application.</summary>
internal sealed class EdgeProxy : IAsyncDisposable
{
    /// <summary>The address of the application in recipes.</summary>
    private const string RecipesApplication = "127.0.0.1:5080";

    private readonly string _folder = Directory.CreateTempSubdirectory("flowbeacon-edge-").FullName;
    private readonly Process _process;
    private readonly Task<string> _errors;

    private EdgeProxy(string program, Func<EdgeProxy, string> configuration)
    {
        EndPoint = FreePort();
        string file = Path.Combine(_folder, "proxy.conf");
        File.WriteAllText(file, configuration(this));
        string[] arguments = program switch
        {
            "nginx" => ["-p", _folder, "-e", "stderr", "-c", file],
            "haproxy" => ["-f", file],
            "caddy" => ["run", "--config", file, "--adapter", "caddyfile"],
            _ => throw new ArgumentOutOfRangeException(nameof(program), program, null),
        };
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };

        // Where Caddy keeps its files.
        start.Environment["HOME"] = _folder;
        start.Environment["XDG_CONFIG_HOME"] = _folder;
        start.Environment["XDG_DATA_HOME"] = _folder;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Starts a proxy with a few lines of its configuration, and returns when it accepts connections.</summary>
    public static Task<EdgeProxy> StartAsync(string program, string directives, IPEndPoint application) => StartAsync(
        program,
        edge => program == "nginx"
            ? edge.Nginx(edge.NginxServer(directives, application))
            : edge.HAProxy(directives, application));

    /// <summary>
    /// Starts a proxy with the configuration of a recipe, in which only the addresses are replaced, and returns when it accepts
    /// connections.
    /// </summary>
    public static Task<EdgeProxy> StartRecipeAsync(string program, string recipe, IPEndPoint application) => StartAsync(program, edge =>
    {
        string forApplication = ReplaceOnly(recipe, RecipesApplication, application.ToString());
        return program switch
        {
            "nginx" => edge.Nginx(ReplaceOnly(forApplication, "listen 8080;", $"listen {edge.EndPoint};")),
            "haproxy" => ReplaceOnly(forApplication, "bind :8080\n", $"bind {edge.EndPoint}\n"),
            _ => Caddy(ReplaceOnly(
                forApplication, "http://:8080 ", string.Create(CultureInfo.InvariantCulture, $"http://:{edge.EndPoint.Port} "))),
        };
    });

    /// <summary>Sends a GET from another loopback address than the proxy's, so that the application can distinguish them.</summary>
    public Task<RawResponse> GetFromAsync(IPAddress client, params string[] headerLines) => GetFromAsync(client, "/", headerLines);

    /// <summary>Sends a GET for a path, as the other method does.</summary>
    public Task<RawResponse> GetFromAsync(IPAddress client, string path, string[] headerLines) =>
        GetAsync(EndPoint, client, path, headerLines);

    /// <summary>Sends a GET from a loopback address to any server.</summary>
    public static async Task<RawResponse> GetAsync(IPEndPoint server, IPAddress client, string path, string[] headerLines)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(client, 0));
        await socket.ConnectAsync(server);
        return await RawResponse.ExchangeAsync(socket, "GET", path, headerLines);
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

    private static async Task<EdgeProxy> StartAsync(string program, Func<EdgeProxy, string> configuration)
    {
        Requires.Program(program);
        var proxy = new EdgeProxy(program, configuration);
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

    private static string ReplaceOnly(string text, string old, string replacement)
    {
        text.Split(old).Should().HaveCount(2, $"a recipe has '{old}' once");
        return text.Replace(old, replacement, StringComparison.Ordinal);
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

    /// <summary>An unused port, below the ephemeral port range.</summary>
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
                // It is in use.
            }
        }
    }

    private string Nginx(string servers) => $$"""
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
            {{servers}}
        }

        """;

    private string NginxServer(string directives, IPEndPoint application) => $$"""
        server {
            listen {{EndPoint}};
            location / {
                proxy_bind 127.0.0.1;
                {{directives}}
                proxy_pass http://{{application}};
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

    private static string Caddy(string sites) => $$"""
        {
            admin off
            auto_https off
            default_bind 127.0.0.1
        }

        {{sites}}

        """;
}
