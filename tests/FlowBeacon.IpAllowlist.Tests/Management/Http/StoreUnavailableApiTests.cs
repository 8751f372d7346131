using FlowBeacon.IpAllowlist.Check;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Key administration while the store or the repository is unavailable.</summary>
public sealed class StoreUnavailableApiTests
{
    private const string Title = "API keys unavailable";

    private static readonly ApiKeyStoreUnavailableException NotReady = new("The database is away.", TimeSpan.FromSeconds(5));

    public static TheoryData<bool, string> PipelinesAndWays => new(
        from isChecked in new[] { true, false }
        from way in ReadyStore.Ways.Select(row => row.Data)
        select (isChecked, way));

    [Theory]
    [MemberData(nameof(PipelinesAndWays))]
    public async Task Requests_with_a_key_get_503_and_people_without_one_are_not_affected(bool isChecked, string way)
    {
        bool isReady = true;
        var keys = new InMemoryApiKeyStore();
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder =>
            {
                builder.Services.AddSingleton(ReadyStore.Create(way, keys, () => isReady, TimeSpan.FromSeconds(5)));
                builder.Services.AddSingleton<IApiKeyRepository>(
                    provider => new InMemoryApiKeyRepository(keys, provider.GetRequiredService<IAuditLog>()));
            },
            group: group =>
            {
                if (!isChecked)
                {
                    group.Add(endpoint => endpoint.Metadata.Add(KeyRequirement.Disabled));
                }
            });
        string key = KeyApiHost.Bearer((await host.CreateBreakGlassAsync()).RawKey);
        (await host.SendAsync(null, "GET", KeyApiHost.Keys, null, key)).Status.Should().Be(200);
        isReady = false;

        foreach (string? person in new[] { null, KeyApiHost.Member, KeyApiHost.Administrator })
        {
            Answer answer = await host.SendAsync(person, "GET", KeyApiHost.Keys, null, key);

            answer.ShouldBeProblem(503, Title);
            answer.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(5));
        }

        (await host.SendAsync(null, "POST", $"{KeyApiHost.Keys}/any/recover", "{}", key)).ShouldBeProblem(503, Title);
        (await host.SendAsync(KeyApiHost.Administrator, "GET", KeyApiHost.Keys)).Status.Should().Be(200);
        (await host.SendAsync(null, "GET", KeyApiHost.Keys)).Status.Should().Be(401);
    }

    [Fact]
    public async Task A_repository_that_cannot_answer_is_answered_503_to_those_who_may_ask()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(
            builder => builder.Services.AddSingleton<IApiKeyRepository, AwayRepository>());

        Answer answer = await host.SendAsync(KeyApiHost.Administrator, "GET", KeyApiHost.Keys);
        answer.ShouldBeProblem(503, Title);
        answer.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(5));
        answer.Body.Should().NotContain("database");
        (await host.SendAsync(KeyApiHost.Administrator, "POST", KeyApiHost.Keys, """{"name":"a","allowed_ips":[]}"""))
            .ShouldBeProblem(503, Title);
        (await host.SendAsync(KeyApiHost.Member, "GET", KeyApiHost.Keys)).Status.Should().Be(403);
        (await host.SendAsync(null, "GET", KeyApiHost.Keys)).Status.Should().Be(401);
    }

    private sealed class AwayRepository : IApiKeyRepository
    {
        public ValueTask<long> CommitAsync(ApiKeyChange change, CancellationToken cancellationToken) => throw NotReady;

        public ValueTask<ApiKeyDetails?> GetAsync(string id, CancellationToken cancellationToken) => throw NotReady;

        public ValueTask<IReadOnlyList<ApiKeyDetails>> ListAsync(
            ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) => throw NotReady;

        public ValueTask<ApiKeyCounts> CountAsync(ApiKeyQuery query, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw NotReady;
    }
}
