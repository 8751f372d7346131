using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Every outcome of the check, over a socket.</summary>
public sealed class VerdictTests
{
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";

    public static TheoryData<string, string, string> LetThrough => new()
    {
        { TestKeys.Restricted, Listed, "Allowed" },
        { TestKeys.Unrestricted, Listed, "Unrestricted" },
        { TestKeys.Unrestricted, NotListed, "Unrestricted" },
        { TestKeys.Unrestricted, "not an address", "Unrestricted" },
        { "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", Listed, "NoKey" },
        { "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", NotListed, "NoKey" },
    };

    public static TheoryData<string, string, int> Refused => new()
    {
        { TestKeys.Restricted, NotListed, 403 },
        { TestKeys.Restricted, "not an address", 403 },
        { TestKeys.Unknown, Listed, 401 },
        { TestKeys.Expired, Listed, 401 },
        { TestKeys.Revoked, Listed, 401 },
        { TestKeys.Restricted + "0", Listed, 401 },
        { TestKeys.Restricted[..^1], Listed, 401 },
        { "fb_live_", Listed, 401 },
    };

    [Theory]
    [MemberData(nameof(LetThrough))]
    public async Task Lets_through_with_outcome(string rawKey, string forwardedFor, string outcome)
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed));

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor));

        response.Status.Should().Be(200);
        response.Content.Should().Be(outcome);
    }

    [Fact]
    public async Task Lets_a_request_without_a_credential_through_as_no_key()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed));

        RawResponse response = await app.GetAsync(HeaderLine.ForwardedFor(NotListed));

        response.Status.Should().Be(200);
        response.Content.Should().Be("NoKey");
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Refuses_and_does_not_run_the_endpoint(string rawKey, string forwardedFor, int status)
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store(Listed), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ =>
            {
                ran = true;
                return Task.CompletedTask;
            });
        });

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(rawKey), HeaderLine.ForwardedFor(forwardedFor));

        response.Status.Should().Be(status);
        ran.Should().BeFalse();
    }

    [Theory]
    [InlineData(-1, 200)]
    [InlineData(0, 401)]
    [InlineData(1, 401)]
    public async Task A_key_works_until_the_very_instant_it_expires(long ticksAfterExpiry, int status)
    {
        var expiry = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var time = new FakeTimeProvider(expiry.AddTicks(ticksAfterExpiry));
        var store = new InMemoryApiKeyStore();
        store.Set(new ApiKey
        {
            Id = "ends",
            Hash = ApiKeyHash.Compute(TestKeys.Restricted),
            AllowedIps = IpAddressSet.Parse([Listed]),
            ExpiresAt = expiry.ToOffset(TimeSpan.FromHours(9)),
        });
        await using KestrelApp app = await KestrelApp.StartAsync(
            store, configure: builder => builder.Services.AddSingleton<TimeProvider>(time));

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed));

        response.Status.Should().Be(status);
    }

    [Fact]
    public async Task A_revoked_key_is_answered_401_even_from_an_address_that_is_not_on_its_list()
    {
        var store = new InMemoryApiKeyStore();
        store.Set(new ApiKey
        {
            Id = "gone",
            Hash = ApiKeyHash.Compute(TestKeys.Revoked),
            AllowedIps = IpAddressSet.Parse([Listed]),
            IsRevoked = true,
        });
        await using KestrelApp app = await KestrelApp.StartAsync(store);

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(TestKeys.Revoked), HeaderLine.ForwardedFor(NotListed));

        response.Status.Should().Be(401);
    }

    [Fact]
    public async Task A_changed_list_counts_from_the_next_request_of_an_open_connection()
    {
        InMemoryApiKeyStore store = TestKeys.Store(Listed);
        await using KestrelApp app = await KestrelApp.StartAsync(store);
        using KeepAliveClient client = await KeepAliveClient.ConnectAsync(app.IPv4);
        string[] request = [HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor(Listed)];

        int before = (await client.GetAsync(request)).Status;
        store.Set(TestKeys.Create(TestKeys.Restricted, "restricted", NotListed));
        int narrowed = (await client.GetAsync(request)).Status;
        store.Remove("restricted");
        int removed = (await client.GetAsync(request)).Status;

        new[] { before, narrowed, removed }.Should().Equal(200, 403, 401);
    }
}
