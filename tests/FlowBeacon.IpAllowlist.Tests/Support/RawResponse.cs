using System.Net.Sockets;
using System.Text;

namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>An HTTP/1.1 answer as it came over the socket.</summary>
internal sealed record RawResponse(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>The body without the framing of <c>Transfer-Encoding: chunked</c>.</summary>
    public string Content => Headers.ContainsKey("Transfer-Encoding") ? WithoutChunks(Body) : Body;

    /// <summary>Writes a request with <c>Connection: close</c> to a connected socket and reads until the server closes.</summary>
    /// <remarks>Header lines are sent as Latin-1, so that any byte can be put into one.</remarks>
    public static async Task<RawResponse> ExchangeAsync(Socket socket, string method, string target, params string[] headerLines)
    {
        string request = string.Concat(
            $"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            string.Concat(headerLines.Select(line => line + "\r\n")), "\r\n");
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        using var received = new MemoryStream();
        await new NetworkStream(socket).CopyToAsync(received);
        return Parse(Encoding.UTF8.GetString(received.ToArray()));
    }

    private static string WithoutChunks(string body)
    {
        var content = new StringBuilder();
        for (int position = 0; ;)
        {
            int lineEnd = body.IndexOf("\r\n", position, StringComparison.Ordinal);
            int length = int.Parse(
                body[position..lineEnd], System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
            if (length == 0)
            {
                return content.ToString();
            }

            content.Append(body, lineEnd + 2, length);
            position = lineEnd + 2 + length + 2;
        }
    }

    private static RawResponse Parse(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        string[] lines = text[..end].Split("\r\n");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1))
        {
            string name = line[..line.IndexOf(':', StringComparison.Ordinal)];
            string value = line[(name.Length + 1)..].Trim();
            if (name == "Server" && headers.TryGetValue(name, out string? inFront))
            {
                // Caddy puts its own in front. No other header may be there twice.
                headers[name] = $"{inFront}, {value}";
            }
            else
            {
                headers.Add(name, value);
            }
        }

        return new RawResponse(
            int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), headers, text[(end + 4)..]);
    }
}
