using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>
/// What keys from configuration cost at start-up and at a reload, for a number of keys that is doubled three times. Where the work is
/// linear, each doubling takes about twice as long.
/// </summary>
internal static class ConfigurationCost
{
    private const int Doublings = 3;
    private const int Rounds = 3;

    public static async Task RunAsync(int fewest)
    {
        // The first hosts of a process pay for the compiler.
        await MeasureAsync(100);

        Console.WriteLine("| keys | file, kB | start, ms | to the line before | reload, ms | to the line before |");
        Console.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: |");
        (double Start, double Reload)? before = null;
        for (int doubling = 0; doubling <= Doublings; doubling++)
        {
            int keys = fewest << doubling;
            (long bytes, double start, double reload) = await MeasureAsync(keys);
            Console.WriteLine(FormattableString.Invariant(
                $"| {keys} | {bytes / 1000} | {start:0} | {Ratio(start, before?.Start)} | {reload:0} | {Ratio(reload, before?.Reload)} |"));
            before = (start, reload);
        }
    }

    /// <summary>The shortest of some rounds: what else the machine does only adds to a time.</summary>
    private static async Task<(long Bytes, double Start, double Reload)> MeasureAsync(int keys)
    {
        string folder = Directory.CreateTempSubdirectory("flowbeacon-configuration-cost-").FullName;
        try
        {
            string file = Path.Combine(folder, "keys.json");
            await File.WriteAllBytesAsync(file, KeysFile(keys));
            double start = double.MaxValue;
            double reload = double.MaxValue;
            for (int round = 0; round < Rounds; round++)
            {
                (double startOfRound, double reloadOfRound) = await StartAndReloadAsync(file, keys);
                start = Math.Min(start, startOfRound);
                reload = Math.Min(reload, reloadOfRound);
            }

            return (new FileInfo(file).Length, start, reload);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double Start, double Reload)> StartAndReloadAsync(string file, int keys)
    {
        long before = Stopwatch.GetTimestamp();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddJsonFile(file);
        builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection("FlowBeacon:Keys"));
        await using WebApplication app = builder.Build();
        app.UseFlowBeaconIpAllowlist();
        await app.StartAsync();
        double start = Stopwatch.GetElapsedTime(before).TotalMilliseconds;

        int inForce = app.Services.GetRequiredService<InMemoryApiKeyStore>().Count;
        if (inForce != keys)
        {
            throw new InvalidOperationException($"{inForce} keys are in force, not {keys}");
        }

        // As the watcher of the file does after an edit. It returns when the keys were read again.
        IConfigurationProvider provider = ((IConfigurationRoot)app.Configuration).Providers.OfType<FileConfigurationProvider>()
            .Single(provider => provider.Source.Path == Path.GetFileName(file));
        before = Stopwatch.GetTimestamp();
        provider.Load();
        return (start, Stopwatch.GetElapsedTime(before).TotalMilliseconds);
    }

    /// <summary>Keys with scopes, of which every fourth has an empty list and the others three addresses.</summary>
    private static byte[] KeysFile(int keys)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteStartObject("FlowBeacon");
            json.WriteStartObject("Keys");
            for (int number = 0; number < keys; number++)
            {
                string rawKey = Samples.RawKey(number);
                json.WriteStartObject(string.Create(CultureInfo.InvariantCulture, $"customer-{number}"));
                json.WriteString("Hash", ApiKeyHash.Compute(rawKey).ToString());
                json.WriteString("Prefix", rawKey[..ApiKey.PrefixLength]);
                WriteList(json, "AllowedIps", number % 4 == 0 ? [] : Samples.AddressesOf(number));
                WriteList(json, "Scopes", [ApiKeyScopes.GovernanceRead, ApiKeyScopes.GovernanceEvaluate]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return text.ToArray();
    }

    private static void WriteList(Utf8JsonWriter json, string name, string[] texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static string Ratio(double time, double? before) =>
        before is { } other ? (time / other).ToString("0.0", CultureInfo.InvariantCulture) : "–";
}
