using System.Collections.Concurrent;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>Rotation and revocation on real Kestrel, while clients send as fast as they can.</summary>
public sealed class RotationUnderLoadTests
{
    private const int Clients = 8;
    private const string From = "203.0.113.7";

    [Fact]
    public async Task No_client_is_refused_while_secrets_are_rotated_under_it()
    {
        const int Rotations = 25;
        const int RequestsBeforeASwitch = 20;
        await using KestrelApp app = await KestrelApp.StartAsync(new InMemoryApiKeyStore());
        ApiKeyManager manager = app.Services.GetRequiredService<ApiKeyManager>();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        IssuedApiKey issued = await manager.CreateAsync(
            new NewApiKey { Name = "load", AllowedIps = [From] }, ManagedKeys.Actor, cancellation);
        string id = issued.Details.Key.Id;

        // What the operator handed out last, and how many generations each client has left behind.
        var secrets = new Secrets(0, issued.RawKey, issued.RawKey);
        long[] generations = new long[Clients];
        bool isOver = false;
        var statuses = new ConcurrentDictionary<int, int>();
        int onTheOldSecretDuringGrace = 0;

        async Task SendAsync(int number)
        {
            using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
            while (!Volatile.Read(ref isOver))
            {
                Secrets known = Volatile.Read(ref secrets);
                for (int request = 0; request < RequestsBeforeASwitch; request++)
                {
                    // During its deployment a client has instances on either secret.
                    string secret = request % 2 == 0 ? known.Old : known.New;
                    statuses.AddOrUpdate(
                        (await client.GetAsync(HeaderLine.Bearer(secret), HeaderLine.ForwardedFor(From))).Status, 1,
                        (_, count) => count + 1);
                    if (!ReferenceEquals(secret, known.New))
                    {
                        Interlocked.Increment(ref onTheOldSecretDuringGrace);
                    }
                }

                Volatile.Write(ref generations[number], known.Generation);
            }
        }

        Task[] clients = [.. Enumerable.Range(0, Clients).Select(number => Task.Run(() => SendAsync(number), cancellation))];
        string current = issued.RawKey;
        try
        {
            for (int rotation = 0; rotation < Rotations; rotation++)
            {
                string next = (await manager.RotateAsync(id, 1, null, ManagedKeys.Actor, cancellation)).RawKey;
                await HandOutAsync(current, next);
                await manager.UpdateAsync(
                    id, new ApiKeyUpdate { AllowedIps = [From, $"192.0.2.{rotation + 1}"] }, null, ManagedKeys.Actor, cancellation);
                await HandOutAsync(next, next);
                await manager.EndGraceAsync(id, null, ManagedKeys.Actor, acceptLockoutRisk: true, cancellation);
                current = next;
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            await Task.WhenAll(clients);
        }

        statuses.Keys.Should().Equal([200], "not one request is refused: {0}", string.Join(", ", statuses));
        statuses[200].Should().BeGreaterThanOrEqualTo(Rotations * Clients * 2 * RequestsBeforeASwitch);
        onTheOldSecretDuringGrace.Should().BeGreaterThanOrEqualTo(Rotations * Clients * RequestsBeforeASwitch / 2);

        // Returns when no client holds an earlier pair of secrets any more.
        Task HandOutAsync(string old, string newer)
        {
            Volatile.Write(ref secrets, new Secrets(secrets.Generation + 1, old, newer));
            return Eventually.IsTrueAsync(
                () => clients.Any(client => client.IsCompleted) || generations.Min() >= secrets.Generation,
                () => $"clients are at {string.Join(", ", generations)}");
        }
    }

    [Fact]
    public async Task No_request_that_starts_after_the_revocation_is_acknowledged_is_served()
    {
        const int Rounds = 15;
        await using KestrelApp app = await KestrelApp.StartAsync(new InMemoryApiKeyStore());
        ApiKeyManager manager = app.Services.GetRequiredService<ApiKeyManager>();

        for (int round = 0; round < Rounds; round++)
        {
            await RevokeUnderLoadAsync(app, manager, $"round {round}");
        }
    }

    private static async Task RevokeUnderLoadAsync(KestrelApp app, ApiKeyManager manager, string name)
    {
        const int RequestsBefore = 10;
        const int RequestsAfter = 40;
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        IssuedApiKey old = await manager.CreateAsync(new NewApiKey { AllowedIps = [], Name = name }, ManagedKeys.Actor, cancellation);
        IssuedApiKey rotated = await manager.RotateAsync(old.Details.Key.Id, 1, null, ManagedKeys.Actor, cancellation);
        bool isRevoked = false;
        int servedBefore = 0;
        int refusedBefore = 0;
        var after = new ConcurrentDictionary<int, int>();

        async Task SendAsync(string rawKey)
        {
            using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
            for (int sentAfter = 0; sentAfter < RequestsAfter;)
            {
                bool startsAfter = Volatile.Read(ref isRevoked);
                int status = (await client.GetAsync(HeaderLine.Bearer(rawKey))).Status;
                if (startsAfter)
                {
                    sentAfter++;
                    after.AddOrUpdate(status, 1, (_, count) => count + 1);
                }
                else if (status == 200)
                {
                    Interlocked.Increment(ref servedBefore);
                }
                else
                {
                    // It overlapped the revocation: either answer is right.
                    Interlocked.Increment(ref refusedBefore);
                }
            }
        }

        Task[] clients =
        [
            .. Enumerable.Range(0, Clients)
                .Select(number => Task.Run(() => SendAsync(number % 2 == 0 ? old.RawKey : rotated.RawKey), cancellation)),
        ];
        await Eventually.IsTrueAsync(
            () => Volatile.Read(ref servedBefore) >= Clients * RequestsBefore || Volatile.Read(ref refusedBefore) > 0,
            () => $"{servedBefore} were served");
        Volatile.Read(ref refusedBefore).Should().Be(0, "nothing is refused before the revocation");

        await manager.RevokeAsync(old.Details.Key.Id, null, ManagedKeys.Actor, cancellationToken: cancellation);
        Volatile.Write(ref isRevoked, true);
        await Task.WhenAll(clients);

        after.Should().Equal(new Dictionary<int, int> { [401] = Clients * RequestsAfter });
    }

    /// <summary>What clients may use: both during a grace period, the same twice otherwise.</summary>
    private sealed record Secrets(int Generation, string Old, string New);
}
