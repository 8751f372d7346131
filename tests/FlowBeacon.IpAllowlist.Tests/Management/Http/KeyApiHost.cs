using System.Net.Http.Headers;
using System.Text;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Key administration on real Kestrel: people sign in by a header, programs come with API keys, both on one host.</summary>
internal sealed class KeyApiHost : IAsyncDisposable
{
    public const string Keys = "/api/v1/keys";
    public const string Administrator = "alice admin";
    public const string Owner = "olga owner";
    public const string Member = "bob member";

    public static readonly DateTimeOffset Start = new(2027, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ApiKeyActor Somebody = new() { Kind = ApiKeyActorKind.Application, Id = "tests", Address = null };

    private readonly HttpClient _client;

    private KeyApiHost(KestrelApp app, FakeTimeProvider time)
    {
        App = app;
        Time = time;
        _client = new HttpClient(new SocketsHttpHandler { UseCookies = false, UseProxy = false })
        {
            BaseAddress = new Uri($"http://{app.IPv4}"),
        };
    }

    public KestrelApp App { get; }

    public FakeTimeProvider Time { get; }

    public ApiKeyManager Manager => App.Services.GetRequiredService<ApiKeyManager>();

    public IApiKeyRepository Repository => App.Services.GetRequiredService<IApiKeyRepository>();

    /// <summary>Starts the host.</summary>
    /// <param name="configure">Changes the services, after all others.</param>
    /// <param name="group">Changes the mapped group.</param>
    /// <param name="pipeline">The pipeline in front of the endpoints; by default authentication, the check, authorization.</param>
    /// <param name="pattern">The route of the group.</param>
    /// <param name="outer">Where the group is mapped; by default the application itself.</param>
    public static async Task<KeyApiHost> StartAsync(
        Action<WebApplicationBuilder>? configure = null,
        Action<IEndpointConventionBuilder>? group = null,
        Action<WebApplication>? pipeline = null,
        string pattern = Keys,
        Func<WebApplication, IEndpointRouteBuilder>? outer = null)
    {
        var time = new FakeTimeProvider(Start);
        KestrelApp app = await KestrelApp.StartAsync(
            configure: builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(time);
                builder.Services.AddAuthentication(PersonHandler.SchemeName)
                    .AddScheme<AuthenticationSchemeOptions, PersonHandler>(PersonHandler.SchemeName, null)
                    .AddFlowBeaconApiKey();
                builder.Services.AddAuthorization();
                configure?.Invoke(builder);
            },
            pipeline: web =>
            {
                (pipeline ?? UseAll)(web);
                IEndpointConventionBuilder keys = (outer?.Invoke(web) ?? web).MapFlowBeaconApiKeys(pattern);
                group?.Invoke(keys);
                web.MapGet("/report", () => "the report").RequireApiKey();
            });
        return new KeyApiHost(app, time);
    }

    /// <summary>Sends a request as a person; null for anonymous. A body is JSON, and so is a POST or PATCH without one.</summary>
    public Task<Answer> SendAsync(string? person, string method, string target, string? body = null, params string[] headerLines)
    {
        HttpContent? content = body is not null || method is "POST" or "PATCH"
            ? new StringContent(body ?? "", Encoding.UTF8, new MediaTypeHeaderValue("application/json"))
            : null;
        return SendContentAsync(person, method, target, content, headerLines);
    }

    public async Task<Answer> SendContentAsync(
        string? person, string method, string target, HttpContent? content, params string[] headerLines)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target) { Content = content };
        if (person is not null)
        {
            request.Headers.Add(PersonHandler.Header, person);
        }

        foreach (string line in headerLines)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(line[..colon], line[(colon + 1)..].Trim()).Should().BeTrue();
        }

        using HttpResponseMessage response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>A request to a protected endpoint with an API key.</summary>
    public async Task<int> UseAsync(string rawKey, string? forwardedFor = null) => (await SendAsync(
        null, "GET", "/report", null,
        [.. new[] { Bearer(rawKey), forwardedFor is null ? null : $"X-Forwarded-For: {forwardedFor}" }.OfType<string>()])).Status;

    public Task<IssuedApiKey> CreateAsync(NewApiKey key) => Manager.CreateAsync(key, Somebody, TestContext.Current.CancellationToken);

    public Task<IssuedApiKey> CreateAsync(string name, params string[] allowedIps) =>
        CreateAsync(new NewApiKey { Name = name, AllowedIps = [.. allowedIps] });

    public Task<IssuedApiKey> CreateBreakGlassAsync() =>
        CreateAsync(new NewApiKey { AllowedIps = [], Name = "break-glass", IsBreakGlass = true, Scopes = [ApiKeyScopes.GovernanceRead] });

    public Task RevokeAsync(string id) =>
        Manager.RevokeAsync(id, null, Somebody, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Writes a key directly, without the rules of key administration.</summary>
    public async Task WriteAsync(ApiKeyDetails key) => await Repository.CommitAsync(
        new ApiKeyChange { Keys = [new ApiKeyWrite { Details = key, ExpectedVersion = key.Version - 1 }], Audit = [] },
        TestContext.Current.CancellationToken);

    /// <summary>Every key of the repository. Records are replaced by a change, so what is the same is unchanged.</summary>
    public async Task<IReadOnlyList<ApiKeyDetails>> SnapshotAsync() =>
        await Repository.ListAsync(new ApiKeyQuery { Limit = int.MaxValue }, Time.GetUtcNow(), TestContext.Current.CancellationToken);

    public async Task<bool> IsUnchangedSinceAsync(IReadOnlyList<ApiKeyDetails> snapshot) =>
        (await SnapshotAsync()).SequenceEqual(snapshot, ReferenceEqualityComparer.Instance);

    public async Task<IReadOnlyList<AuditEntry>> AuditAsync() => (await App.Services.GetRequiredService<IAuditLog>()
        .ReadAsync(new AuditQuery { Limit = int.MaxValue }, TestContext.Current.CancellationToken)).Entries;

    public static string Bearer(string rawKey) => $"Authorization: Bearer {rawKey}";

    /// <summary>Authentication, the check, authorization.</summary>
    public static void UseAll(WebApplication app)
    {
        app.UseAuthentication();
        app.UseFlowBeaconIpAllowlist();
        app.UseAuthorization();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await App.DisposeAsync();
    }
}
