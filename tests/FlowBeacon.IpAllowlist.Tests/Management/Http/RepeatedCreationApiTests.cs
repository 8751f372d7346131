using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>What lets a program make changes safely: an id that it chooses, and the revision of each change.</summary>
public sealed class RepeatedCreationApiTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Id = "key_0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task A_repeated_creation_with_a_chosen_id_conflicts_instead_of_making_a_second_key()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        const string Body = $$"""{"id":"{{Id}}","name":"make-grid","allowed_ips":[]}""";

        Answer created = await host.SendAsync(Administrator, "POST", Keys, Body);
        Answer repeated = await host.SendAsync(Administrator, "POST", Keys, Body);

        created.Status.Should().Be(201, created.Body);
        created.Text("id").Should().Be(Id);
        created.Headers.Location.Should().Be(new Uri($"{Keys}/{Id}", UriKind.Relative));
        repeated.ShouldBeProblem(409, "Conflict").Detail.Should().Be("A key with this id already exists.");
        (await host.SnapshotAsync()).Should().ContainSingle();
        (await host.UseAsync(created.Text("key"))).Should().Be(200);
    }

    [Theory]
    [InlineData("make-grid")]
    [InlineData("key_0123456789ABCDEF0123456789ABCDEF")]
    [InlineData(TestKeys.Unknown)]
    public async Task An_invalid_id_is_refused_and_not_repeated(string id)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "POST", Keys, $$"""{"id":"{{id}}","name":"a","allowed_ips":[]}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors
            .Should().Equal("id: must be key_ and 32 lowercase hex digits, such as those of a UUID");
        answer.Body.Should().NotContain(id);
        (await host.SnapshotAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task The_id_of_a_key_cannot_be_changed()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;

        Answer answer = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"id":"{{Id}}"}""");

        answer.ShouldBeProblem(400, "Validation failed");
        (await host.SnapshotAsync()).Should().ContainSingle().Which.Key.Id.Should().Be(id);
    }

    [Fact]
    public async Task Every_answer_to_a_change_has_its_revision_and_reading_the_key_shows_the_last_one()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        Answer created = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a","allowed_ips":["203.0.113.7"]}""");
        string target = $"{Keys}/{created.Text("id")}";
        IssuedApiKey glass = await host.CreateBreakGlassAsync();
        Answer[] changes =
        [
            created,
            await host.SendAsync(Administrator, "PATCH", target, """{"name":"b"}"""),
            await host.SendAsync(Administrator, "POST", $"{target}/rotate"),
            await host.SendAsync(
                null, "POST", $"{target}/recover", $$"""{"key":"{{created.Text("key")}}"}""",
                KeyApiHost.Bearer(glass.RawKey), "X-Forwarded-For: 198.51.100.9"),
            await host.SendAsync(Administrator, "POST", $"{target}/end-grace"),
            await host.SendAsync(Administrator, "DELETE", target),
        ];
        Answer again = await host.SendAsync(Administrator, "DELETE", target);
        Answer read = await host.SendAsync(Administrator, "GET", target);

        long[] revisions = [.. changes.Select(answer => RevisionOf(answer.Json))];
        revisions.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        RevisionOf(again.Json).Should().Be(revisions[^1], "nothing was changed");
        RevisionOf(read.Json).Should().Be(revisions[^1]);
    }

    private static long RevisionOf(JsonElement key) => key.GetProperty("revision").GetInt64();
}
