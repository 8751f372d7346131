using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Where every key must have a list, key administration refuses what would leave one without.</summary>
public sealed class RequireAllowlistApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Fault = "allowed_ips: must not be empty: this application requires a list for every key";

    [Fact]
    public async Task A_key_without_a_list_is_neither_created_nor_made_by_a_change()
    {
        await using KeyApiHost host = await StartAsync();
        string target = $"{Keys}/{(await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id}";

        (await host.SendAsync(Administrator, "POST", Keys, """{"name":"open","allowed_ips":[]}"""))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(Fault);
        (await host.SendAsync(Administrator, "PATCH", target, """{"allowed_ips":[]}"""))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(Fault);

        (await host.SendAsync(Administrator, "GET", target)).Texts("allowed_ips").Should().Equal("203.0.113.7");
        (await host.SnapshotAsync()).Should().ContainSingle();
    }

    [Theory]
    [InlineData("""{"name":"make-grid","allowed_ips":["203.0.113.7"],"allowlist_mode":"report_only"}""")]
    [InlineData("""{"name":"glass","break_glass":true}""")]
    public async Task A_rehearsed_list_and_a_break_glass_key_will_do(string body)
    {
        await using KeyApiHost host = await StartAsync();

        (await host.SendAsync(Administrator, "POST", Keys, body)).Status.Should().Be(201);
    }

    [Fact]
    public async Task A_key_in_memory_without_a_list_goes_on_working()
    {
        await using KeyApiHost host = await StartAsync();
        host.App.Services.GetRequiredService<InMemoryApiKeyStore>().Set(TestKeys.Create(TestKeys.Unrestricted, "open"));

        (await host.UseAsync(TestKeys.Unrestricted, "198.51.100.9")).Should().Be(200);
    }

    private static Task<KeyApiHost> StartAsync() => KeyApiHost.StartAsync(builder =>
        builder.Services.Configure<IpAllowlistOptions>(options => options.RequireAllowlist = true));
}
