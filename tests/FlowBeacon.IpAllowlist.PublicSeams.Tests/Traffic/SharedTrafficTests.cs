using System.Net;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Traffic;

/// <summary>Two hosts with one store that add up what they saw, as nodes of one database would.</summary>
public sealed class SharedTrafficTests : IAsyncLifetime
{
    private const string Keys = ToyHost.Keys;
    private const string Administrator = ToyHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string Elsewhere = "198.51.100.9";

    private readonly ToyStore _store = new();
    private readonly SharedTraffic _shared = new(ToyHost.Start);
    private ToyHost _a = null!;
    private ToyHost _b = null!;

    public async ValueTask InitializeAsync()
    {
        _a = await ToyHost.StartAsync(_store, "a", configure: services => services.AddSingleton<IApiKeyTraffic>(_shared));
        _b = await ToyHost.StartAsync(_store, "b", configure: services => services.AddSingleton<IApiKeyTraffic>(_shared));
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public async Task An_edit_on_one_host_is_refused_because_of_a_source_that_only_the_other_one_saw()
    {
        IssuedApiKey key = await CreateAsync([Listed, Elsewhere]);
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(200);
        string target = $"{Keys}/{key.Details.Key.Id}";
        const string Narrower = $$"""{"allowed_ips":["{{Listed}}"]}""";

        Collect();
        Answer refused = await _a.SendAsync(Administrator, "PATCH", target, Narrower);
        Answer accepted = await _a.SendAsync(
            Administrator, "PATCH", target, $$"""{"allowed_ips":["{{Listed}}"],"accept_lockout_risk":true}""");

        refused.Status.Should().Be(409, refused.Body);
        refused.Json.GetProperty("type").GetString().Should().Be("urn:flowbeacon:problems/lockout-risk");
        refused.Json.GetProperty("sources").EnumerateArray().Select(source => source.GetProperty("ip").GetString())
            .Should().Equal(Elsewhere);
        accepted.Status.Should().Be(200, accepted.Body);
    }

    [Fact]
    public async Task A_grace_period_is_not_ended_on_one_host_while_the_old_secret_is_used_on_the_other_one()
    {
        IssuedApiKey key = await CreateAsync([Listed, Elsewhere]);
        string target = $"{Keys}/{key.Details.Key.Id}";
        Answer rotated = await _a.SendAsync(Administrator, "POST", $"{target}/rotate");
        _b.Node.Load();
        _b.Time.Advance(TimeSpan.FromSeconds(5));
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(200);
        (await _a.UseAsync(rotated.Text("key")!, Listed)).Should().Be(200);

        Collect();
        Answer read = await _a.SendAsync(Administrator, "GET", target);
        Answer refused = await _a.SendAsync(Administrator, "POST", $"{target}/end-grace");
        _a.Time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(5));
        _a.Node.Load();
        Answer inTime = await _a.SendAsync(Administrator, "POST", $"{target}/end-grace");
        _a.Time.Advance(TimeSpan.FromSeconds(1));
        Answer ended = await _a.SendAsync(Administrator, "POST", $"{target}/end-grace");

        JsonElement retiring = read.Json.GetProperty("retiring");
        retiring.GetProperty("last_used_at").GetString().Should().Be("2027-01-01T12:00:05+00:00");
        retiring.GetProperty("last_used_ip").GetString().Should().Be(Elsewhere);
        retiring.GetProperty("replacement_last_used_at").GetString().Should().Be("2027-01-01T12:00:00+00:00");
        retiring.GetProperty("replacement_last_used_ip").GetString().Should().Be(Listed);
        refused.Status.Should().Be(409, refused.Body);
        refused.Text("code").Should().Be("old_secret_in_use");
        inTime.Status.Should().Be(409, inTime.Body);
        ended.Status.Should().Be(200, ended.Body);
    }

