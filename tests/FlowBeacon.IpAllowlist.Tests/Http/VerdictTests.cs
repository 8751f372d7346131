using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The one sentence the product exists for, over a socket.</summary>
public sealed class VerdictTests
{
    [Fact]
    public async Task Allows_a_key_from_an_address_on_its_list()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse response = await app.GetAsync($"Authorization: Bearer {TestKeys.Restricted}", "X-Forwarded-For: 203.0.113.7");

        response.Status.Should().Be(200);
        response.Body.Should().EndWith("Allowed\r\n0\r\n\r\n");
    }

    [Fact]
    public async Task Denies_a_key_from_an_address_not_on_its_list()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        RawResponse response = await app.GetAsync($"Authorization: Bearer {TestKeys.Restricted}", "X-Forwarded-For: 198.51.100.9");

        response.Status.Should().Be(403);
    }
}
