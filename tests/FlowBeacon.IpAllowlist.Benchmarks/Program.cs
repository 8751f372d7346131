using System.Globalization;
using BenchmarkDotNet.Running;
using FlowBeacon.IpAllowlist.Benchmarks;
using FlowBeacon.IpAllowlist.Benchmarks.Servers;

switch (args)
{
    // Inside a real server: what one request pays for the check.
    case ["kestrel", .. var rest]:
        await KestrelCost.RunAsync(Number(rest, 0, otherwise: 200_000));
        break;

    // Through a real server: denied requests beside allowed ones.
    case ["denials", .. var rest]:
        await DenialThroughput.RunAsync(Number(rest, 0, otherwise: 15));
        break;

    // Whole servers with and without a check, loaded in turn: "servers [rounds [seconds]]"; "serve <check>" is one of them.
    case ["servers", .. var rest]:
        await SideBySide.RunAsync(Number(rest, 0, otherwise: 10), TimeSpan.FromSeconds(Number(rest, 1, otherwise: 2)));
        break;
    case ["serve", var check]:
        await BenchmarkServer.ServeAsync(check);
        break;

    // What a store of many keys holds, and what changing it takes.
    case ["memory", .. var rest]:
        MemoryCost.Run(Number(rest, 0, otherwise: 1_000_000));
        break;

    // What keys from configuration take at start-up and at a reload; each line has twice as many.
    case ["configuration", .. var rest]:
        await ConfigurationCost.RunAsync(Number(rest, 0, otherwise: 1_250));
        break;

    // What a second processor gains.
    case ["scaling", .. var rest]:
        ScalingCost.Run(Number(rest, 0, otherwise: 15));
        break;

    // Everything else goes to BenchmarkDotNet, such as: --filter "*" --job short. In one process: all cases of a class share a run, so that
    // their ratios mean something on a machine whose speed drifts.
    default:
        BenchmarkSwitcher.FromAssembly(typeof(MiddlewareBenchmarks).Assembly).Run([.. args, "--inProcess"]);
        break;
}

static int Number(string[] arguments, int index, int otherwise) =>
    index < arguments.Length ? int.Parse(arguments[index], CultureInfo.InvariantCulture) : otherwise;
