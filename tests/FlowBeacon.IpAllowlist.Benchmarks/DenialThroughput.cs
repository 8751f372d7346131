using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FlowBeacon.IpAllowlist.Traffic;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// How many requests a second one server answers when it denies them, beside when it allows them: the same connections, in turns, with
/// answers of about the same size.
/// </summary>
internal static class DenialThroughput
{
    private const int Connections = 64;
    private const int RequestsPerTurn = 20_000;
    private const int WarmUpRounds = 2;

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(3);

    // As long as the body of a denial.
    private static readonly byte[] AllowedBody = Encoding.ASCII.GetBytes(new string('a', 250));

    private static readonly (string Name, int Status, Func<int, string> Address)[] Kinds =
    [
        ("allowed", 200, _ => Samples.ListedIPv4),
        ("denied, one address", 403, _ => Samples.Forged(0)),
        ("denied, new addresses", 403, Samples.Forged),
    ];

    public static async Task RunAsync(int rounds)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        Samples.AddCheck(builder.Services);
        await using WebApplication app = builder.Build();
        app.UseFlowBeaconIpAllowlist();
        app.Run(context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.CacheControl = "no-store";
            context.Response.ContentLength = AllowedBody.Length;
            return context.Response.Body.WriteAsync(AllowedBody, 0, AllowedBody.Length);
        });
        await app.StartAsync();

        var address = new Uri(app.Urls.Single());
        Connection[] connections =
        [
            .. Enumerable.Range(0, Connections).Select(_ => new Connection(new IPEndPoint(IPAddress.Loopback, address.Port))),
        ];
        Console.WriteLine(
            $"{RequestsPerTurn} requests a turn over {Connections} connections, HTTP/1.1 keep-alive; client and server share "
                + $"{Environment.ProcessorCount} cores\n");
        Row(["round", $"{Kinds[0].Name}, requests/s", .. Kinds.Skip(1).Select(kind => $"{kind.Name}, ratio")]);
        Row(["---", .. Kinds.Select(_ => "---:")]);
        List<double[]> ratios = await CompareAsync(connections, rounds);
        int[] denied = [.. Enumerable.Range(1, Kinds.Length - 1)];
        Row(["median", "", .. denied.Select(kind => Show(Median(ratios, kind)))]);
        Row(
        [
            "spread",
            "",
            .. denied.Select(kind => $"{Show(ratios.Min(round => round[kind]))} to {Show(ratios.Max(round => round[kind]))}"),
        ]);
        DenialTotals totals = app.Services.GetRequiredService<DenialRecord>().Totals(null);
        Console.WriteLine($"\n{totals.Denied} denials");
        foreach (Connection connection in connections)
        {
            connection.Dispose();
        }
    }

    private static async Task<List<double[]>> CompareAsync(Connection[] connections, int rounds)
    {
        var ratios = new List<double[]>();
        long startedAt = Stopwatch.GetTimestamp();
        int forged = 0;
        for (int round = -WarmUpRounds; round < rounds && (ratios.Count == 0 || Stopwatch.GetElapsedTime(startedAt) < LongestRun); round++)
        {
            double[] rates = new double[Kinds.Length];
            for (int turn = 0; turn < Kinds.Length; turn++)
            {
                // Forwards and backwards, so that a machine that slows down favours neither side.
                int kind = round % 2 == 0 ? turn : Kinds.Length - 1 - turn;
                rates[kind] = await MeasureAsync(connections, Kinds[kind].Status, Kinds[kind].Address, forged);
                forged += RequestsPerTurn;
            }

            if (round >= 0)
            {
                ratios.Add([.. rates.Select(rate => rate / rates[0])]);
                Row([$"{round + 1}", $"{rates[0]:0}", .. ratios[^1].Skip(1).Select(Show)]);
            }
        }

        return ratios;
    }

    /// <summary>Sends the requests of one turn, and returns how many were answered in a second.</summary>
    private static async Task<double> MeasureAsync(Connection[] connections, int status, Func<int, string> address, int firstForged)
    {
        int sent = -1;
        long startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(connections.Select(connection => Task.Run(async () =>
        {
            for (int number = Interlocked.Increment(ref sent); number < RequestsPerTurn; number = Interlocked.Increment(ref sent))
            {
                int answered = await connection.ExchangeAsync(address(firstForged + number));
                if (answered != status)
                {
                    throw new InvalidOperationException($"{status} was expected, and {answered} came.");
                }
            }
        })));
        return RequestsPerTurn / Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
    }

    private static double Median(List<double[]> ratios, int kind)
    {
        double[] sorted = [.. ratios.Select(round => round[kind]).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Show(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);

    private static void Row(string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    /// <summary>One keep-alive connection with as little of a client as will do, so that most of the time is the server's.</summary>
    private sealed class Connection : IDisposable
    {
        private readonly Socket _socket;
        private readonly byte[] _request = new byte[512];
        private readonly byte[] _answer = new byte[2_048];

        public Connection(IPEndPoint server)
        {
            _socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            _socket.Connect(server);
        }

        /// <summary>Sends one request and reads its answer to the end.</summary>
        /// <returns>The status.</returns>
        public async Task<int> ExchangeAsync(string forwardedFor)
        {
            int length = Encoding.ASCII.GetBytes(
                $"GET /report HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Samples.Restricted}\r\nX-Forwarded-For: "
                    + $"{forwardedFor}\r\n\r\n",
                _request);
            await _socket.SendAsync(_request.AsMemory(0, length));
            int received = 0;
            do
            {
                int read = await _socket.ReceiveAsync(_answer.AsMemory(received));
                received += read > 0 ? read : throw new IOException("The server closed the connection.");
            }
            while (received < LengthOf(_answer.AsSpan(0, received)));

            return int.Parse(_answer.AsSpan("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture);
        }

        public void Dispose() => _socket.Dispose();

        private static int LengthOf(ReadOnlySpan<byte> answer)
        {
            int headerLength = answer.IndexOf("\r\n\r\n"u8) + 4;
            if (headerLength < 4)
            {
                return int.MaxValue;
            }

            ReadOnlySpan<byte> rest = answer[(answer.IndexOf("Content-Length: "u8) + "Content-Length: ".Length)..headerLength];
            return headerLength + int.Parse(rest[..rest.IndexOf((byte)'\r')], CultureInfo.InvariantCulture);
        }
    }
}
