using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;
using FlowBeacon.IpAllowlist.PublicSeams.Tests.Store;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;

/// <summary>
/// A host with keys in a toy store, the management API, and a page of its own for people. All of it runs in this process, on a clock that
/// tests advance. Every request connects from <see cref="Peer"/>.
/// </summary>
internal sealed class ToyHost : IAsyncDisposable
{
    public const string Keys = "/api/v1/keys";
    public const string Page = "/console";
    public const string Administrator = "alice admin";
    public const string Operator = "olga admin operator";

    /// <summary>The address that requests connect from.</summary>
    public static readonly IPAddress Peer = IPAddress.Parse("10.0.0.1");

    public static readonly DateTimeOffset Start = new(2027, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ApiKeyActor Somebody = new() { Kind = ApiKeyActorKind.Application, Id = "tests" };

    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private ToyHost(WebApplication app, FakeTimeProvider time)
    {
        _app = app;
        Time = time;
        _client = new HttpClient(app.GetTestServer().CreateHandler(context => context.Connection.RemoteIpAddress = Peer))
        {
            BaseAddress = new Uri("http://localhost"),
        };
    }

    public FakeTimeProvider Time { get; }

    public IServiceProvider Services => _app.Services;

    public ToyNode Node => Services.GetRequiredService<ToyNode>();

    public IFleetStatus Fleet => Services.GetRequiredService<IFleetStatus>();

    public LocalTraffic Local => Services.GetRequiredService<LocalTraffic>();

    public ApiKeyManager Manager => Services.GetRequiredService<ApiKeyManager>();

    /// <summary>Starts a host.</summary>
    /// <param name="store">Where the keys are.</param>
    /// <param name="name">The host's name in its fleet.</param>
    /// <param name="options">Changes the settings.</param>
    /// <param name="configure">Changes the services, after all others.</param>
    /// <param name="page">Changes the mapped page.</param>
    public static async Task<ToyHost> StartAsync(
        ToyStore store,
        string name = "a",
        Action<IpAllowlistOptions>? options = null,
        Action<IServiceCollection>? configure = null,
        Action<RouteGroupBuilder>? page = null)
    {
        var time = new FakeTimeProvider(Start);
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test" });
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddAuthentication(PersonHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, PersonHandler>(PersonHandler.SchemeName, null)
            .AddFlowBeaconApiKey();
        builder.Services.AddAuthorization();
        builder.Services.AddFlowBeaconIpAllowlist(options ?? (_ => { })).AddKeyManagement().AddToyStore(store, name);
        configure?.Invoke(builder.Services);

        WebApplication app = builder.Build();
        app.UseAuthentication();
        app.UseFlowBeaconIpAllowlist();
        app.UseAuthorization();
        app.MapFlowBeaconApiKeys(Keys);
        app.MapGet("/report", () => "the report").RequireApiKey();
        app.MapGet("/open", () => "open to all");
        RouteGroupBuilder mapped = app.MapToyPage(Page);
        page?.Invoke(mapped);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ToyHost(app, time);
    }

    /// <summary>Sends a request as a person; null for anonymous. A body is JSON, and so is a POST without one.</summary>
    public async Task<Answer> SendAsync(string? person, string method, string target, string? body = null, params string[] headerLines)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        if (body is not null || method == "POST")
        {
            request.Content = new StringContent(body ?? "", Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }

        if (person is not null)
        {
            request.Headers.Add(PersonHandler.Header, person);
        }

        foreach (string line in headerLines)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(line[..colon], line[(colon + 1)..].TrimStart(' ')).Should().BeTrue();
        }

        using HttpResponseMessage response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>A request to a protected endpoint with an API key.</summary>
    public Task<Answer> ReportAsync(string rawKey, string forwardedFor) =>
        SendAsync(null, "GET", "/report", null, Bearer(rawKey), $"X-Forwarded-For: {forwardedFor}");

    /// <summary>The status of a request to a protected endpoint with an API key.</summary>
    public async Task<int> UseAsync(string rawKey, string forwardedFor) => (await ReportAsync(rawKey, forwardedFor)).Status;

    public Task<IssuedApiKey> CreateAsync(NewApiKey key) => Manager.CreateAsync(key, Somebody, TestContext.Current.CancellationToken);

    public Task<IssuedApiKey> CreateAsync(string name, params string[] allowedIps) =>
        CreateAsync(new NewApiKey { Name = name, AllowedIps = [.. allowedIps] });

    public Task<IssuedApiKey> CreateBreakGlassAsync() =>
        CreateAsync(new NewApiKey { AllowedIps = [], Name = "break-glass", IsBreakGlass = true, Scopes = [ApiKeyScopes.GovernanceRead] });

    public Task<ChangedApiKey> RevokeAsync(string id) =>
        Manager.RevokeAsync(id, null, Somebody, cancellationToken: TestContext.Current.CancellationToken);

    public Task<IssuedApiKey> RotateAsync(string id) =>
        Manager.RotateAsync(id, ApiKeyLimits.DefaultGraceHours, null, Somebody, TestContext.Current.CancellationToken);

    public Task<ChangedApiKey> UpdateAsync(string id, ApiKeyUpdate update) =>
        Manager.UpdateAsync(id, update, null, Somebody, TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<AuditEntry>> AuditAsync() => (await Services.GetRequiredService<IAuditLog>()
        .ReadAsync(new AuditQuery { Limit = 1_000 }, TestContext.Current.CancellationToken)).Entries;

    public static string Bearer(string rawKey) => $"Authorization: Bearer {rawKey}";

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }
}
