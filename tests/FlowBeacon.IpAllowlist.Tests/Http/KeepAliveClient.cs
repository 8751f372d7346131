using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Sends one raw request after the other over one connection, and reads status and body.</summary>
internal sealed class KeepAliveClient : IDisposable
{
    private readonly Socket _socket;
    private readonly StreamReader _reader;

    private KeepAliveClient(Socket socket)
    {
        _socket = socket;
        _reader = new StreamReader(new NetworkStream(socket), Encoding.Latin1);
    }

    public IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Connects, from a given address if there is one: on loopback, any of 127.0.0.0/8.</summary>
    public static async Task<KeepAliveClient> ConnectAsync(IPEndPoint endPoint, IPAddress? from = null)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(from, 0));
        }

        await socket.ConnectAsync(endPoint);
        return new KeepAliveClient(socket);
    }

    public Task<(int Status, string Body)> GetAsync(params string[] headerLines) => GetPathAsync("/", headerLines);

    public Task<(int Status, string Body)> GetPathAsync(string target, params string[] headerLines) =>
        SendAsync("GET", target, "", headerLines);

    public Task<(int Status, string Body)> PostJsonAsync(string target, string json, params string[] headerLines) =>
        SendAsync("POST", target, json, [.. headerLines, "Content-Type: application/json", $"Content-Length: {json.Length}"]);

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }

    private async Task<(int Status, string Body)> SendAsync(string method, string target, string body, string[] headerLines)
    {
        string request =
            $"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{string.Concat(headerLines.Select(line => line + "\r\n"))}\r\n{body}";
        await _socket.SendAsync(Encoding.Latin1.GetBytes(request));

        int status = int.Parse((await ReadLineAsync()).Split(' ')[1], CultureInfo.InvariantCulture);
        int length = 0;
        bool isChunked = false;
        for (string line = await ReadLineAsync(); line.Length > 0; line = await ReadLineAsync())
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line["Content-Length:".Length..], CultureInfo.InvariantCulture);
            }

            isChunked |= line.StartsWith("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase);
        }

        return (status, isChunked ? await ReadChunksAsync() : await ReadAsync(length));
    }

    private async Task<string> ReadChunksAsync()
    {
        var body = new StringBuilder();
        while (true)
        {
            int length = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(await ReadAsync(length));
            await ReadLineAsync();
            if (length == 0)
            {
                return body.ToString();
            }
        }
    }

    private async Task<string> ReadAsync(int length)
    {
        if (length == 0)
        {
            // A read of nothing would wait for the next answer.
            return "";
        }

        char[] body = new char[length];
        return new string(body, 0, await _reader.ReadBlockAsync(body));
    }

    private async Task<string> ReadLineAsync() =>
        await _reader.ReadLineAsync() ?? throw new IOException("The server closed the connection.");
}
