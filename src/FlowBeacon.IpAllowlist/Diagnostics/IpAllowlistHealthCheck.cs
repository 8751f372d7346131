using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>
/// Degraded while the client-address source is probably wrong. Entries that are in use and about to expire are reported as data only: their
/// expiry is intended and no fault of this process.
/// </summary>
internal sealed class IpAllowlistHealthCheck(ClientIpSourceDiagnosis diagnosis, ExpiringEntriesFound expiring, TimeProvider time)
    : IHealthCheck
{
    private const int MostKeysNamed = 10;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string? finding = diagnosis.Judge();
        return Task.FromResult(finding is null
            ? HealthCheckResult.Healthy(data: ExpiringEntries())
            : new HealthCheckResult(
                context.Registration.FailureStatus, $"The client-address source is probably wrong: {finding}", data: ExpiringEntries()));
    }

    private Dictionary<string, object> ExpiringEntries()
    {
        DateTimeOffset now = time.GetUtcNow();
        string[] keyOfEach = [.. expiring.All.Where(found => found.Entry.ExpiresAt > now).Select(found => found.KeyId)];
        return new Dictionary<string, object>
        {
            ["entries_expiring_in_use"] = keyOfEach.Length,
            ["keys_with_entries_expiring_in_use"] = keyOfEach.Distinct().Take(MostKeysNamed).ToArray(),
        };
    }
}
