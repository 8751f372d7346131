using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.UnitTests.Diagnostics;

/// <summary>The diagnosis of the configured client-address source from the traffic of several keys.</summary>
public sealed class ClientIpSourceDiagnosisTests : IDisposable
{
    private const int Suspect = 16;
    private const int Plausible = 17;

    private readonly ObservedTraffic _traffic = new();
    private readonly LogRecorder _logs = new();
    private readonly ILoggerFactory _loggers;

    public ClientIpSourceDiagnosisTests() => _loggers = LoggerFactory.Create(logging => logging.AddProvider(_logs));

    /// <summary>A source, how the clients of three keys look with it, and what is found.</summary>
    public static TheoryData<ClientIpSource, string, string?> Findings => new()
    {
        {
            ClientIpSource.ForwardedForFirst, "peer 10.0.0.1",
            "requests with 3 of 3 keys all seem to come from 10.0.0.1, probably one of your proxies; make it send X-Forwarded-For"
        },
        {
            ClientIpSource.ForwardedForFirst, "forwarded 10.0.0.1",
            "requests with 3 of 3 keys all seem to come from 10.0.0.1, probably one of your proxies; make the edge write the "
                + "client's address first,"
                + " or use ClientIpSource.TrustedProxies"
        },
        {
            ClientIpSource.TrustedProxies, "peer ::1",
            "requests with 3 of 3 keys all seem to come from ::1, probably one of your proxies; add it to TrustedProxies"
        },
        {
            ClientIpSource.TrustedProxies, "forwarded fd00::7",
            "requests with 3 of 3 keys all seem to come from fd00::7, probably one of your proxies; add it to TrustedProxies"
        },
        {
            ClientIpSource.PeerAddress, "peer 100.64.0.1",
            "requests with 3 of 3 keys all seem to come from 100.64.0.1, probably one of your proxies; set ClientIpSource to "
                + "TrustedProxies and add it there,"
                + " or run UseForwardedHeaders before the check"
        },
        {
            ClientIpSource.ForwardedForFirst, "unusable",
            "3 of 3 keys were used only with entries of X-Forwarded-For that are not addresses; make the edge write plain addresses, "
                + "or choose another"
                + " ClientIpSource than ForwardedForFirst"
        },
        {
            ClientIpSource.TrustedProxies, "unusable",
            "3 of 3 keys were used only with entries of X-Forwarded-For that are not addresses; make the edge write plain addresses, "
                + "or choose another"
                + " ClientIpSource than TrustedProxies"
        },
        {
            ClientIpSource.ForwardedForFirst, "rewritten",
            "the peer address of requests with 3 of 3 keys was replaced in this process before the check; set "
                + "options.ClientIpSource = ClientIpSource.PeerAddress;"
        },
        {
            ClientIpSource.TrustedProxies, "rewritten",
            "the peer address of requests with 3 of 3 keys was replaced in this process before the check; set "
                + "options.ClientIpSource = ClientIpSource.PeerAddress;"
        },
        { ClientIpSource.ForwardedForFirst, "peer 198.51.100.9", null },
        { ClientIpSource.TrustedProxies, "forwarded 2001:db8::9", null },
        { ClientIpSource.PeerAddress, "peer 198.51.100.9", null },
        { ClientIpSource.PeerAddress, "no peer", null },
    };

    public void Dispose()
    {
        _traffic.Dispose();
        _loggers.Dispose();
        _logs.Dispose();
    }

    [Theory]
    [MemberData(nameof(Findings))]
    public void Reports_the_fault_and_the_remedy_for_keys_in_use(ClientIpSource source, string client, string? finding)
    {
        Keys(3, key => _traffic.Use(key, Client(client)));

        Judge(source).Should().Be(finding);
    }

    [Theory]
    [MemberData(nameof(Findings))]
    public void Reports_the_same_for_keys_that_are_only_denied(ClientIpSource source, string client, string? finding)
    {
        Keys(3, key => _traffic.Deny(key, Client(client)));

        Judge(source).Should().Be(finding);
    }

