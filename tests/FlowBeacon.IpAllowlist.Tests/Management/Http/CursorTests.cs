using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>A cursor is a position in the order: it stays valid when the row that it came from is removed.</summary>
public sealed class CursorTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;

    private static readonly ApiKeyActor Actor = new() { Kind = ApiKeyActorKind.Application, Id = "tests" };

    public static TheoryData<string> Malformed =>
        ["", "%20", "x", "-1", "+1", "0", "1.5", "1e3", "%D9%A1", "99999999999999999999", "audit_0190163d8694739bb8e25bdb0e3a5d6f"];

    [Fact]
    public async Task The_audit_trail_is_read_on_after_the_rows_of_the_page_before_were_pushed_out()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IAuditLog audit = host.App.Services.GetRequiredService<IAuditLog>();
        await AppendAsync(audit, AuditAction.Refused, "refusal", 3);
        await AppendAsync(audit, AuditAction.Update, "change", 2);
        Answer first = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1");
        Ids(first).Should().Equal("change 1");

        await AppendAsync(audit, AuditAction.Update, "later", InMemoryAuditLog.ChangesKept);
        Answer second = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=2&after={first.Text("next")}");
        Answer third = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=2&after={second.Text("next")}");

        Ids(second).Should().Equal("refusal 2", "refusal 1");
        Ids(third).Should().Equal("refusal 0");
    }

    [Fact]
    public async Task An_entry_that_is_written_again_keeps_its_place_before_and_behind_a_cursor()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IAuditLog audit = host.App.Services.GetRequiredService<IAuditLog>();
        await AppendAsync(audit, AuditAction.Refused, "refusal", 4);
        Answer first = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=2");

        await AppendAsync(audit, AuditAction.Refused, "refusal", 4);
        Answer second = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=2&after={first.Text("next")}");
        Answer again = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=2");

        Ids(first).Should().Equal("refusal 3", "refusal 2");
        Ids(second).Should().Equal("refusal 1", "refusal 0");
        again.Body.Should().Be(first.Body);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_cursor_of_the_audit_trail_is_refused(string after)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        await host.CreateAsync("make-grid");

        (await host.SendAsync(Administrator, "GET", $"{Keys}/audit?after={after}")).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("after: must be the value of next in an earlier page");
    }

    [Fact]
    public async Task The_cursor_of_a_custom_log_is_passed_on_unchanged()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Services.AddSingleton<IAuditLog, LogOfPages>());

        Answer first = await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1");

        first.Text("next").Should().Be("page-two");
        Ids(await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1&after=page-two")).Should().Equal("older");
        (await host.SendAsync(Administrator, "GET", $"{Keys}/audit?limit=1&after=1")).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("after: must be the value of next in an earlier page");
    }

    [Fact]
    public async Task An_empty_or_repeated_cursor_is_refused_alike_by_each_listing()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        foreach (string listing in new[] { "", "/audit", "/denials" })
        {
            (await host.SendAsync(Administrator, "GET", $"{Keys}{listing}?after=")).ShouldBeProblem(400, "Validation failed")
                .Errors.Should().Equal("after: must be the value of next in an earlier page");
            (await host.SendAsync(Administrator, "GET", $"{Keys}{listing}?after=1&after=2")).ShouldBeProblem(400, "Validation failed")
                .Errors.Should().Equal("after: is given more than once");
        }
    }

    [Fact]
    public async Task An_empty_cursor_of_the_listing_is_refused_and_any_other_is_a_place_between_ids()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string[] ids = [(await host.CreateAsync("one")).Details.Key.Id, (await host.CreateAsync("two")).Details.Key.Id];
        Array.Sort(ids, StringComparer.Ordinal);

        (await host.SendAsync(Administrator, "GET", $"{Keys}?after=")).ShouldBeProblem(400, "Validation failed")
            .Errors.Should().Equal("after: must be the value of next in an earlier page");
        KeyIds(await host.SendAsync(Administrator, "GET", $"{Keys}?after=key")).Should().Equal(ids);
        KeyIds(await host.SendAsync(Administrator, "GET", $"{Keys}?after={ids[0]}0")).Should().Equal(ids[1]);
        KeyIds(await host.SendAsync(Administrator, "GET", $"{Keys}?after=z")).Should().BeEmpty();
    }

    private static IEnumerable<string> Ids(Answer page) =>
        page.Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("id").GetString()!);

    private static IEnumerable<string> KeyIds(Answer page) =>
        page.Json.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("id").GetString()!);

    private static AuditEntry Entry(AuditAction action, string id) =>
        new() { Id = id, At = KeyApiHost.Start, Action = action, Actor = Actor };

    private static async Task AppendAsync(IAuditLog audit, AuditAction action, string id, int times)
    {
        for (int number = 0; number < times; number++)
        {
            await audit.AppendAsync(Entry(action, $"{id} {number}"), TestContext.Current.CancellationToken);
        }
    }

    private sealed class LogOfPages : IAuditLog
    {
        public ValueTask AppendAsync(AuditEntry entry, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<AuditPage> ReadAsync(AuditQuery query, CancellationToken cancellationToken) => new(query.After switch
        {
            null => new AuditPage { Entries = [Entry(AuditAction.Update, "newer")], Next = "page-two" },
            "page-two" => new AuditPage { Entries = [Entry(AuditAction.Update, "older")] },
            _ => throw new FormatException("Which page is this?"),
        });
    }
}
