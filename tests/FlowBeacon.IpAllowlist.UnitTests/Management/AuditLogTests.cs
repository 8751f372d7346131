using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The bounds of the in-memory audit log; what every audit log does is in <see cref="ApiKeyRepositoryContract"/>.</summary>
public sealed class AuditLogTests
{
    private static readonly ApiKeyActor Actor = new() { Kind = ApiKeyActorKind.User, Id = "ada" };

    private readonly InMemoryAuditLog _log = new();

    public static TheoryData<AuditAction> Changes => [.. Enum.GetValues<AuditAction>().Where(action => !IsRepeatable(action))];

    public static TheoryData<AuditAction> Repeatables => [.. Enum.GetValues<AuditAction>().Where(IsRepeatable)];

    [Fact]
    public async Task Keeps_the_newest_10_000_changes()
    {
        await AppendAsync(AuditAction.Update, "change", InMemoryAuditLog.ChangesKept + 5);

        IReadOnlyList<AuditEntry> kept = await ReadAsync();

        InMemoryAuditLog.ChangesKept.Should().Be(10_000);
        kept.Should().HaveCount(10_000);
        kept[0].Id.Should().Be("change 10004");
        kept[^1].Id.Should().Be("change 5");
    }

    [Fact]
    public async Task Keeps_the_newest_1_000_break_glass_uses_beside_any_number_of_refusals()
    {
        await AppendAsync(AuditAction.BreakGlassUse, "use", 1_005);
        await AppendAsync(AuditAction.Refused, "refusal", 1_005);

        IReadOnlyList<AuditEntry> kept = await ReadAsync();

        InMemoryAuditLog.RepeatablesKept.Should().Be(1_000);
        kept.Should().HaveCount(2_000);
        kept[0].Id.Should().Be("refusal 1004");
        kept[999].Id.Should().Be("refusal 5");
        kept[1_000].Id.Should().Be("use 1004");
        kept[^1].Id.Should().Be("use 5");
    }

