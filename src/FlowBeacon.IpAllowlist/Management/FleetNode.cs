namespace FlowBeacon.IpAllowlist.Management;

/// <summary>One process of a fleet.</summary>
public sealed record FleetNode
{
    /// <summary>The node's id: random, and another one after each start.</summary>
    public required string Id { get; init; }

    /// <summary>The node's name for people, such as its machine's; several nodes may have the same.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is this process.</summary>
    public bool IsThis { get; init; }

    /// <summary>The newest revision that its requests are known to see.</summary>
    public required long Revision { get; init; }

    /// <summary>When it last reported; for this process, now.</summary>
    public required DateTimeOffset LastContact { get; init; }

    /// <summary>Its state.</summary>
    public required FleetNodeState State { get; init; }
}
