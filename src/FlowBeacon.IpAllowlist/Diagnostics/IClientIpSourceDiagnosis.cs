namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The self-diagnosis: whether the configured <see cref="IpAllowlistOptions.ClientIpSource"/> can be right. The health check of
/// <c>AddHealthChecks().AddFlowBeaconIpAllowlist()</c> reports the same. Registered by <c>AddFlowBeaconIpAllowlist()</c>.
/// </summary>
public interface IClientIpSourceDiagnosis
{
    /// <summary>
    /// Judges by the keyed traffic that this process saw in the last hour. It looks at every key in use, so it is not for each request.
    /// </summary>
    /// <returns>
    /// What is probably wrong, with the remedy, as a sentence without capital and end mark; null if nothing is, or too few keys are in use.
    /// </returns>
    string? Judge();
}