    [Theory]
    [InlineData(1, 10_000)]
    [InlineData(2, 500)]
    [InlineData(20, 50)]
    [InlineData(100, 10)]
    [InlineData(1_000, 1)]
    public async Task Every_break_glass_key_keeps_its_newest_uses_beside_a_busy_one(int keys, int kept)
    {
        kept = Math.Min(kept, InMemoryAuditLog.RepeatablesKept);
        for (int key = 0; key < keys; key++)
        {
            for (int number = 0; number < kept + 1; number++)
            {
                await AppendAsync(Use(key, number));
            }
        }

        for (int number = kept + 1; number < 3_000; number++)
        {
            await AppendAsync(Use(0, number));
        }

        IReadOnlyList<AuditEntry> entries = await ReadAsync();
        entries.Should().HaveCount(InMemoryAuditLog.RepeatablesKept);
        foreach (IGrouping<string?, AuditEntry> uses in entries.GroupBy(entry => entry.KeyId))
        {
            int newest = uses.Key == "key 0" ? 2_999 : kept;
            uses.Take(kept).Select(entry => entry.Id).Should().Equal(
                Enumerable.Range(0, kept).Select(number => $"{uses.Key} use {newest - number}"), uses.Key);
        }

        entries.Select(entry => entry.KeyId).Distinct().Should().HaveCount(keys);
        static AuditEntry Use(int key, int number) =>
            Entry(AuditAction.BreakGlassUse, $"key {key} use {number}") with { KeyId = $"key {key}" };
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Refusals_and_break_glass_uses_cannot_push_out_a_change(AuditAction change)
    {
        await AppendAsync(change, "change", 1);

        await AppendAsync(AuditAction.Refused, "refusal", InMemoryAuditLog.ChangesKept + 1);
        await AppendAsync(AuditAction.BreakGlassUse, "use", InMemoryAuditLog.ChangesKept + 1);

        IReadOnlyList<AuditEntry> kept = await ReadAsync();
        kept.Should().HaveCount((2 * InMemoryAuditLog.RepeatablesKept) + 1);
        kept[^1].Id.Should().Be("change 0");
    }

    [Theory]
    [MemberData(nameof(Repeatables))]
    public async Task Changes_cannot_push_out_a_refusal_or_a_break_glass_use(AuditAction repeatable)
    {
        await AppendAsync(repeatable, "first", 1);

        await AppendAsync(AuditAction.Update, "change", InMemoryAuditLog.ChangesKept + 1);

        (await ReadAsync())[^1].Id.Should().Be("first 0");
    }

    [Fact]
    public async Task An_entry_written_again_takes_no_more_room_and_no_later_place()
    {
        await AppendAsync(AuditAction.Refused, "refusal", InMemoryAuditLog.RepeatablesKept);
        for (int count = 2; count <= 10; count++)
        {
            await AppendAsync(Entry(AuditAction.Refused, "refusal 0") with { Count = count });
        }

        IReadOnlyList<AuditEntry> kept = await ReadAsync();
        kept.Should().HaveCount(InMemoryAuditLog.RepeatablesKept);
        kept[^1].Should().BeEquivalentTo(new { Id = "refusal 0", Count = 10 });

        await AppendAsync(AuditAction.Refused, "later", 1);

        (await ReadAsync())[^1].Id.Should().Be("refusal 1", "the oldest goes first, however often it was written");
    }

    [Fact]
    public async Task Pages_across_both_kinds_in_the_order_of_writing()
    {
        string[] written = [.. Enumerable.Range(0, 50).Select(number => $"entry {number}")];
        foreach ((int number, string id) in written.Index())
        {
            await AppendAsync(Entry(number % 3 == 0 ? AuditAction.Refused : AuditAction.Update, id));
        }

        var seen = new List<string>();
        string? after = null;
        do
        {
            AuditPage page = await ReadPageAsync(after, 7);
            seen.AddRange(page.Entries.Select(entry => entry.Id));
            after = page.Next;
        }
        while (after is not null);

        seen.Should().Equal(written.Reverse());
    }

    [Fact]
    public async Task Reads_on_from_a_place_whose_entry_was_pushed_out()
    {
        await AppendAsync(AuditAction.Refused, "refusal", 2);
        await AppendAsync(AuditAction.Update, "change", 1);
        string? place = (await ReadPageAsync(limit: 1)).Next;

        await AppendAsync(AuditAction.Update, "later", InMemoryAuditLog.ChangesKept);

        (await ReadAsync()).Should().NotContain(entry => entry.Id == "change 0");
        (await ReadPageAsync(place)).Entries.Select(entry => entry.Id).Should().Equal("refusal 1", "refusal 0");
    }

    [Fact]
    public async Task Keeps_its_bounds_and_every_order_under_many_writers()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (int number = 0; number < 400; number++)
            {
                await _log.AppendAsync(
                    Entry(number % 2 == 0 ? AuditAction.Update : AuditAction.Refused, $"{writer} {number:000}"), CancellationToken.None);
            }
        })));

        IReadOnlyList<AuditEntry> kept = await ReadAsync();
        kept.Count(entry => entry.Action == AuditAction.Update).Should().Be(8 * 200);
        kept.Count(entry => entry.Action == AuditAction.Refused).Should().Be(InMemoryAuditLog.RepeatablesKept);
        kept.Select(entry => entry.Id).Should().OnlyHaveUniqueItems();
        foreach (IGrouping<char, AuditEntry> writer in kept.GroupBy(entry => entry.Id[0]))
        {
            writer.Select(entry => entry.Id).Should().BeInDescendingOrder(StringComparer.Ordinal);
        }
    }

    private static bool IsRepeatable(AuditAction action) => action is AuditAction.Refused or AuditAction.BreakGlassUse;

    private static AuditEntry Entry(AuditAction action, string id) =>
        new() { Id = id, At = DateTimeOffset.UnixEpoch, Action = action, Actor = Actor };

    private async Task AppendAsync(AuditAction action, string id, int times)
    {
        for (int number = 0; number < times; number++)
        {
            await AppendAsync(Entry(action, $"{id} {number}"));
        }
    }

    private async Task AppendAsync(AuditEntry entry) => await _log.AppendAsync(entry, TestContext.Current.CancellationToken);

    private async Task<IReadOnlyList<AuditEntry>> ReadAsync() => (await ReadPageAsync()).Entries;

    private async Task<AuditPage> ReadPageAsync(string? after = null, int limit = 100_000) =>
        await _log.ReadAsync(new AuditQuery { After = after, Limit = limit }, TestContext.Current.CancellationToken);
}
