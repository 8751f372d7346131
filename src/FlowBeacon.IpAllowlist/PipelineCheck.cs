using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace FlowBeacon.IpAllowlist;

/// <summary>Whether the middleware is part of a pipeline that was built.</summary>
internal sealed class PipelineUse
{
    public bool IsBuilt { get; set; }
}

/// <summary>Stops a web host that added the check and forgot to use it.</summary>
internal sealed class PipelineCheck(PipelineUse use) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // A pipeline is built from its end, so the component that is added first is made when all others exist.
        app.Use(pipeline => use.IsBuilt ? pipeline : throw new InvalidOperationException(
            "AddFlowBeaconIpAllowlist() was called, but no part of the pipeline checks anything."
            + " Call app.UseFlowBeaconIpAllowlist(), or remove AddFlowBeaconIpAllowlist()."));
        next(app);
    };
}
