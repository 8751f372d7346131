using System.Globalization;
using BenchmarkDotNet.Running;
using FlowBeacon.IpAllowlist.Benchmarks;

// "kestrel [requests]" measures requests through a real server; everything else goes to BenchmarkDotNet, such as: --filter "*" --job short
if (args is ["kestrel", .. var rest])
{
    await KestrelCost.RunAsync(rest is [var requests] ? int.Parse(requests, CultureInfo.InvariantCulture) : 200_000);
    return;
}

// In one process: all cases of a class share a run, so that their ratios mean something on a machine whose speed drifts.
BenchmarkSwitcher.FromAssembly(typeof(MiddlewareBenchmarks).Assembly).Run([.. args, "--inProcess"]);
