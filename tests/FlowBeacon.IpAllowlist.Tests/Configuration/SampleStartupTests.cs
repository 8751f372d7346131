using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>What the sample does with its own keys, in Development and elsewhere.</summary>
public sealed class SampleStartupTests : IDisposable
{
    private const string DemoRestricted = "fb_live_de30de30de30de30de30de30de30de30de30de30de300001";

    private readonly KeyFolder _folder = new();

    public SampleStartupTests() => SampleProcess.CopySettings(_folder.FullName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_demo_keys_work_in_Development()
    {
        await using SampleProcess sample = await SampleProcess.StartAsync(_folder.FullName, "Development");

        RawResponse allowed = await sample.GetAsync(
            "/governance/report", $"Authorization: Bearer {DemoRestricted}", "X-Forwarded-For: 203.0.113.7");
        RawResponse denied = await sample.GetAsync(
            "/governance/report", $"Authorization: Bearer {DemoRestricted}", "X-Forwarded-For: 198.51.100.9");

        allowed.Status.Should().Be(200);
        denied.Status.Should().Be(403);
    }

    [Fact]
    public async Task The_demo_keys_stop_start_up_in_Production_with_the_reason()
    {
        File.Move(_folder["appsettings.Development.json"], _folder["appsettings.Production.json"]);

        (int exitCode, string output) = await SampleProcess.RunToExitAsync(_folder.FullName, "Production");

        exitCode.Should().NotBe(0);
        output.Should().Contain("FlowBeacon:Keys:demo-restricted:Demo: this is a demo key, whose raw key is public")
            .And.Contain("FlowBeacon:Keys:demo-unrestricted:Demo: this is a demo key, whose raw key is public")
            .And.NotContain("Now listening on");
    }

    [Fact]
    public async Task Missing_keys_stop_start_up_with_the_reason()
    {
        (int exitCode, string output) = await SampleProcess.RunToExitAsync(_folder.FullName, "Production");

        exitCode.Should().NotBe(0);
        output.Should().Contain("FlowBeacon:Keys: the section is missing; write an object keyed by key name, {} for no keys")
            .And.NotContain("Now listening on");
    }
}
