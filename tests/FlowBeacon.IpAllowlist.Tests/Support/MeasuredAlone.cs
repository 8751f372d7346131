namespace FlowBeacon.IpAllowlist.Tests.Support;

/// <summary>Tests that measure the memory of the whole process, so that no other may run beside them.</summary>
[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;
