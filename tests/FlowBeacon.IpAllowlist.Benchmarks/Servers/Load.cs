using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace FlowBeacon.IpAllowlist.Benchmarks.Servers;

/// <summary>Sends requests as fast as a server answers, for a while, and counts them.</summary>
internal static partial class Load
{
    private const int Connections = 64;

    public static bool HasWrk { get; } = IsInstalled("wrk");

    /// <summary>HTTP/1.1 over 64 connections that are kept alive: by wrk, or from this process where it is missing.</summary>
    public static async Task<long> Http1Async(Uri url, string forwardedFor, TimeSpan duration) =>
        HasWrk ? await WrkAsync(url, forwardedFor, duration) : await InProcessAsync(url, HttpVersion.Version11, forwardedFor, duration);

    /// <summary>HTTP/2 without TLS, 64 requests at a time over four connections, from this process.</summary>
    public static Task<long> Http2Async(Uri url, string forwardedFor, TimeSpan duration) =>
        InProcessAsync(url, HttpVersion.Version20, forwardedFor, duration);

    private static async Task<long> WrkAsync(Uri url, string forwardedFor, TimeSpan duration)
    {
        string[] arguments =
        [
            "-t1", $"-c{Connections}", string.Create(CultureInfo.InvariantCulture, $"-d{duration.TotalSeconds:0}s"),
            "-H", $"Authorization: Bearer {Samples.Restricted}", "-H", $"X-Forwarded-For: {forwardedFor}", url.ToString(),
        ];
        var start = new ProcessStartInfo("wrk", arguments) { RedirectStandardOutput = true };
        using Process wrk = Process.Start(start)!;
        string output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        Match requests = RequestsLine().Match(output);
        return requests.Success
            ? long.Parse(requests.Groups["count"].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException(output);
    }

    private static async Task<long> InProcessAsync(Uri url, Version version, string forwardedFor, TimeSpan duration)
    {
        HttpClient NewClient() => new(new SocketsHttpHandler { UseProxy = false, UseCookies = false })
        {
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        HttpClient[] clients = [.. Enumerable.Range(0, 4).Select(_ => NewClient())];
        try
        {
            long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
            long[] counts = await Task.WhenAll(Enumerable.Range(0, Connections).Select(number => Task.Run(async () =>
            {
                long count = 0;
                while (Stopwatch.GetTimestamp() < end)
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, url);
                    request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Samples.Restricted}");
                    request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwardedFor);
                    using HttpResponseMessage response = await clients[number % clients.Length].SendAsync(request);
                    await response.Content.ReadAsByteArrayAsync();
                    count++;
                }

                return count;
            })));
            return counts.Sum();
        }
        finally
        {
            foreach (HttpClient client in clients)
            {
                client.Dispose();
            }
        }
    }

    private static bool IsInstalled(string program)
    {
        try
        {
            using Process? process = Process.Start(
                new ProcessStartInfo(program, "-v") { RedirectStandardOutput = true, RedirectStandardError = true });
            return process is not null;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    [GeneratedRegex(@"(?<count>\d+) requests in ")]
    private static partial Regex RequestsLine();
}
