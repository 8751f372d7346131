using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>Degraded while the client-address source is probably wrong.</summary>
internal sealed class IpAllowlistHealthCheck(ClientIpSourceDiagnosis diagnosis) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string? finding = diagnosis.Judge();
        return Task.FromResult(finding is null
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, $"The client-address source is probably wrong: {finding}"));
    }
}