    /// <summary>How many keys of how many look suspicious, and whether that is enough.</summary>
    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(2, 2, false)]
    [InlineData(3, 3, true)]
    [InlineData(2, 3, false)]
    [InlineData(8, 9, false)]
    [InlineData(9, 10, true)]
    [InlineData(8, 10, false)]
    [InlineData(18, 20, true)]
    [InlineData(17, 20, false)]
    public void Nine_of_ten_keys_and_three_at_least_must_look_suspicious(int suspicious, int all, bool isFound)
    {
        foreach (string client in new[] { "peer 10.0.0.1", "unusable", "rewritten" })
        {
            using var traffic = new ObservedTraffic();
            for (int key = 0; key < all; key++)
            {
                traffic.Use($"key-{key}", key < suspicious ? Client(client) : ObservedTraffic.From((uint)(0xC633_6400 + key)));
            }

            string? finding = Diagnosis(ClientIpSource.ForwardedForFirst, traffic).Judge();

            (finding is not null).Should().Be(isFound);
            finding?.Should().Contain($"{suspicious} of {all} keys");
        }
    }

    [Fact]
    public void Keys_that_come_from_a_private_address_each_its_own_are_fine()
    {
        Keys(3, key => _traffic.Use(key, ObservedTraffic.From($"10.0.0.{key[^1]}")));

        Judge().Should().BeNull();
    }

    [Fact]
    public void A_key_that_also_comes_from_elsewhere_does_not_count_whether_it_gets_through_there_or_not()
    {
        Keys(6, key => _traffic.Use(key, ObservedTraffic.From("10.0.0.1")));
        Judge().Should().NotBeNull();

        _traffic.Use("key-0", ObservedTraffic.From("198.51.100.9"));
        Judge().Should().BeNull();

        Keys(6, key => _traffic.Use($"other-{key}", ObservedTraffic.From("10.0.0.1")));
        Judge().Should().Contain("11 of 12 keys");
        _traffic.Deny("key-1", ObservedTraffic.From("198.51.100.9"));
        Judge().Should().BeNull();
        _traffic.Deny("key-1", ObservedTraffic.From("10.0.0.1"));
        Judge().Should().Contain("11 of 12 keys", "of denials only the last one counts");
    }

    [Fact]
    public void A_few_hops_more_or_less_are_the_same_address_another_origin_is_not()
    {
        Keys(3, key => _traffic.Use(key, ClientIp.Forwarded(ObservedTraffic.From("10.0.0.1").Address, hop: 1 + key[^1] - '0')));
        Judge(ClientIpSource.TrustedProxies).Should().NotBeNull();

        Keys(3, key => _traffic.Use($"other-{key}", ObservedTraffic.From("10.0.0.1")));
        Judge(ClientIpSource.TrustedProxies).Should().BeNull("three come over proxies and three do not");
    }

    [Fact]
    public void The_holder_of_one_key_alone_cannot_make_the_host_look_ill()
    {
        _traffic.Use("honest-1", ObservedTraffic.From("198.51.100.1"));
        _traffic.Use("honest-2", ObservedTraffic.From("198.51.100.2"));

        for (uint number = 0; number < 300; number++)
        {
            _traffic.Use("forging", ObservedTraffic.From(0x0A00_0000 + number));
            _traffic.Deny("forging", ObservedTraffic.From(0x0A00_0000 + number));
            Judge().Should().BeNull();
        }

        _traffic.Use("forging", Client("unusable"));
        _traffic.Deny("forging", Client("unusable"));
        Judge().Should().BeNull();
    }

    [Theory]
    [InlineData(3_600, true)]
    [InlineData(3_601, false)]
    public void Only_the_traffic_of_the_last_hour_counts(int secondsLater, bool isFound)
    {
        _traffic.Use("key-0", ObservedTraffic.From("10.0.0.1"));
        _traffic.Use("key-1", ObservedTraffic.From("10.0.0.1"));
        _traffic.Deny("key-2", ObservedTraffic.From("10.0.0.1"));

        _traffic.Time.Advance(TimeSpan.FromSeconds(secondsLater));

        (Judge() is not null).Should().Be(isFound);
    }

    [Fact]
    public void Older_traffic_of_a_key_does_not_count()
    {
        Keys(3, key => _traffic.Use(key, ObservedTraffic.From("198.51.100.9")));
        Keys(3, key => _traffic.Deny(key, ObservedTraffic.From("198.51.100.9")));
        _traffic.Time.Advance(TimeSpan.FromSeconds(3_601));
        Keys(3, key => _traffic.Use(key, ObservedTraffic.From("10.0.0.1")));

        Judge().Should().NotBeNull();
    }

    [Fact]
    public void Each_change_of_state_is_logged_once()
    {
        ClientIpSourceDiagnosis diagnosis = Diagnosis(ClientIpSource.ForwardedForFirst, _traffic);
        diagnosis.Judge();
        _logs.OfLibrary.Should().BeEmpty();

        Keys(3, key => _traffic.Use(key, ObservedTraffic.From("10.0.0.1")));
        diagnosis.Judge();
        diagnosis.Judge();
        Keys(4, key => _traffic.Use(key, ObservedTraffic.From("10.0.0.1")));
        diagnosis.Judge().Should().Contain("4 of 4 keys");
        (LogLevel, int, string) suspect = (
            LogLevel.Warning,
            Suspect,
            "The client-address source is probably wrong: requests with 3 of 3 keys all seem to come"
                + " from 10.0.0.1, probably one of your proxies; make it send X-Forwarded-For");
        Logged().Should().Equal(suspect);

        _traffic.Time.Advance(TimeSpan.FromSeconds(3_601));
        diagnosis.Judge();
        diagnosis.Judge();
        (LogLevel, int, string) plausible = (LogLevel.Information, Plausible, "The client-address source appears right again");
        Logged().Should().Equal(suspect, plausible);

        Keys(3, key => _traffic.Deny(key, ObservedTraffic.From("10.0.0.1")));
        diagnosis.Judge();
        diagnosis.Judge();
        Logged().Should().Equal(suspect, plausible, suspect);

        IEnumerable<(LogLevel, int, string)> Logged() => _logs.OfLibrary.Select(entry => (entry.Level, entry.Id.Id, entry.Message));
    }

    private static ClientIp Client(string text) => text.Split(' ') switch
    {
        ["peer", var address] => ClientIp.Peer(IpAddressValue.From(IPAddress.Parse(address))),
        ["forwarded", var address] => ClientIp.Forwarded(IpAddressValue.From(IPAddress.Parse(address)), hop: 1),
        ["unusable"] => ClientIp.Unusable(ClientIpFault.UnusableForwardedFor, hop: 1),
        ["rewritten"] => ClientIp.Unusable(ClientIpFault.PeerRewritten),
        _ => ClientIp.Unusable(ClientIpFault.UnknownPeer),
    };

    private static void Keys(int count, Action<string> act)
    {
        for (int key = 0; key < count; key++)
        {
            act($"key-{key}");
        }
    }

    private string? Judge(ClientIpSource source = ClientIpSource.ForwardedForFirst) => Diagnosis(source, _traffic).Judge();

    private ClientIpSourceDiagnosis Diagnosis(ClientIpSource source, ObservedTraffic traffic) =>
        new(traffic.Sources, traffic.Denials, traffic.Clock, source, _loggers);
}
