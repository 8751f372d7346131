using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Diagnostics;

/// <summary>What operators read about refused requests, and what they never read.</summary>
public sealed class LogTests
{
    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);

    [Fact]
    public async Task A_denial_is_a_warning_that_says_who_from_where_and_why()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        await app.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.9, 192.0.2.1"));

        LogEntry entry = app.Logs.OfLibrary.Single(entry => entry.Id.Id == 1);
        entry.Level.Should().Be(LogLevel.Warning);
        entry.Id.Name.Should().Be("Denied");
        entry.Category.Should().Be("FlowBeacon.IpAllowlist");
        entry.Message.Should().Be(
            "Denied: key restricted ('fb_live_1111') from 198.51.100.9 (origin ForwardedFor), reason NotListed, "
                + "X-Forwarded-For '198.51.100.9, 192.0.2.1'");
    }

    [Fact]
    public async Task A_denial_without_a_usable_address_says_so()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        await app.GetAsync(Key, HeaderLine.ForwardedFor("unknown"));

        app.Logs.OfLibrary.Single(entry => entry.Id.Id == 1).Message.Should()
            .Contain("from unknown (origin None)").And.Contain("reason UnusableForwardedFor");
    }

    [Fact]
    public async Task An_invalid_key_is_logged_at_Debug_without_a_trace_of_the_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown));

        LogEntry entry = app.Logs.OfLibrary.Single(entry => entry.Id.Id == 3);
        entry.Level.Should().Be(LogLevel.Debug);
        entry.Message.Should().NotContain("5555").And.NotContain("fb_live_");
    }

    [Fact]
    public async Task A_request_that_is_let_through_leaves_no_line()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));
        int before = app.Logs.OfLibrary.Count;

        await app.GetAsync(Key, HeaderLine.ForwardedFor("203.0.113.7"));
        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted));
        await app.GetAsync();

        app.Logs.OfLibrary.Should().HaveCount(before);
    }

    [Fact]
    public async Task Of_each_key_and_address_the_first_denial_is_a_warning_and_the_rest_goes_to_Debug()
    {
        InMemoryApiKeyStore store = TestKeys.Store("203.0.113.7");
        store.Set(TestKeys.Create(TestKeys.Unrestricted, "unrestricted", "203.0.113.7"));
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        await DenyAsync(Key, "198.51.100.9", 3);
        await DenyAsync(Key, "198.51.100.10", 2);
        await DenyAsync(HeaderLine.Bearer(TestKeys.Unrestricted), "198.51.100.10", 2);
        await DenyAsync(Key, "garbage", 3);

        LinesOfRefusals(app).Select(line => line[..line.IndexOf(", reason", StringComparison.Ordinal)]).Should().Equal(
            "1 Denied Warning Denied: key restricted ('fb_live_1111') from 198.51.100.9 (origin ForwardedFor)",
            "2 DeniedRepeatedly Debug Denied: key restricted ('fb_live_1111') from 198.51.100.9 (origin ForwardedFor)",
            "2 DeniedRepeatedly Debug Denied: key restricted ('fb_live_1111') from 198.51.100.9 (origin ForwardedFor)",
            "1 Denied Warning Denied: key restricted ('fb_live_1111') from 198.51.100.10 (origin ForwardedFor)",
            "2 DeniedRepeatedly Debug Denied: key restricted ('fb_live_1111') from 198.51.100.10 (origin ForwardedFor)",
            "1 Denied Warning Denied: key unrestricted ('fb_live_2222') from 198.51.100.10 (origin ForwardedFor)",
            "2 DeniedRepeatedly Debug Denied: key unrestricted ('fb_live_2222') from 198.51.100.10 (origin ForwardedFor)",
            "1 Denied Warning Denied: key restricted ('fb_live_1111') from unknown (origin None)",
            "2 DeniedRepeatedly Debug Denied: key restricted ('fb_live_1111') from unknown (origin None)",
            "2 DeniedRepeatedly Debug Denied: key restricted ('fb_live_1111') from unknown (origin None)");

        async Task DenyAsync(string key, string forwardedFor, int times)
        {
            for (int i = 0; i < times; i++)
            {
                (await app.GetAsync(key, HeaderLine.ForwardedFor(forwardedFor))).Status.Should().Be(403);
            }
        }
    }

    [Fact]
    public async Task Repeated_denials_use_up_no_warnings_of_other_addresses()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 30, TimeSpan.Zero));
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"), configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);

        for (int i = 0; i < 100; i++)
        {
            (await client.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.9"))).Status.Should().Be(403);
        }

        (await client.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.10"))).Status.Should().Be(403);
        app.Logs.OfLibrary.Where(entry => entry.Level == LogLevel.Warning && entry.Id.Id == 1).Should().HaveCount(2)
            .And.ContainSingle(entry => entry.Message.Contains("from 198.51.100.10 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_report_only_denial_is_a_warning_once_and_then_logged_at_Debug()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(Store(
            TestKeys.Create(TestKeys.Restricted, "restricted", "203.0.113.7") with { AllowlistMode = AllowlistMode.ReportOnly }));

        for (int i = 0; i < 2; i++)
        {
            (await app.GetAsync(Key, HeaderLine.ForwardedFor("198.51.100.9, 192.0.2.1"))).Status.Should().Be(200);
        }

        await app.GetAsync(Key, HeaderLine.ForwardedFor("203.0.113.7"));

        const string Message =
            "Would be denied if the list were enforced: key restricted ('fb_live_1111') from 198.51.100.9 (origin ForwardedFor),"
                + " reason NotListed, X-Forwarded-For '198.51.100.9, 192.0.2.1'";
        LinesOfRefusals(app).Should().Equal($"13 WouldDeny Warning {Message}", $"14 WouldDenyRepeatedly Debug {Message}");
    }

    [Theory]
    [InlineData(AllowlistMode.Enforce)]
    [InlineData(AllowlistMode.ReportOnly)]
    public async Task A_list_that_cannot_be_read_is_an_error_once_for_each_address_it_keeps_out(AllowlistMode mode)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(Store(
            TestKeys.Create(TestKeys.Restricted, "restricted") with { AllowedIps = IpAddressSet.Unreadable, AllowlistMode = mode }));

        for (int i = 0; i < 2; i++)
        {
            (await app.GetAsync(Key, HeaderLine.ForwardedFor("203.0.113.7"))).Status.Should().Be(403);
        }

        const string Message =
            "Denied: key restricted ('fb_live_1111') from 203.0.113.7 (origin ForwardedFor), reason UnreadableList, "
                + "X-Forwarded-For '203.0.113.7'";
        LinesOfRefusals(app).Should().Equal(
            "15 UnreadableList Error The stored allowlist of key restricted ('fb_live_1111') cannot be read, so the key is "
                + "denied from everywhere. Set its list again",
            $"1 Denied Warning {Message}",
            $"2 DeniedRepeatedly Debug {Message}");
    }

    [Fact]
    public async Task At_most_60_first_denials_a_minute_are_warnings_and_the_rest_goes_to_Debug()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 30, TimeSpan.Zero));
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"), configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
        int addresses = 0;

        await DenyAsync(65);
        Count(1).Should().Be(60);
        Count(2).Should().Be(5);

        time.Advance(TimeSpan.FromSeconds(29));
        await DenyAsync(1);
        Count(1).Should().Be(60);

        time.Advance(TimeSpan.FromSeconds(1));
        await DenyAsync(61);
        Count(1).Should().Be(120);
        Count(2).Should().Be(7);
        app.Logs.OfLibrary.Where(entry => entry.Id.Id == 2)
            .Should().OnlyContain(entry => entry.Level == LogLevel.Debug && entry.Id.Name == "DeniedRepeatedly");

        int Count(int id) => app.Logs.OfLibrary.Count(entry => entry.Id.Id == id);

        async Task DenyAsync(int times)
        {
            for (int i = 0; i < times; i++)
            {
                addresses++;
                (await client.GetAsync(Key, HeaderLine.ForwardedFor($"198.51.100.{addresses}"))).Status.Should().Be(403);
            }
        }
    }

    [Fact]
    public async Task Header_text_in_a_denial_is_bounded()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        await app.GetAsync(Key, HeaderLine.ForwardedFor(new string('x', 30 * 1024)));

        app.Logs.OfLibrary.Single(entry => entry.Id.Id == 1).Message.Should().EndWith($"X-Forwarded-For '{new string('x', 64)}...'");
    }

    [Fact]
    public async Task Header_text_in_a_denial_is_escaped()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));

        await app.GetAsync(Key, HeaderLine.ForwardedFor("a'b\tc\\n{KeyId}\u00c2\u0085\u00e2\u0080\u00a8"));

        app.Logs.OfLibrary.Single(entry => entry.Id.Id == 1).Message
            .Should().EndWith(@"X-Forwarded-For 'a\u0027b\u0009c\u005cn{KeyId}\u0085\u2028'");
    }

    [Fact]
    public async Task The_raw_key_is_in_no_log_line_of_the_whole_host()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"));
        await using KestrelApp failing = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away.")));
        string[] rawKeys = [TestKeys.Restricted, TestKeys.Unrestricted, TestKeys.Expired, TestKeys.Revoked, TestKeys.Unknown];

        foreach (string rawKey in rawKeys)
        {
            string bearer = HeaderLine.Bearer(rawKey);
            foreach (string forwardedFor in new[] { "203.0.113.7", "198.51.100.9", "garbage", "" })
            {
                await app.GetAsync(bearer, HeaderLine.ForwardedFor(forwardedFor));
            }

            await app.GetAsync(bearer, bearer);
            await app.GetAsync($"Authorization: Bearer {rawKey}, Bearer {rawKey}");
            await app.GetAsync($"Authorization: Basic {rawKey}");
            await app.GetAsync($"X-Api-Key: {rawKey}");
            await KestrelApp.SendAsync(app.IPv6, "HEAD", "/", bearer);
            (await Http2Request.GetAsync(app.Http2, bearer)).Dispose();
            await failing.GetAsync(bearer);
        }

        string[] lines = [.. app.Logs.Entries.Concat(failing.Logs.Entries).Select(entry => $"{entry.Message} {entry.Exception}")];
        lines.Should().Contain(line => line.Contains("fb_live_1111", StringComparison.Ordinal));
        foreach (string rawKey in rawKeys)
        {
            string moreThanThePrefix = rawKey[..(ApiKey.PrefixLength + 1)];
            string hash = ApiKeyHash.Compute(rawKey).ToString();
            lines.Should().NotContain(line => line.Contains(moreThanThePrefix, StringComparison.Ordinal));
            lines.Should().NotContain(line => line.Contains(hash, StringComparison.OrdinalIgnoreCase));
        }
    }

    private static InMemoryApiKeyStore Store(ApiKey key)
    {
        var store = new InMemoryApiKeyStore();
        store.Set(key);
        return store;
    }

    private static IEnumerable<string> LinesOfRefusals(KestrelApp app) =>
        app.Logs.OfLibrary.Where(entry => entry.Id.Id is 1 or 2 or 13 or 14 or 15)
        .Select(entry => $"{entry.Id.Id} {entry.Id.Name} {entry.Level} {entry.Message}");
}
