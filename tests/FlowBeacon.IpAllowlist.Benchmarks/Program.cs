using System.Globalization;
using BenchmarkDotNet.Running;
using FlowBeacon.IpAllowlist.Benchmarks;

// "kestrel [requests]" and "denials [rounds]" measure requests through a real server; everything else goes to BenchmarkDotNet, such as:
// --filter "*" --job short
if (args is ["kestrel", .. var rest])
{
    await KestrelCost.RunAsync(Number(rest, otherwise: 200_000));
    return;
}

if (args is ["denials", .. var others])
{
    await DenialThroughput.RunAsync(Number(others, otherwise: 15));
    return;
}

// In one process: all cases of a class share a run, so that their ratios mean something on a machine whose speed drifts.
BenchmarkSwitcher.FromAssembly(typeof(MiddlewareBenchmarks).Assembly).Run([.. args, "--inProcess"]);

static int Number(string[] arguments, int otherwise) => arguments is [var text] ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
