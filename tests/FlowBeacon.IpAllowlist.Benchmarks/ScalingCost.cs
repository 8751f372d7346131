using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// Whether requests on two processors get in each other's way: checks of one key from one address, on one thread and on two at a time,
/// beside the framework's own part of the same request. Whatever is shared and written would show as less than the other's gain.
/// </summary>
internal static class ScalingCost
{
    private const int Requests = 1_000_000;

    public static void Run(int rounds)
    {
        RequestDelegate withCheck = Samples.CheckedPipeline(Samples.Store());
        RequestDelegate withoutCheck = Samples.Pipeline(new ServiceCollection().BuildServiceProvider(), _ => { });
        Console.WriteLine("| pipeline | two threads' throughput to one thread's, median (least to most) |");
        Console.WriteLine("| --- | ---: |");
        Measure("without the check", withoutCheck, rounds);
        Measure("with the check", withCheck, rounds);
    }

    private static void Measure(string name, RequestDelegate pipeline, int rounds)
    {
        Throughput(pipeline, threads: 2);
        double[] gains = [.. Enumerable.Range(0, rounds).Select(_ => Throughput(pipeline, 2) / Throughput(pipeline, 1)).Order()];
        Console.WriteLine(FormattableString.Invariant($"| {name} | {gains[rounds / 2]:0.00} ({gains[0]:0.00} to {gains[^1]:0.00}) |"));
    }

    private static double Throughput(RequestDelegate pipeline, int threads)
    {
        long start = Stopwatch.GetTimestamp();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            DefaultHttpContext context = Samples.Request(Samples.Restricted, Samples.ListedIPv4);
            for (int request = 0; request < Requests; request++)
            {
                Samples.Send(pipeline, context).GetAwaiter().GetResult();
            }
        }))];
        Array.ForEach(all, thread => thread.Start());
        Array.ForEach(all, thread => thread.Join());
        return threads * Requests / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
