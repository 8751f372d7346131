using System.Diagnostics;
using System.Globalization;
using System.Net;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Benchmarks;

/// <summary>What a store of many keys holds and what changing it costs, beside the collections one might take instead.</summary>
internal static class MemoryCost
{
    public static void Run(int keys)
    {
        Console.WriteLine(FormattableString.Invariant($"{keys:N0} keys with three IPv4 addresses each\n"));
        Console.WriteLine("| held | bytes per key |");
        Console.WriteLine("| --- | ---: |");
        double dictionary = Measure(
            "Dictionary<string, HashSet<IPAddress>>, keyed by the hex text of the hash", keys, () => Dictionary(keys));
        double store = Measure("InMemoryApiKeyStore: hash, id, prefix, scopes, list", keys, () => Store(keys));
        Measure("the same with names and, beside it, what people read (ApiKeyDetails)", keys, () => WithDetails(keys));
        Console.WriteLine(FormattableString.Invariant($"\nThe dictionary holds {dictionary / store:0.00} times as much as the store.\n"));

        Console.WriteLine("| change | median | longest |");
        Console.WriteLine("| --- | ---: | ---: |");
        InMemoryApiKeyStore filled = Store(keys);
        ApiKey[] others = Samples.Keys(keys + 100_000)[keys..];
        Time("one key replaced", 1_000, number => filled.Set(others[0] with { Name = number.ToString(CultureInfo.InvariantCulture) }));
        Time("one key added", 10_000, number => filled.Set(others[number]));
        string[] ids = [.. others.Select(key => key.Id)];
        filled.Apply([], ids);
        Time("100,000 keys added in one change", 25, _ => filled.Apply(others, []), () => filled.Apply([], ids));
        var replaced = new InMemoryApiKeyStore();
        Time("100,000 keys by ReplaceAll", 25, _ => replaced.ReplaceAll(others));
    }

    private static InMemoryApiKeyStore Store(int keys)
    {
        var store = new InMemoryApiKeyStore();
        store.Apply(Samples.Keys(keys), []);
        return store;
    }

    private static (InMemoryApiKeyStore Store, ApiKeyDetails[] Details) WithDetails(int keys)
    {
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        ApiKeyDetails[] details =
        [
            .. Samples.Keys(keys).Select((key, number) => new ApiKeyDetails
            {
                Key = key with { Name = $"customer {number}" },
                Version = 1,
                CreatedAt = now,
                UpdatedAt = now,
            }),
        ];
        var store = new InMemoryApiKeyStore();
        store.Apply([.. details.Select(detail => detail.Key)], []);
        return (store, details);
    }

    private static Dictionary<string, HashSet<IPAddress>> Dictionary(int keys)
    {
        var dictionary = new Dictionary<string, HashSet<IPAddress>>(keys);
        for (int number = 0; number < keys; number++)
        {
            dictionary.Add(ApiKeyHash.Compute(Samples.RawKey(number)).ToString(), [.. Samples.AddressesOf(number).Select(IPAddress.Parse)]);
        }

        return dictionary;
    }

    private static double Measure<T>(string what, int keys, Func<T> make)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        T held = make();
        double perKey = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / keys;
        GC.KeepAlive(held);
        Console.WriteLine(FormattableString.Invariant($"| {what} | {perKey:0} |"));
        return perKey;
    }

    private static void Time(string what, int times, Action<int> change, Action? undo = null)
    {
        var taken = new List<double>(times);
        for (int number = 0; number < times; number++)
        {
            long start = Stopwatch.GetTimestamp();
            change(number);
            taken.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            undo?.Invoke();
        }

        taken.Sort();
        Console.WriteLine(FormattableString.Invariant($"| {what} | {taken[times / 2]:0.000} ms | {taken[^1]:0.000} ms |"));
    }
}
