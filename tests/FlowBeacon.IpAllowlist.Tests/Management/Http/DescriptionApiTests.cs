using System.Text.Json;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The description of a key, and its creator, over HTTP.</summary>
public sealed class DescriptionApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    [Fact]
    public async Task A_key_shows_its_description_and_who_created_it()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer created = await host.SendAsync(
            Administrator, "POST", Keys, """{"name":"make-grid","description":"Berlin office","allowed_ips":[]}""",
            "X-Forwarded-For: 192.0.2.200");
        string target = $"{Keys}/{created.Text("id")}";
        Answer updated = await host.SendAsync(KeyApiHost.Owner, "PATCH", target, """{"description":"Berlin and Köln"}""");
        Answer listed = await host.SendAsync(Administrator, "GET", Keys);
        Answer emptied = await host.SendAsync(Administrator, "PATCH", target, """{"description":""}""");

        created.Text("description").Should().Be("Berlin office");
        updated.Text("description").Should().Be("Berlin and Köln");
        JsonElement row = listed.Json.GetProperty("keys")[0];
        row.GetProperty("description").GetString().Should().Be("Berlin and Köln");
        row.GetProperty("created_by").GetRawText().Should().Be("""{"kind":"user","id":"alice","address":"192.0.2.200"}""");
        emptied.Text("description").Should().BeEmpty();
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task A_description_that_is_too_long_or_null_is_refused(string method)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string target = method == "POST" ? Keys : $"{Keys}/{(await host.CreateAsync("make-grid")).Details.Key.Id}";

        Answer tooLong = await host.SendAsync(Administrator, method, target, Body(JsonSerializer.Serialize(new string('n', 501))));
        Answer isNull = await host.SendAsync(Administrator, method, target, Body("null"));

        tooLong.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(
            "description: must be at most 500 characters, and has 501");
        isNull.Status.Should().Be(400);

        static string Body(string description) => $$"""{"name":"other","allowed_ips":[],"description":{{description}}}""";
    }
}
