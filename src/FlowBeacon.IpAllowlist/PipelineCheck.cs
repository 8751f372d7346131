using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace FlowBeacon.IpAllowlist;

/// <summary>Stops a web host that added the check and forgot to use it.</summary>
internal sealed class PipelineCheck(StartupState state) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // A pipeline is built from its end, so the component that is added first is built last.
        app.Use(pipeline => state.IsCheckInPipeline ? pipeline : throw new InvalidOperationException(
            "AddFlowBeaconIpAllowlist() was called, but no part of the pipeline checks anything."
            + " Call app.UseFlowBeaconIpAllowlist(), or remove AddFlowBeaconIpAllowlist()."));
        next(app);
    };
}
