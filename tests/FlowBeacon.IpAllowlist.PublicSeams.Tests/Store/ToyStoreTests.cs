using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;

/// <summary>What requests meet whose keys are in a store of a stranger: one that is ready, not ready, stale, away, or damaged.</summary>
public sealed class ToyStoreTests
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const string Unknown = "fb_live_555555555555555555555555555555555555555555555555";
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly ToyStore _store = new();

    public static TheoryData<string?> Damages =>
    [
        (string?)null, "", "not JSON", "null", "{}", "[null]", "[1]", "[{}]", $$"""[{"Text":"{{Listed}}"},{"Text":"10.0.0.1/8"}]""",
        $$"""[{"Text":"{{Listed}}","ExpiresAt":"Friday"}]""", $$"""[{"Text":"{{Listed}}"},""",
    ];

    [Fact]
    public async Task Before_the_keys_are_loaded_every_request_with_a_key_is_asked_to_wait()
    {
        await using ToyHost first = await ToyHost.StartAsync(_store, "first");
        string key = (await first.CreateAsync("make-grid", Listed)).RawKey;
        _store.IsAway = true;
        await using ToyHost host = await ToyHost.StartAsync(_store);

        foreach (string rawKey in new[] { key, Unknown })
        {
            (await host.ReportAsync(rawKey, Listed)).ShouldAskToWait(ToyNode.RetryAfter);
            (await host.ReportAsync(rawKey, NotListed)).ShouldAskToWait(ToyNode.RetryAfter);
        }

        (await host.SendAsync(null, "GET", "/open")).Status.Should().Be(200, "it has no key");
        (await host.SendAsync(null, "GET", "/report")).Status.Should().Be(401);
        _store.IsAway = false;
        host.Node.Load();
        (await host.UseAsync(key, Listed)).Should().Be(200);
        (await host.UseAsync(key, NotListed)).Should().Be(403);
        (await host.UseAsync(Unknown, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task Does_not_admit_a_revoked_key_when_the_keys_may_be_out_of_date()
    {
        await using ToyHost other = await ToyHost.StartAsync(_store, "other");
        await using ToyHost host = await ToyHost.StartAsync(_store);
        IssuedApiKey kept = await host.CreateAsync("kept", Listed);
        IssuedApiKey revoked = await host.CreateAsync("revoked", Listed);
        await other.RevokeAsync(revoked.Details.Key.Id);

        _store.IsAway = true;
        host.Time.Advance(ToyNode.Lease);
        host.Node.Load();
        (await host.UseAsync(kept.RawKey, Listed)).Should().Be(200, "the lease has not ended");
        (await host.UseAsync(revoked.RawKey, Listed)).Should().Be(200, "this host does not know yet");
        host.Time.Advance(Tick);
        (await host.ReportAsync(kept.RawKey, Listed)).ShouldAskToWait(ToyNode.RetryAfter);
        (await host.ReportAsync(kept.RawKey, NotListed)).ShouldAskToWait(ToyNode.RetryAfter);
        (await host.ReportAsync(revoked.RawKey, Listed)).ShouldAskToWait(ToyNode.RetryAfter);

        _store.IsAway = false;
        host.Node.Load();
        (await host.UseAsync(kept.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(kept.RawKey, NotListed)).Should().Be(403);
        (await host.UseAsync(revoked.RawKey, Listed)).Should().Be(401);
    }

    [Fact]
    public async Task While_the_store_is_away_key_administration_asks_to_wait_and_changes_nothing()
    {
        await using ToyHost host = await ToyHost.StartAsync(_store);
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string target = $"{ToyHost.Keys}/{key.Details.Key.Id}";
        const string Renamed = """{"name":"renamed"}""";

        _store.IsAway = true;
        (await host.SendAsync(ToyHost.Administrator, "GET", ToyHost.Keys)).ShouldAskToWait(ToyStore.RetryAfter);
        (await host.SendAsync(ToyHost.Administrator, "PATCH", target, Renamed)).ShouldAskToWait(ToyStore.RetryAfter);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200, "requests are answered from memory");

        _store.IsAway = false;
        (await host.SendAsync(ToyHost.Administrator, "GET", target)).Text("name").Should().Be("make-grid");
        (await host.SendAsync(ToyHost.Administrator, "PATCH", target, Renamed)).Status.Should().Be(200);
        (await host.SendAsync(ToyHost.Administrator, "GET", target)).Text("name").Should().Be("renamed");
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_list_denies_everybody_and_is_left_as_it_is_until_it_is_repaired(string? damaged)
    {
        await using ToyHost host = await ToyHost.StartAsync(_store);
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        string id = key.Details.Key.Id;
        string whole = _store.RowOf(id).AllowedIps!;
        _store.WriteList(id, damaged);
        host.Node.Load();

        (await host.UseAsync(key.RawKey, Listed)).Should().Be(403);
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
        await host.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed", AllowlistMode = AllowlistMode.ReportOnly });
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(403, "a list that cannot be read is no rehearsal");
        _store.RowOf(id).Should().BeEquivalentTo(new { Name = "renamed", AllowedIps = damaged, AllowlistMode = "ReportOnly" });

        _store.WriteList(id, whole);
        host.Node.Load();
        await host.UpdateAsync(id, new ApiKeyUpdate { AllowlistMode = AllowlistMode.Enforce });
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(key.RawKey, NotListed)).Should().Be(403);
    }

    [Fact]
    public async Task A_row_holds_hashes_of_32_bytes_and_no_raw_key()
    {
        await using ToyHost host = await ToyHost.StartAsync(_store);
        IssuedApiKey key = await host.CreateAsync("make-grid", Listed);
        IssuedApiKey rotated = await host.RotateAsync(key.Details.Key.Id);

        ToyKeyRow row = _store.RowOf(key.Details.Key.Id);

        row.Hashes.Select(hash => Convert.ToHexStringLower(hash))
            .Should().Equal(ApiKeyHash.Compute(rotated.RawKey).ToString(), ApiKeyHash.Compute(key.RawKey).ToString());
        row.ToString().Should().Contain(key.RawKey[..ApiKey.PrefixLength]).And.NotContain(key.RawKey).And.NotContain(rotated.RawKey);
        (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(rotated.RawKey, Listed)).Should().Be(200);
        (await host.UseAsync(rotated.RawKey, NotListed)).Should().Be(403);
    }

    [Fact]
    public async Task A_creation_that_is_repeated_on_another_host_with_the_id_that_was_chosen_makes_no_second_key()
    {
        await using ToyHost host = await ToyHost.StartAsync(_store);
        await using ToyHost other = await ToyHost.StartAsync(_store, "other");
        var key = new NewApiKey { Id = host.Manager.NewId(), Name = "make-grid", AllowedIps = [Listed] };
        IssuedApiKey issued = await host.CreateAsync(key);

        Func<Task> repeat = () => other.CreateAsync(key);

        (await repeat.Should().ThrowAsync<ApiKeyManagementException>()).Which.Fault.Should().Be(ApiKeyManagementFault.Conflict);
        (await other.Manager.CountAsync(cancellationToken: TestContext.Current.CancellationToken)).Active.Should().Be(1);
        other.Node.Load();
        (await other.UseAsync(issued.RawKey, Listed)).Should().Be(200);
    }
}
