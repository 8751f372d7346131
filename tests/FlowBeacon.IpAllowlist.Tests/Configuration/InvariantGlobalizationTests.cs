using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>In globalization-invariant mode the framework composes no characters, so names that would need it are refused.</summary>
public sealed class InvariantGlobalizationTests : IDisposable
{
    private readonly KeyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cafe\u0301", "U+0301")]
    [InlineData("\u1100\u1161", "U+1161")]
    public async Task A_name_that_cannot_be_composed_stops_the_start(string name, string shown)
    {
        _folder.Write("appsettings.json", KeyJson.File(KeyJson.Key(name, TestKeys.Restricted)));

        Func<Task> start = async () => await (await StartAsync()).DisposeAsync();

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain(
            $": a key's name contains {shown}, which combines with another character, and this process runs in"
            + " globalization-invariant mode, which cannot compose characters; leave it out, or turn that mode off");
    }

    [Fact]
    public async Task A_name_of_composed_characters_is_taken()
    {
        _folder.Write("appsettings.json", KeyJson.File(KeyJson.Key("caf\u00e9 \u751f\u4ea7 \uac00", TestKeys.Restricted)));

        await using SampleProcess sample = await StartAsync();

        (await sample.GetAsync("/governance/report", $"Authorization: Bearer {TestKeys.Restricted}")).Status.Should().Be(200);
    }

    private Task<SampleProcess> StartAsync()
    {
        _folder.Write("appsettings.Production.json", """{ "FlowBeacon": { "IpAllowlist": {} } }""");
        return SampleProcess.StartAsync(_folder.FullName, "Production", isGlobalizationInvariant: true);
    }
}
