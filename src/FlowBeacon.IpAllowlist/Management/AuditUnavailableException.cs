namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// A commit was refused, because its audit entries could not be appended or were not appended in time; none of it was written.
/// </summary>
/// <param name="message">What happened.</param>
/// <param name="innerException">What the audit log threw, or a <see cref="TimeoutException"/>.</param>
public sealed class AuditUnavailableException(string message, Exception? innerException) : Exception(message, innerException);
