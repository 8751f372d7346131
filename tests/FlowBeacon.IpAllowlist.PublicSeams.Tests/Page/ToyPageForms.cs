namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;

/// <summary>What people fill in to create a key. The id makes a creation repeatable.</summary>
internal sealed record CreateForm(string? Id, string Name, string[] AllowedIps);

/// <summary>What people fill in to change a key that they saw at a version.</summary>
internal sealed record UpdateForm(long Version, string? Name, string[]? AllowedIps, DateTimeOffset? ExpiresAt, bool AcceptLockoutRisk);

/// <summary>What people fill in to rotate a key.</summary>
internal sealed record RotateForm(long Version, int GraceHours);

/// <summary>The version of the key that people saw when they decided.</summary>
internal sealed record DecisionForm(long Version);

/// <summary>What people fill in to end a grace period.</summary>
internal sealed record EndGraceForm(long Version, bool AcceptLockoutRisk);

/// <summary>An address to try, or what a request would carry.</summary>
internal sealed record TryForm(string? Address, string[]? ForwardedFor, string? Peer);
