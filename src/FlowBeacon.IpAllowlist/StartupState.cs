namespace FlowBeacon.IpAllowlist;

/// <summary>How the application uses the library, for the checks and warnings at start-up.</summary>
internal sealed class StartupState
{
    /// <summary>Whether the middleware is part of a pipeline that was built.</summary>
    public bool IsCheckInPipeline { get; set; }

    /// <summary>Whether key administration is mapped and keeps its keys in this process only.</summary>
    public bool IsManagementInMemory { get; set; }

    /// <summary>Whether key administration is mapped, with endpoint names, which are unique in an application.</summary>
    public bool AreKeyEndpointsNamed { get; set; }
}
