namespace FlowBeacon.IpAllowlist.Benchmarks.Servers;

/// <summary>
/// The same small application with and without a check, as processes side by side that are loaded in turn, round after round. Each round's
/// throughput is told as a ratio to the application without a check in that round; a second one without a check shows what chance does.
/// </summary>
internal static class SideBySide
{
    private static readonly (string Check, string Name)[] Servers =
        [
            ("none", "without a check"), ("none", "without a check, again"), ("check", "FlowBeacon.IpAllowlist"), ("careful", "careful"),
            ("safelist", "safelist style"),
        ];

    public static async Task RunAsync(int rounds, TimeSpan duration)
    {
        BenchmarkServer[] servers = [.. Servers.Select(server => BenchmarkServer.Start(server.Check, server.Name))];
        try
        {
            Console.WriteLine(
                $"{rounds} rounds of {duration.TotalSeconds:0} s for each server; HTTP/1.1 by "
                    + $"{(Load.HasWrk ? "wrk" : "HttpClient")}, HTTP/2 by HttpClient\n");
            await CompareAsync("HTTP/1.1, allowed", servers, rounds, server => Load.Http1Async(server.Http1, Samples.ListedIPv4, duration));
            await CompareAsync(
                "HTTP/1.1, refused (403; without a check: answered)", servers, rounds,
                server => Load.Http1Async(server.Http1, Samples.Unlisted, duration));
            await CompareAsync("HTTP/2, allowed", servers, rounds, server => Load.Http2Async(server.Http2, Samples.ListedIPv4, duration));
        }
        finally
        {
            foreach (BenchmarkServer server in servers)
            {
                server.Dispose();
            }
        }
    }

    private static async Task CompareAsync(string what, BenchmarkServer[] servers, int rounds, Func<BenchmarkServer, Task<long>> load)
    {
        var requests = servers.Select(_ => new List<double>()).ToArray();
        var microseconds = servers.Select(_ => new List<double>()).ToArray();

        // The first round is for the compiler's tiers and the caches.
        for (int round = -1; round < rounds; round++)
        {
            for (int turn = 0; turn < servers.Length; turn++)
            {
                // Another one begins each time.
                int index = (turn + round + 1) % servers.Length;
                TimeSpan before = servers[index].ProcessorTime;
                long count = await load(servers[index]);
                if (round >= 0)
                {
                    requests[index].Add(count);
                    microseconds[index].Add((servers[index].ProcessorTime - before).TotalMicroseconds / count);
                }
            }
        }

        Console.WriteLine(
            $"| {what} | throughput, ratio: median (least to most) | processor time per request, more than without a check, µs: median |");
        Console.WriteLine("| --- | ---: | ---: |");
        for (int index = 0; index < servers.Length; index++)
        {
            double[] ratios = [.. requests[index].Zip(requests[0], (one, none) => one / none).Order()];
            double[] extra = [.. microseconds[index].Zip(microseconds[0], (one, none) => one - none).Order()];
            string throughput = FormattableString.Invariant($"{Median(ratios):0.000} ({ratios[0]:0.00} to {ratios[^1]:0.00})");
            string processorTime = FormattableString.Invariant($"{Median(extra):+0.00;-0.00}");
            Console.WriteLine($"| {servers[index].Name} | {throughput} | {processorTime} |");
        }

        Console.WriteLine();
    }

    private static double Median(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
