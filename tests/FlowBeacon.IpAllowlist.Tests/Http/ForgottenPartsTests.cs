using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>Missing and repeated calls fail closed, with an error that names the remedy.</summary>
public sealed class ForgottenPartsTests
{
    private static readonly string[] AllowedRequest = [HeaderLine.Bearer(TestKeys.Unrestricted)];

    [Fact]
    public void Use_without_Add_names_Add()
    {
        using WebApplication app = WebApplication.CreateBuilder().Build();

        Action use = () => app.UseFlowBeaconIpAllowlist();

        use.Should().Throw<InvalidOperationException>().WithMessage("*builder.Services.AddFlowBeaconIpAllowlist()*");
    }

    [Fact]
    public void Mapping_health_without_Add_names_Add()
    {
        using WebApplication app = WebApplication.CreateBuilder().Build();

        Action map = () => app.MapFlowBeaconHealth();

        map.Should().Throw<InvalidOperationException>().WithMessage("*builder.Services.AddFlowBeaconIpAllowlist()*");
    }

    [Fact]
    public async Task Add_without_Use_stops_start_up_and_names_Use()
    {
        Func<Task> start = () => KestrelApp.StartAsync(pipeline: app =>
        {
            app.MapFlowBeaconHealth();
            app.MapGet("/", () => "").RequireApiKey();
        });

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage("*app.UseFlowBeaconIpAllowlist()*");
    }

    [Fact]
    public async Task Use_in_any_branch_counts()
    {
        Action<WebApplication>[] pipelines =
        [
            app => app.Map("/api", branch => branch.UseFlowBeaconIpAllowlist()),
            app => app.MapWhen(_ => false, branch => branch.UseFlowBeaconIpAllowlist()),
            app => app.UseWhen(_ => false, branch => branch.UseFlowBeaconIpAllowlist()),
            app => app.Map("/a", outer => outer.Map("/b", inner => inner.UseFlowBeaconIpAllowlist())),
        ];
        foreach (Action<WebApplication> pipeline in pipelines)
        {
            await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline);
            (await app.GetAsync()).Status.Should().Be(404);
        }
    }

    [Fact]
    public async Task Use_twice_on_one_path_is_refused()
    {
        Action<WebApplication>[] pipelines =
        [
            app => app.UseFlowBeaconIpAllowlist().UseFlowBeaconIpAllowlist(),
            app => app.UseFlowBeaconIpAllowlist().Map("/api", branch => branch.UseFlowBeaconIpAllowlist()),
            app => app.UseFlowBeaconIpAllowlist().MapWhen(_ => false, branch => branch.UseFlowBeaconIpAllowlist()),
            app => app.UseFlowBeaconIpAllowlist().UseWhen(_ => false, branch => branch.UseFlowBeaconIpAllowlist()),
        ];
        foreach (Action<WebApplication> pipeline in pipelines)
        {
            Func<Task> start = () => KestrelApp.StartAsync(pipeline: pipeline);

            await start.Should().ThrowAsync<InvalidOperationException>().WithMessage("*called twice on one path*Remove one*");
        }
    }

    [Fact]
    public async Task Use_in_a_rejoining_branch_and_again_behind_it_ends_in_a_500_with_the_cause()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseWhen(context => context.Request.Path == "/api", branch => branch.UseFlowBeaconIpAllowlist());
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(context =>
            {
                ran = context.Request.Path == "/api";
                return Task.CompletedTask;
            });
        });

        (await KestrelApp.SendAsync(app.IPv4, "GET", "/other", AllowedRequest)).Status.Should().Be(200);
        foreach (string[] request in new string[][] { [], AllowedRequest })
        {
            (await KestrelApp.SendAsync(app.IPv4, "GET", "/api", request)).Status.Should().Be(500);
        }

        ran.Should().BeFalse();
        Exceptions(app).Should().HaveCount(2).And.OnlyContain(message => message.Contains("called twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_required_or_optional_key_fails_closed_where_nothing_checks()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseWhen(context => context.Request.Path == "/checked", branch => branch.UseFlowBeaconIpAllowlist());
            pipeline.MapGet("/forgotten", () => ran = true).RequireApiKey();
            pipeline.MapGroup("/group").RequireApiKey().MapGet("/forgotten", () => ran = true);
            pipeline.MapGet("/short", () => ran = true).RequireApiKey().ShortCircuit();
            pipeline.Map("/any", Run).RequireApiKey();
            pipeline.MapGet("/optional", () => ran = true).AllowMissingApiKey();
            pipeline.MapGroup("/group-required").RequireApiKey().MapGet("/optional", () => ran = true).AllowMissingApiKey();
        });

        string[] paths = ["/forgotten", "/group/forgotten", "/short", "/any", "/optional", "/group-required/optional"];
        foreach (string path in paths)
        {
            (await KestrelApp.SendAsync(app.IPv4, "GET", path, AllowedRequest)).Status.Should().Be(500, path);
        }

        ran.Should().BeFalse();
        Exceptions(app).Should().HaveCount(paths.Length)
            .And.OnlyContain(message => message.Contains("app.UseFlowBeaconIpAllowlist()", StringComparison.Ordinal));

        Task Run(HttpContext context)
        {
            ran = true;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task A_short_circuited_endpoint_that_requires_a_key_fails_closed_behind_the_check_as_well()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/", () => ran = true).RequireApiKey().ShortCircuit();
        });

        (await app.GetAsync(AllowedRequest)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_required_key_fails_closed_when_the_check_stands_before_routing()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.UseRouting();
            pipeline.MapGet("/", () => ran = true).RequireApiKey();
        });

        (await app.GetAsync()).Status.Should().Be(500);
        (await app.GetAsync(HeaderLine.Bearer("a.jwt.token"))).Status.Should().Be(500);
        ran.Should().BeFalse();
        Exceptions(app).Should().OnlyContain(message => message.Contains("app.UseRouting()", StringComparison.Ordinal));

        (await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted))).Status.Should().Be(403);
        (await app.GetAsync(AllowedRequest)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Controllers_that_require_a_key_are_checked_and_fail_closed_without_the_check()
    {
        foreach (bool isChecked in new[] { true, false })
        {
            await using KestrelApp app = await KestrelApp.StartAsync(
                TestKeys.Store("203.0.113.7"),
                configure: builder => builder.Services.AddControllers().AddApplicationPart(typeof(PingController).Assembly),
                pipeline: pipeline =>
                {
                    pipeline.UseWhen(_ => isChecked, branch => branch.UseFlowBeaconIpAllowlist());
                    pipeline.MapControllers().RequireApiKey();
                });

            (await KestrelApp.SendAsync(app.IPv4, "GET", "/ping")).Status.Should().Be(isChecked ? 401 : 500);
            (await KestrelApp.SendAsync(app.IPv4, "GET", "/ping", AllowedRequest)).Status.Should().Be(isChecked ? 200 : 500);
        }
    }

    private static IEnumerable<string> Exceptions(KestrelApp app) =>
        app.Logs.Entries.Where(entry => entry.Level >= LogLevel.Error).Select(entry => entry.Exception).OfType<InvalidOperationException>()
            .Select(exception => exception.Message);
}

/// <summary>A controller of a host; MVC finds public classes alone.</summary>
[Route("/ping")]
public sealed class PingController : ControllerBase
{
    [HttpGet]
    public string Get() => "pong";
}
