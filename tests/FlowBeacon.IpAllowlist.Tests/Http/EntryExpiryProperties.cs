using System.Net;
using CsCheck;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Requests through the whole check with keys whose entries expire, ranges among them, while time moves on.</summary>
public sealed class EntryExpiryProperties : IDisposable
{
    private const int Sequences = 10_000;

    private static readonly string[] RawKeys = [TestKeys.Restricted, TestKeys.Unrestricted];

    private static readonly string[] Entries =
        ["203.0.113.7", "203.0.113.0/28", "203.0.113.0/24", "2001:db8::7", "2001:db8::/64", "2001:db8::/32"];

    /// <summary>A client address, as X-Forwarded-For has it, and the entries that hold it.</summary>
    private static readonly (string Address, int[] Holding)[] Clients =
    [
        ("203.0.113.7", [0, 1, 2]), ("::ffff:203.0.113.7", [0, 1, 2]), ("203.0.113.9", [1, 2]), ("203.0.113.200", [2]),
        ("[2001:DB8::7]:443", [3, 4, 5]), ("2001:db8::8", [4, 5]), ("2001:db8:1::7", [5]), ("192.0.2.1", []), ("unknown", []),
    ];

    /// <summary>Some of the entries, each with the ticks until it expires, or none.</summary>
    private static readonly Gen<(int Entry, int? ExpiresAfter)[]> List =
        Gen.Select(Gen.Int[0, Entries.Length - 1], Gen.Int[-1, 8], (entry, ticks) => (Entry: entry, After: ticks < 0 ? (int?)null : ticks))
            .Array[1, 6]
            .Select(entries => entries.DistinctBy(entry => entry.Entry).ToArray());

    private static readonly Gen<(int Key, int Client, int Wait)[]> Steps = Gen.Select(
        Gen.Int[0, RawKeys.Length - 1], Gen.Int[0, Clients.Length - 1], Gen.Frequency((3, Gen.Const(0)), (2, Gen.Int[1, 2])))
        .Array[5, 30];

    private readonly FakeTimeProvider _time = new(ManagedKeys.Start);
    private readonly InMemoryApiKeyStore _store = new();
    private readonly ServiceProvider _services;
    private readonly RequestDelegate _pipeline;

    public EntryExpiryProperties()
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_time);
        services.AddSingleton<IApiKeyStore>(_store);
        services.AddFlowBeaconIpAllowlist();
        _services = services.BuildServiceProvider();
        IApplicationBuilder app = new ApplicationBuilder(_services).UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        _pipeline = app.Build();
    }

    [Fact]
    public void No_request_is_admitted_at_or_after_the_expiry_of_the_last_entry_for_its_address()
    {
        int admitted = 0;
        int deniedByExpiry = 0;
        Gen.Select(List.Array[RawKeys.Length], Steps).Sample(
            (lists, steps) =>
            {
                DateTimeOffset start = _time.GetUtcNow();
                for (int key = 0; key < RawKeys.Length; key++)
                {
                    // The same keys and addresses as in the sequence before, whose verdicts are still kept.
                    _store.Set(TestKeys.Create(RawKeys[key], $"key-{key}") with
                    {
                        AllowedIps = IpAddressSet.ReadStored(
                            lists[key].Select(entry => new IpAllowlistEntry
                            {
                                Text = Entries[entry.Entry],
                                ExpiresAt = entry.ExpiresAfter is { } ticks ? start.AddTicks(ticks) : null,
                            }),
                            out _),
                    });
                    for (int client = 0; client < Clients.Length; client++)
                    {
                        Check(key, client);
                    }
                }

                foreach ((int key, int client, int wait) in steps)
                {
                    _time.Advance(TimeSpan.FromTicks(wait));
                    Check(key, client);
                }

                void Check(int key, int client)
                {
                    long passed = (_time.GetUtcNow() - start).Ticks;
                    var holding = lists[key].Where(entry => Clients[client].Holding.Contains(entry.Entry)).ToArray();
                    bool isAdmitted = holding.Any(entry => entry.ExpiresAfter is null || passed < entry.ExpiresAfter);
                    admitted += isAdmitted ? 1 : 0;
                    deniedByExpiry += !isAdmitted && holding.Length > 0 ? 1 : 0;
                    Send(RawKeys[key], Clients[client].Address).Should().Be(isAdmitted ? 200 : 403);
                }
            },
            iter: Sequences,
            threads: 1);

        admitted.Should().BeGreaterThan(Sequences);
        deniedByExpiry.Should().BeGreaterThan(Sequences);
    }

    public void Dispose() => _services.Dispose();

    private int Send(string rawKey, string forwardedFor)
    {
        var context = new DefaultHttpContext { RequestServices = _services };
        context.Connection.RemoteIpAddress = IPAddress.Loopback;
        context.Request.Method = "GET";
        context.Request.Headers.Authorization = $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = forwardedFor;
        _pipeline(context).GetAwaiter().GetResult();
        return context.Response.StatusCode;
    }
}
