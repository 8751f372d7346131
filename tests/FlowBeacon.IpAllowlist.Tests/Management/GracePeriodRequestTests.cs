using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>What requests with either secret of a rotated key get.</summary>
public sealed class GracePeriodRequestTests
{
    [Fact]
    public async Task A_list_edit_during_the_grace_period_reaches_requests_with_both_secrets()
    {
        var store = new InMemoryApiKeyStore();
        await using KestrelApp app = await KestrelApp.StartAsync(store);
        ApiKeyManager manager = app.Services.GetRequiredService<ApiKeyManager>();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var restricted = new NewApiKey { Name = "name", AllowedIps = ["203.0.113.7", "198.51.100.9"] };
        IssuedApiKey old = await manager.CreateAsync(restricted, ManagedKeys.Actor, cancellation);
        string id = old.Details.Key.Id;
        IssuedApiKey rotated = await manager.RotateAsync(id, 1, null, ManagedKeys.Actor, cancellation);
        string[] secrets = [old.RawKey, rotated.RawKey];
        (await StatusesAsync(app, secrets, "198.51.100.9")).Should().Equal(200, 200);

        var narrower = new ApiKeyUpdate { AllowedIps = ["203.0.113.7"] };

        ApiKeyManagementException refusal = await ManagedKeys.RefusedAsync(
            () => manager.UpdateAsync(id, narrower, null, ManagedKeys.Actor, cancellation));
        refusal.Fault.Should().Be(ApiKeyManagementFault.LockoutRisk);
        (await StatusesAsync(app, secrets, "198.51.100.9")).Should().Equal(200, 200);

        await manager.UpdateAsync(id, narrower with { AcceptLockoutRisk = true }, null, ManagedKeys.Actor, cancellation);
        (await StatusesAsync(app, secrets, "198.51.100.9")).Should().Equal(403, 403);
        (await StatusesAsync(app, secrets, "203.0.113.7")).Should().Equal(200, 200);
        await manager.EndGraceAsync(id, null, ManagedKeys.Actor, acceptLockoutRisk: true, cancellation);
        (await StatusesAsync(app, secrets, "203.0.113.7")).Should().Equal(401, 200);
        await manager.RevokeAsync(id, null, ManagedKeys.Actor, cancellationToken: cancellation);
        (await StatusesAsync(app, secrets, "203.0.113.7")).Should().Equal(401, 401);
    }

    private static async Task<int[]> StatusesAsync(KestrelApp app, string[] secrets, string from)
    {
        var statuses = new List<int>();
        foreach (string secret in secrets)
        {
            statuses.Add((await app.GetAsync(HeaderLine.Bearer(secret), HeaderLine.ForwardedFor(from))).Status);
        }

        return [.. statuses];
    }
}
