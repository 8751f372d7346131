namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The self-diagnosis: whether the configured <see cref="IpAllowlistOptions.ClientIpSource"/> is plausible. The health check of
/// <c>AddHealthChecks().AddFlowBeaconIpAllowlist()</c> reports the same. Registered by <c>AddFlowBeaconIpAllowlist()</c>.
/// </summary>
public interface IClientIpSourceDiagnosis
{
    /// <summary>
    /// Judges by the keyed traffic of this process in the last hour. It examines every key in use, so do not call it for each request.
    /// </summary>
    /// <returns>
    /// The probable fault and its remedy, as a sentence without capital and full stop; null if there is none, or too few keys are in use.
    /// </returns>
    string? Judge();
}
