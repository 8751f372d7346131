using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Output and response caching in front of the check never answer a request that the check did not see.</summary>
public sealed class CacheInFrontTests
{
    private const string KeyHeader = "X-Api-Key";

    private static readonly string Key = $"{KeyHeader}: {TestKeys.Restricted}";
    private static readonly string FromListed = HeaderLine.ForwardedFor("203.0.113.7");
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor("198.51.100.9");

    public static TheoryData<string> Endpoints => ["/body", "/empty", "/large", "/started", "/missing"];

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task An_output_cache_in_front_stores_no_answer_of_a_checked_endpoint_and_the_remedy_is_logged_once(string path)
    {
        await using KestrelApp app = await StartAsync(services => services.AddOutputCache(), pipeline => pipeline.UseOutputCache());

        await ShouldStayCheckedAsync(app, path);

        LogEntry warning = app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "CacheInFront").Subject;
        warning.Level.Should().Be(LogLevel.Warning);
        warning.Message.Should().Contain("UseOutputCache()").And.Contain("UseFlowBeaconIpAllowlist()");
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_policy_of_the_host_that_allows_storage_again_does_not_reopen_the_output_cache(string path)
    {
        await using KestrelApp app = await StartAsync(
            services => services.AddOutputCache(options => options.AddBasePolicy(new StoreEverything())),
            pipeline => pipeline.UseOutputCache());

        await ShouldStayCheckedAsync(app, path);
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_response_cache_in_front_stores_no_answer_of_a_checked_endpoint_and_the_remedy_is_logged_once(string path)
    {
        await using KestrelApp app = await StartAsync(services => services.AddResponseCaching(), pipeline => pipeline.UseResponseCaching());

        await ShouldStayCheckedAsync(app, path);

        app.Logs.OfLibrary.Should().ContainSingle(entry => entry.Id.Name == "CacheInFront")
            .Which.Message.Should().Contain("UseResponseCaching()");
    }

    [Fact]
    public async Task An_answer_through_a_response_cache_in_front_is_private()
    {
        await using KestrelApp app = await StartAsync(services => services.AddResponseCaching(), pipeline => pipeline.UseResponseCaching());

        (await SendAsync(app, "/body", Key, FromListed)).Headers["Cache-Control"].Should().Be("private");
    }

    [Fact]
    public async Task An_output_cache_behind_the_check_goes_on_working()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            options => options.ApiKeyHeaderName = KeyHeader,
            builder => builder.Services.AddOutputCache(),
            pipeline =>
            {
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.UseOutputCache();
                Map(pipeline);
            });

        string first = (await SendAsync(app, "/body", Key, FromListed)).Content;

        (await SendAsync(app, "/body", Key, FromListed)).Content.Should().Be(first);
        (await SendAsync(app, "/body", Key, FromElsewhere)).Status.Should().Be(403);
        (await SendAsync(app, "/body")).Status.Should().Be(401);
        app.Logs.OfLibrary.Should().NotContain(entry => entry.Id.Name == "CacheInFront");
    }

    [Fact]
    public async Task An_endpoint_without_the_check_may_be_cached_in_front()
    {
        await using KestrelApp app = await StartAsync(services => services.AddOutputCache(), pipeline => pipeline.UseOutputCache());

        string first = (await SendAsync(app, "/unchecked")).Content;

        (await SendAsync(app, "/unchecked")).Content.Should().Be(first);
    }

    private static async Task ShouldStayCheckedAsync(KestrelApp app, string path)
    {
        RawResponse first = await SendAsync(app, path, Key, FromListed);
        first.Status.Should().BeOneOf(200, 404);

        (await SendAsync(app, path, Key, FromElsewhere)).Status.Should().Be(403);
        (await SendAsync(app, path)).Status.Should().Be(401);

        RawResponse second = await SendAsync(app, path, Key, FromListed);
        second.Status.Should().Be(first.Status);
        second.Headers.Should().NotContainKey("Age");
    }

    private static Task<KestrelApp> StartAsync(Action<IServiceCollection> add, Action<WebApplication> use) => KestrelApp.StartAsync(
        TestKeys.Store("203.0.113.7"),
        options => options.ApiKeyHeaderName = KeyHeader,
        builder => add(builder.Services),
        pipeline =>
        {
            pipeline.UseRouting();
            use(pipeline);
            pipeline.UseFlowBeaconIpAllowlist();
            Map(pipeline);
        });

    private static void Map(WebApplication app)
    {
        app.MapGet("/body", Cacheable(context => context.Response.WriteAsync(Guid.NewGuid().ToString()))).RequireApiKey().CacheOutput();
        app.MapGet("/large", Cacheable(context => context.Response.WriteAsync(new string('x', 100_000)))).RequireApiKey().CacheOutput();
        app.MapGet("/empty", Cacheable(_ => Task.CompletedTask)).RequireApiKey().CacheOutput();
        app.MapGet("/started", Cacheable(async context =>
        {
            await context.Response.StartAsync();
            await context.Response.BodyWriter.WriteAsync("started"u8.ToArray());
        })).RequireApiKey().CacheOutput();
        app.MapGet("/missing", Cacheable(context =>
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        })).RequireApiKey().CacheOutput();
        app.MapGet("/unchecked", Cacheable(context => context.Response.WriteAsync(Guid.NewGuid().ToString()))).DisableIpAllowlist()
            .CacheOutput();
    }

    /// <summary>Marked for shared caches, as the response cache wants it.</summary>
    private static RequestDelegate Cacheable(RequestDelegate handler) => context =>
    {
        context.Response.Headers.CacheControl = "public, max-age=600";
        return handler(context);
    };

    private static Task<RawResponse> SendAsync(KestrelApp app, string path, params string[] headerLines) =>
        KestrelApp.SendAsync(app.IPv4, "GET", path, headerLines);

    /// <summary>A policy that wants every answer stored, before the endpoint runs and after.</summary>
    private sealed class StoreEverything : IOutputCachePolicy
    {
        public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
        {
            context.EnableOutputCaching = true;
            context.AllowCacheLookup = true;
            context.AllowCacheStorage = true;
            return ValueTask.CompletedTask;
        }

        public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation)
        {
            context.AllowCacheStorage = true;
            return ValueTask.CompletedTask;
        }
    }
}
