using FlowBeacon.IpAllowlist.Tests.Authentication;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>
/// A list in report-only mode refuses nothing and reports what it would have refused; a list that cannot be read still refuses.
/// </summary>
public sealed class RehearsalTests
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";
    private const int UnreadableList = 15;

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    /// <summary>Mode, list, X-Forwarded-For, the status, the feature and the metrics.</summary>
    public static TheoryData<AllowlistMode, string[], string?, int, string, string> Requests => new()
    {
        {
            AllowlistMode.ReportOnly, [Listed], NotListed, 200, "WouldDeny 198.51.100.9 ForwardedFor NotListed",
            "1 outcome=would_deny client_ip_source=forwarded_for"
        },
        {
            AllowlistMode.Enforce, [Listed], NotListed, 403, "Denied 198.51.100.9 ForwardedFor NotListed",
            "1 outcome=denied client_ip_source=forwarded_for"
        },
        {
            AllowlistMode.ReportOnly, [Listed], null, 200, "WouldDeny 127.0.0.1 Peer NotListed",
            "1 outcome=would_deny client_ip_source=peer"
        },
        { AllowlistMode.Enforce, [Listed], null, 403, "Denied 127.0.0.1 Peer NotListed", "1 outcome=denied client_ip_source=peer" },
        {
            AllowlistMode.ReportOnly, [Listed], "unknown", 200, "WouldDeny - None UnusableForwardedFor",
            "1 outcome=would_deny client_ip_source=none"
        },
        { AllowlistMode.Enforce, [Listed], "unknown", 403, "Denied - None UnusableForwardedFor", "1 outcome=denied client_ip_source=none" },
        {
            AllowlistMode.ReportOnly, [Listed], Listed, 200, "Allowed 203.0.113.7 ForwardedFor -",
            "1 outcome=allowed client_ip_source=forwarded_for"
        },
        {
            AllowlistMode.Enforce, [Listed], Listed, 200, "Allowed 203.0.113.7 ForwardedFor -",
            "1 outcome=allowed client_ip_source=forwarded_for"
        },
        {
            AllowlistMode.ReportOnly, [], NotListed, 200, "Unrestricted 198.51.100.9 ForwardedFor -",
            "1 outcome=unrestricted client_ip_source=forwarded_for"
        },
        { AllowlistMode.ReportOnly, [], "unknown", 200, "Unrestricted - None -", "1 outcome=unrestricted client_ip_source=none" },
    };

    public static TheoryData<AllowlistMode> Modes => [AllowlistMode.Enforce, AllowlistMode.ReportOnly];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Refuses_nothing_and_reports_the_denial(
        AllowlistMode mode, string[] allowedIps, string? forwardedFor, int status, string expected, string measurement)
    {
        var found = new List<string>();
        await using KestrelApp app = await KestrelApp.StartAsync(
            Store(mode, allowedIps), pipeline: pipeline => SeeAndCheck(pipeline, found));
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await app.GetAsync(forwardedFor is null ? [Key] : [Key, HeaderLine.ForwardedFor(forwardedFor)]);

        response.Status.Should().Be(status);
        found.Should().Equal(expected);
        metrics.Of("checks").Should().Equal(measurement);
    }

    [Theory]
    [InlineData(AllowlistMode.ReportOnly, "Would be denied if the list were enforced", 13, "WouldDeny", 14, "WouldDenyRepeatedly")]
    [InlineData(AllowlistMode.Enforce, "Denied", 1, "Denied", 2, "DeniedRepeatedly")]
    public async Task The_first_of_an_address_is_a_warning_and_the_rest_goes_to_Debug(
        AllowlistMode mode, string words, int first, string firstName, int repeated, string repeatedName)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(Store(mode, Listed));
        int before = app.Logs.OfLibrary.Count;

        foreach (string forwardedFor in new[] { NotListed, NotListed, "2001:db8::9", NotListed, Listed })
        {
            await app.GetAsync(Key, HeaderLine.ForwardedFor(forwardedFor));
        }

        string Line(string clientIp) =>
            $"{words}: key restricted ('fb_live_1111') from {clientIp} (origin ForwardedFor), reason NotListed, "
                + $"X-Forwarded-For '{clientIp}'";
        app.Logs.OfLibrary.Skip(before).Select(entry => (entry.Level, entry.Id.Id, entry.Id.Name, entry.Message)).Should().Equal(
            (LogLevel.Warning, first, firstName, Line(NotListed)),
            (LogLevel.Debug, repeated, repeatedName, Line(NotListed)),
            (LogLevel.Warning, first, firstName, Line("2001:db8::9")),
            (LogLevel.Debug, repeated, repeatedName, Line(NotListed)));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Report_only_denials_are_recorded_and_marked(AllowlistMode mode)
    {
        bool isRehearsal = mode == AllowlistMode.ReportOnly;
        await using KestrelApp app = await KestrelApp.StartAsync(Store(mode, Listed));

        for (int time = 1; time <= 2; time++)
        {
            await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed));
        }

        await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed));

        IApiKeyTraffic traffic = app.Services.GetRequiredService<IApiKeyTraffic>();
        traffic.ReadDenials(new DenialQuery()).Should().ContainSingle().Which.Should().BeEquivalentTo(new
        {
            KeyId = "restricted",
            ClientIp = NotListed,
            Reason = IpAllowlistDenialReason.NotListed,
            ClientIpOrigin = ClientIpOrigin.ForwardedFor,
            IsReportOnly = isRehearsal,
            Count = 2L,
            LastMethod = "GET",
            LastPath = "/",
        });
        traffic.ReadTotals("restricted").Should().Be(new DenialTotals { Denied = isRehearsal ? 0 : 2, WouldDeny = isRehearsal ? 2 : 0 });
        traffic.ReadSources("restricted").Sources.Select(source => source.ClientIp).Should().BeEquivalentTo(
            isRehearsal ? [Listed, NotListed] : [Listed], "who gets through uses the key, listed or not");
    }

    [Theory]
    [InlineData("/required")]
    [InlineData("/scope")]
    [InlineData("/required-and-scope")]
    [InlineData("/authorized")]
    public async Task A_rehearsed_key_is_a_principal_and_opens_what_its_key_opens(string path)
    {
        const string RawKey = SchemeKeys.Reader;
        ApiKey key = SchemeKeys.Create(RawKey, "reader", [ApiKeyScopes.GovernanceRead], Listed);
        InMemoryApiKeyStore store = SchemeKeys.Store();
        await using KestrelApp app = await StartSchemeAsync(store);
        string[] request = [HeaderLine.Bearer(RawKey), HeaderLine.ForwardedFor(NotListed)];

        store.Set(key with { AllowlistMode = AllowlistMode.ReportOnly });
        RawResponse rehearsed = await app.GetPathAsync(path, request);
        RawResponse withoutScope = await app.GetPathAsync("/evaluate", request);

        rehearsed.Status.Should().Be(200);
        rehearsed.Content.Should().Be("reader governance:read");
        Answer.Of(withoutScope).Should().Be(Answer.InsufficientScope);

        store.Set(key);
        Answer.Of(await app.GetPathAsync(path, request)).Should().Be(Answer.Denied);
    }

    [Fact]
    public async Task OnDenied_is_not_called_for_what_is_let_through()
    {
        int calls = 0;
        InMemoryApiKeyStore store = Store(AllowlistMode.ReportOnly, Listed);
        await using KestrelApp app = await KestrelApp.StartAsync(store, options => options.OnDenied = (_, _) =>
        {
            calls++;
            return ValueTask.CompletedTask;
        });

        await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed));
        calls.Should().Be(0);

        store.Set(TestKeys.Create(TestKeys.Restricted, "restricted", Listed));
        await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed));
        calls.Should().Be(1);
    }

    [Fact]
    public async Task A_switch_of_the_mode_is_in_force_at_the_next_request_both_ways()
    {
        InMemoryApiKeyStore store = Store(AllowlistMode.ReportOnly, Listed);
        await using KestrelApp app = await KestrelApp.StartAsync(store);
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
        ApiKey rehearsed = store.Find(ApiKeyHash.Compute(TestKeys.Restricted))!;

        foreach ((AllowlistMode mode, int status) in new[]
        {
            (AllowlistMode.ReportOnly, 200), (AllowlistMode.Enforce, 403), (AllowlistMode.ReportOnly, 200), (AllowlistMode.Enforce, 403),
        })
        {
            store.Set(rehearsed with { AllowlistMode = mode });
            (await client.GetAsync(Key, HeaderLine.ForwardedFor(NotListed))).Status.Should().Be(status);
            (await client.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Status.Should().Be(200);
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_list_that_cannot_be_read_denies_in_both_modes(AllowlistMode mode)
    {
        var found = new List<string>();
        var told = new List<IpAllowlistDenialReason>();
        ApiKey key = TestKeys.Create(TestKeys.Restricted, "restricted") with { AllowedIps = IpAddressSet.Unreadable, AllowlistMode = mode };
        await using KestrelApp app = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => new(key)),
            options => options.OnDenied = (denied, _) =>
            {
                told.Add(denied.Reason);
                return ValueTask.CompletedTask;
            },
            pipeline: pipeline => SeeAndCheck(pipeline, found));
        using var metrics = new MetricRecorder(app.Services);

        RawResponse first = await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed));
        RawResponse again = await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed));

        first.Status.Should().Be(403);
        first.Content.Should().Contain("\"title\":\"IP address not allowed\"").And.Contain($"\"client_ip\":\"{NotListed}\"");
        again.Status.Should().Be(403);
        found.Should().Equal(Enumerable.Repeat("Denied 198.51.100.9 ForwardedFor UnreadableList", 2));
        told.Should().Equal(Enumerable.Repeat(IpAllowlistDenialReason.UnreadableList, 2));
        metrics.Of("checks").Should().Equal(Enumerable.Repeat("1 outcome=denied client_ip_source=forwarded_for", 2));
        LogEntry entry = app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Id == UnreadableList).Subject;
        entry.Level.Should().Be(LogLevel.Error);
        entry.Message.Should().Be(
            "The stored allowlist of key restricted ('fb_live_1111') cannot be read, so the key is denied from everywhere. Set "
                + "its list again");
        app.Services.GetRequiredService<IApiKeyTraffic>().ReadDenials(new DenialQuery())
            .Should().ContainSingle().Which.Should().BeEquivalentTo(
                new { ClientIp = NotListed, Reason = IpAllowlistDenialReason.UnreadableList, IsReportOnly = false, Count = 2L });
    }

    [Theory]
    [InlineData(null, 403)]
    [InlineData("Enforce", 403)]
    [InlineData("enforce", 403)]
    [InlineData("ReportOnly", 200)]
    [InlineData("reportonly", 200)]
    public async Task A_key_from_configuration_has_the_mode_that_is_written_there(string? mode, int status)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(configure: builder => AddKey(builder, mode));

        (await app.GetAsync(Key, HeaderLine.ForwardedFor(NotListed))).Status.Should().Be(status);
        (await app.GetAsync(Key, HeaderLine.ForwardedFor(Listed))).Content.Should().Be("Allowed");
    }

    [Theory]
    [InlineData("report_only")]
    [InlineData("Off")]
    [InlineData("1")]
    [InlineData("")]
    public async Task Any_other_mode_in_configuration_stops_the_start(string mode)
    {
        Func<Task> start = () => KestrelApp.StartAsync(configure: builder => AddKey(builder, mode));

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message
            .Should().Contain($"FlowBeacon:Keys:restricted:AllowlistMode: '{mode}' is not a mode; write Enforce or ReportOnly");
    }

    private static InMemoryApiKeyStore Store(AllowlistMode mode, params string[] allowedIps)
    {
        var store = new InMemoryApiKeyStore();
        store.Set(TestKeys.Create(TestKeys.Restricted, "restricted", allowedIps) with { AllowlistMode = mode });
        return store;
    }

    private static void SeeAndCheck(WebApplication pipeline, List<string> found)
    {
        pipeline.Use(async (context, next) =>
        {
            await next(context);
            IIpAllowlistFeature feature = context.Features.Get<IIpAllowlistFeature>()!;
            found.Add(
                $"{feature.Outcome} {feature.ClientIp?.ToString() ?? "-"} {feature.ClientIpOrigin} "
                    + $"{feature.DenialReason?.ToString() ?? "-"}");
        });
        pipeline.UseFlowBeaconIpAllowlist();
        pipeline.Run(_ => Task.CompletedTask);
    }

    private static Task<KestrelApp> StartSchemeAsync(InMemoryApiKeyStore store) => SchemeApp.StartAsync(
        app =>
        {
            app.UseAuthentication();
            app.UseFlowBeaconIpAllowlist();
            app.UseAuthorization();
            Map("/required").RequireApiKey();
            Map("/scope").RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            Map("/required-and-scope").RequireApiKey().RequireApiKeyScope(ApiKeyScopes.GovernanceRead);
            Map("/authorized").RequireAuthorization(SchemeApp.OurScheme);
            Map("/evaluate").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);

            RouteHandlerBuilder Map(string path) => app.MapGet(path, (HttpContext context) => string.Join(' ', context.User.Claims
                .Where(claim => claim.Type is ApiKeyAuthenticationDefaults.ScopeClaim or System.Security.Claims.ClaimTypes.NameIdentifier)
                .Select(claim => claim.Value)));
        },
        store: store);

    private static void AddKey(WebApplicationBuilder builder, string? mode)
    {
        var settings = new Dictionary<string, string?>
        {
            ["FlowBeacon:Keys:restricted:Hash"] = ApiKeyHash.Compute(TestKeys.Restricted).ToString(),
            ["FlowBeacon:Keys:restricted:AllowedIps:0"] = Listed,
        };
        if (mode is not null)
        {
            settings["FlowBeacon:Keys:restricted:AllowlistMode"] = mode;
        }

        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection("FlowBeacon:Keys"));
    }
}