    [Fact]
    public async Task An_edit_is_not_refused_for_sources_that_no_host_saw()
    {
        IssuedApiKey key = await CreateAsync([Listed, Elsewhere]);
        (await _b.UseAsync(key.RawKey, Listed)).Should().Be(200);
        Collect();

        Answer edited = await _a.SendAsync(
            Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", $$"""{"allowed_ips":["{{Listed}}"]}""");

        edited.Status.Should().Be(200, edited.Body);
    }

    [Fact]
    public async Task An_edit_is_refused_where_the_other_host_lost_sources_before_they_were_taken()
    {
        IssuedApiKey key = await CreateAsync([]);
        for (int number = 0; number < 80; number++)
        {
            (await _b.UseAsync(key.RawKey, $"192.0.2.{number}")).Should().Be(200);
        }

        Collect();
        Answer refused = await _a.SendAsync(
            Administrator, "PATCH", $"{Keys}/{key.Details.Key.Id}", $$"""{"allowed_ips":["{{Listed}}"]}""");

        refused.Status.Should().Be(409, refused.Body);
        refused.Json.GetProperty("older_sources_evicted").GetBoolean().Should().BeTrue();
    }

    [Fact]
    public async Task A_recovery_on_one_host_is_admitted_by_a_denial_on_the_other_one()
    {
        IssuedApiKey key = await CreateAsync([Listed]);
        string glass = (await _a.CreateBreakGlassAsync()).RawKey;
        (await RecoverAsync()).Status.Should().Be(409, "nobody was denied yet");
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
        (await RecoverAsync()).Status.Should().Be(409, "the other host told nobody yet");

        Collect();
        Answer recovered = await RecoverAsync();

        recovered.Status.Should().Be(200, recovered.Body);
        recovered.Texts("allowed_ips").Should().Equal(Elsewhere, Listed);

        Task<Answer> RecoverAsync() => _a.SendAsync(
            null, "POST", $"{Keys}/{key.Details.Key.Id}/recover", null, ToyHost.Bearer(glass), $"X-Forwarded-For: {Elsewhere}");
    }

    [Fact]
    public async Task A_denial_on_the_other_host_is_evidence_for_one_hour()
    {
        IssuedApiKey key = await CreateAsync([Listed]);
        string glass = (await _a.CreateBreakGlassAsync()).RawKey;
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
        Collect();

        _a.Time.Advance(TimeSpan.FromSeconds(3_601));
        _a.Node.Load();
        Answer late = await _a.SendAsync(
            null, "POST", $"{Keys}/{key.Details.Key.Id}/recover", null, ToyHost.Bearer(glass), $"X-Forwarded-For: {Elsewhere}");

        late.Status.Should().Be(409, late.Body);
    }

    [Fact]
    public async Task Each_host_shows_the_traffic_of_both()
    {
        IssuedApiKey key = await CreateAsync([Listed]);
        string id = key.Details.Key.Id;
        _b.Time.Advance(TimeSpan.FromSeconds(5));
        foreach (ToyHost host in new[] { _a, _b })
        {
            (await host.UseAsync(key.RawKey, Listed)).Should().Be(200);
            (await host.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
            (await host.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
        }

        Collect();

        Answer denials = await _a.SendAsync(Administrator, "GET", $"{Keys}/{id}/denials");
        denials.Json.GetProperty("denied").GetInt64().Should().Be(4);
        denials.Json.GetProperty("denials").EnumerateArray().Select(row => $"{row.GetProperty("ip")} {row.GetProperty("count")}")
            .Should().Equal($"{Elsewhere} 4");
        Answer sources = await _a.SendAsync(Administrator, "GET", $"{Keys}/{id}/sources");
        sources.Json.GetProperty("sources").EnumerateArray().Select(row => $"{row.GetProperty("ip")} {row.GetProperty("count")}")
            .Should().Equal($"{Listed} 2");
        (await _a.SendAsync(Administrator, "GET", $"{Keys}/{id}/suggestion")).Texts("allowed_ips").Should().Equal(Listed);
        Answer read = await _a.SendAsync(Administrator, "GET", $"{Keys}/{id}");
        read.Text("last_used_at").Should().Be("2027-01-01T12:00:05+00:00");
        read.Text("last_used_ip").Should().Be(Listed);
        Answer list = await _a.SendAsync(Administrator, "GET", Keys);
        list.Json.GetProperty("keys")[0].GetProperty("last_used_at").GetString().Should().Be("2027-01-01T12:00:05+00:00");
    }

    [Fact]
    public async Task A_batch_that_could_not_be_delivered_comes_again_and_one_that_comes_twice_is_added_once()
    {
        IssuedApiKey key = await CreateAsync([Listed]);
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
        (await _b.UseAsync(key.RawKey, Listed)).Should().Be(200);
        LocalTraffic local = _b.Local;

        // The first attempt does not reach the store; the second does, and its answer gets lost.
        TrafficChanges undelivered = local.TakeChanges(100)!;
        (await _b.UseAsync(key.RawKey, Elsewhere)).Should().Be(403);
        TrafficChanges again = local.TakeChanges(100)!;
        _shared.Add("b", again);
        Collect();

        again.Should().BeSameAs(undelivered);
        (await _shared.ReadTotalsAsync(key.Details.Key.Id, TestContext.Current.CancellationToken)).Denied.Should().Be(2);
        (await _shared.ReadSourcesAsync(key.Details.Key.Id, TestContext.Current.CancellationToken)).Sources
            .Should().ContainSingle().Which.Count.Should().Be(1);
    }

    [Fact]
    public async Task Nothing_is_lost_while_requests_go_on_and_batches_are_taken()
    {
        const int Threads = 3;
        const int Each = 3_000;
        const int MinBatches = 10;
        IssuedApiKey[] keys = [await CreateAsync([Listed]), await CreateAsync([Listed]), await CreateAsync([Listed])];
        RequestDelegate[] pipelines = [Pipeline(_a), Pipeline(_b)];
        int done = 0;
        int batches = 0;
        long denied = 0;

        Task[] requests = [.. Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (int number = 0; number < Each || Volatile.Read(ref batches) < MinBatches; number++)
            {
                string from = number % 3 == 0 ? Listed : $"198.51.100.{number % 50}";
                int status = await SendAsync(pipelines[number % 2], keys[(number + thread) % keys.Length].RawKey, from);
                status.Should().Be(from == Listed ? 200 : 403);
                Interlocked.Add(ref denied, from == Listed ? 0 : 1);
            }

            Interlocked.Increment(ref done);
        }))];
        while (Volatile.Read(ref done) < Threads && !requests.Any(task => task.IsFaulted))
        {
            Volatile.Write(ref batches, batches + _shared.Collect("a", _a.Local, max: 7) + _shared.Collect("b", _b.Local, max: 7));
            await Task.Yield();
        }

        await Task.WhenAll(requests);
        Collect();

        CancellationToken token = TestContext.Current.CancellationToken;
        (await _shared.ReadTotalsAsync(null, token)).Should().Be(new DenialTotals { Denied = denied, WouldDeny = 0 });
        (await _shared.ReadDenialsAsync(new DenialQuery { Limit = 1_000 }, token)).Denials.Sum(row => row.Count)
            .Should().Be(denied);
        foreach (IssuedApiKey key in keys)
        {
            long counted = 0;
            foreach (ToyHost host in new[] { _a, _b })
            {
                counted += (await host.Local.ThisProcess.ReadSourcesAsync(key.Details.Key.Id, token)).Sources.Sum(source => source.Count);
            }

            (await _shared.ReadSourcesAsync(key.Details.Key.Id, token)).Sources.Should().ContainSingle().Which.Count.Should().Be(counted);
        }
    }

    [Fact]
    public async Task Denials_of_both_hosts_are_read_page_by_page_in_the_order_asked_for()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        IssuedApiKey key = await CreateAsync([Listed]);
        (ToyHost, string)[] requests = [(_a, "198.51.100.1"), (_a, "198.51.100.2"), (_b, "198.51.100.3"), (_b, "198.51.100.2")];
        foreach ((ToyHost host, string from) in requests)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            (await host.UseAsync(key.RawKey, from)).Should().Be(403);
        }

        _b.Time.Advance(TimeSpan.FromSeconds(2));
        (await _b.UseAsync(key.RawKey, "198.51.100.1")).Should().Be(403);
        (await _b.UseAsync(key.RawKey, "198.51.100.1")).Should().Be(403);
        Collect();

        (await PagesAsync(new DenialQuery { Order = DenialOrder.Count, Limit = 2 })).Should().Equal(
            "198.51.100.1 3, 198.51.100.2 2", "198.51.100.3 1");
        (await PagesAsync(new DenialQuery { Order = DenialOrder.LastSeen, Limit = 1 })).Should().Equal(
            "198.51.100.1 3", "198.51.100.2 2", "198.51.100.3 1");
        (await PagesAsync(new DenialQuery { Since = ToyHost.Start.AddSeconds(3) })).Should().Equal("198.51.100.1 3");
        (await PagesAsync(new DenialQuery { ClientIp = IPAddress.Parse("::ffff:198.51.100.3") })).Should().Equal("198.51.100.3 1");
        (await PagesAsync(new DenialQuery { KeyId = "another" })).Should().Equal("");
        foreach (string cursor in new[] { "", "-1", "next", "99999999999" })
        {
            await ((Func<Task>)(() => PagesAsync(new DenialQuery { After = cursor }))).Should().ThrowAsync<FormatException>();
        }

        async Task<List<string>> PagesAsync(DenialQuery query)
        {
            var pages = new List<string>();
            DenialPage page;
            do
            {
                page = await _shared.ReadDenialsAsync(query, token);
                pages.Add(string.Join(", ", page.Denials.Select(row => $"{row.ClientIp} {row.Count}")));
                query = query with { After = page.Next };
            }
            while (page.Next is not null);

            return pages;
        }
    }

    private static RequestDelegate Pipeline(ToyHost host)
    {
        IApplicationBuilder app = new ApplicationBuilder(host.Services).UseFlowBeaconIpAllowlist();
        app.Run(_ => Task.CompletedTask);
        return app.Build();
    }

    private static async Task<int> SendAsync(RequestDelegate pipeline, string rawKey, string from)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "GET";
        context.Request.Headers.Authorization = $"Bearer {rawKey}";
        context.Request.Headers["X-Forwarded-For"] = from;
        await pipeline(context);
        return context.Response.StatusCode;
    }

    private void Collect()
    {
        _shared.Collect("a", _a.Local);
        _shared.Collect("b", _b.Local);
    }

    /// <summary>Creates a key on one host, and lets the other one know it.</summary>
    private async Task<IssuedApiKey> CreateAsync(string[] allowedIps)
    {
        IssuedApiKey key = await _a.CreateAsync($"key {Guid.NewGuid():N}", allowedIps);
        _b.Node.Load();
        return key;
    }
}
