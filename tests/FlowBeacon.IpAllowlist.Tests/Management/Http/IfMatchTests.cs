using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>The condition of a change (RFC 9110 §13.1.1): any of several tags may match, and an empty condition is a mistake.</summary>
public sealed class IfMatchTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Empty =
        "If-Match: is empty; send the version you read, such as \"3\","
        + " or leave the header out to change the key at any version";

    /// <summary>Header lines, and what becomes of a change of a key at version 1.</summary>
    public static TheoryData<string[], int> Several => new()
    {
        { ["\"7\", \"1\""], 200 },
        { ["\"1\", \"7\""], 200 },
        { ["\"7\",\"8\" ,\t\"1\",,"], 200 },
        { ["\"7\"", "\"1\""], 200 },
        { ["\"1\"", "\"7\", \"8\""], 200 },
        { ["\"1\", \"1\""], 200 },
        { ["W/\"1\", \"1\""], 200 },
        { ["\"other, with a comma\", \"1\""], 200 },
        { ["\"7\", \"8\""], 412 },
        { ["\"7\"", "\"8\""], 412 },
        { ["W/\"1\", \"2\""], 412 },
        { ["W/\"1\"", "W/\"1\""], 412 },
        { ["\"1, 7\""], 412 },
        { ["\"1\" \"7\""], 412 },
        { ["\"1\", garbage"], 412 },
        { ["garbage", "\"1\""], 412 },
        { ["\"1\", *"], 412 },
        { ["*", "\"1\""], 412 },
        { ["*"], 200 },
    };

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\t")]
    [InlineData(",")]
    [InlineData(" , ,")]
    public async Task An_empty_condition_is_refused_and_changes_nothing(string ifMatch)
    {
        foreach (KeyOperation operation in KeyOperation.All.Where(one => one.Name is "update" or "rotate" or "end-grace" or "revoke"))
        {
            await using KeyApiHost host = await KeyApiHost.StartAsync();
            string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;
            IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

            Answer answer = await host.SendAsync(
                Administrator, operation.Method, operation.Target(id), operation.Body, $"If-Match: {ifMatch}");

            answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal([Empty], operation.Name);
            (await host.IsUnchangedSinceAsync(before)).Should().BeTrue(operation.Name);
        }
    }

    [Fact]
    public async Task An_empty_condition_is_reported_together_with_faults_of_the_body()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;

        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", """{"name":""}""", "If-Match: "))
            .ShouldBeProblem(400, "Validation failed")
            .Errors.Should().BeEquivalentTo("name: must be 1 to 100 characters, and has 0", Empty);
    }

    [Theory]
    [InlineData("3", false)]
    [InlineData("garbage", false)]
    [InlineData("\"3\", *", false)]
    [InlineData("W/\"1\"", false)]
    [InlineData("W/\"1\", W/\"2\"", false)]
    [InlineData("\"3\"", true)]
    [InlineData("W/\"1\", \"3\"", true)]
    public async Task A_condition_that_no_version_meets_is_told_as_such_and_not_as_somebody_elses_change(string ifMatch, bool isStale)
    {
        foreach (KeyOperation operation in KeyOperation.All.Where(one => one.Name is "update" or "rotate" or "end-grace" or "revoke"))
        {
            await using KeyApiHost host = await KeyApiHost.StartAsync();
            string id = (await host.CreateAsync("make-grid", "203.0.113.7")).Details.Key.Id;

            Answer answer = await host.SendAsync(
                Administrator, operation.Method, operation.Target(id), operation.Body, $"If-Match: {ifMatch}");

            answer.ShouldBeProblem(412, "Stale version").Text("type").Should().Be("urn:flowbeacon:problems/stale-version");
            answer.Detail.Should().Be(isStale
                ? "The key was changed meanwhile and is at version 1 or later. Read it again, then repeat the change."
                : "If-Match must be * or strong tags such as \"3\". This value cannot match any version of the key.");
        }
    }

    [Fact]
    public async Task An_empty_condition_and_a_wrong_grace_period_are_reported_together()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;

        (await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/rotate", """{"grace_hours":0}""", "If-Match: "))
            .ShouldBeProblem(400, "Validation failed")
            .Errors.Should().BeEquivalentTo("grace_hours: must be 1 to 168, and is 0", Empty);
    }

    [Theory]
    [MemberData(nameof(Several))]
    public async Task A_change_happens_if_any_of_the_tags_is_the_one_of_the_key(string[] ifMatch, int status)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("make-grid")).Details.Key.Id;

        RawResponse response = await KestrelApp.SendAsync(
            host.App.IPv4, "DELETE", $"{Keys}/{id}",
            [$"{PersonHandler.Header}: {Administrator}", .. ifMatch.Select(value => $"If-Match: {value}")]);

        response.Status.Should().Be(status, response.Body);
        (await host.Manager.GetAsync(id, TestContext.Current.CancellationToken)).Key.IsRevoked.Should().Be(status == 200);
    }

    [Fact]
    public async Task Several_tags_for_a_key_that_does_not_exist_are_not_found()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        (await host.SendAsync(Administrator, "DELETE", $"{Keys}/key_0", null, "If-Match: \"1\", \"2\""))
            .ShouldBeProblem(404, "Key not found");
    }
}
