using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The check in branches, and when an error page runs the pipeline a second time.</summary>
public sealed class PipelineTests
{
    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);
    private static readonly string FromListed = HeaderLine.ForwardedFor("203.0.113.7");
    private static readonly string FromElsewhere = HeaderLine.ForwardedFor("198.51.100.9");

    public static TheoryData<string> Branches => ["UseWhen", "MapWhen", "Map"];

    [Theory]
    [MemberData(nameof(Branches))]
    public async Task A_branch_checks_its_own_requests_and_no_others(string kind)
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            switch (kind)
            {
                case "UseWhen":
                    pipeline.UseWhen(IsApi, branch => branch.UseFlowBeaconIpAllowlist());
                    break;
                case "MapWhen":
                    pipeline.MapWhen(IsApi, branch =>
                    {
                        branch.UseFlowBeaconIpAllowlist();
                        branch.Run(SayOutcome);
                    });
                    break;
                default:
                    pipeline.Map("/api", branch =>
                    {
                        branch.UseFlowBeaconIpAllowlist();
                        branch.Run(SayOutcome);
                    });
                    break;
            }

            pipeline.Run(SayOutcome);
        });

        (await SendAsync(app, "/api/x", Key, FromListed)).Content.Should().Be("Allowed");
        (await SendAsync(app, "/api/x", Key, FromElsewhere)).Status.Should().Be(403);
        (await SendAsync(app, "/other", Key, FromElsewhere)).Content.Should().Be("unchecked");

        static bool IsApi(HttpContext context) => context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_exclusive_branches_may_both_check()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            foreach (string path in new[] { "/a", "/b" })
            {
                pipeline.Map(path, branch =>
                {
                    branch.UseFlowBeaconIpAllowlist();
                    branch.Run(SayOutcome);
                });
            }
        });

        (await SendAsync(app, "/a", Key, FromListed)).Content.Should().Be("Allowed");
        (await SendAsync(app, "/b", Key, FromListed)).Content.Should().Be("Allowed");
        (await SendAsync(app, "/b", Key, FromElsewhere)).Status.Should().Be(403);
    }

    [Fact]
    public async Task An_exception_page_that_runs_the_pipeline_again_is_shown_and_the_request_is_counted_once()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            pipeline.UseExceptionHandler("/error");
            pipeline.UseRouting();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/throws", (HttpContext _) => throw new InvalidOperationException("The endpoint failed."));
            pipeline.MapGet("/error", () => "error page");
        });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await SendAsync(app, "/throws", Key, FromListed);

        response.Status.Should().Be(500);
        response.Content.Should().Contain("error page");
        metrics.Of("checks").Should().Equal("1 outcome=allowed client_ip_source=forwarded_for");
    }

    [Fact]
    public async Task A_status_page_that_runs_the_pipeline_again_is_shown_and_the_request_is_counted_once()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            pipeline.UseStatusCodePagesWithReExecute("/error");
            pipeline.UseRouting();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/error", () => "error page");
        });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await SendAsync(app, "/nowhere", Key, FromListed);

        response.Status.Should().Be(404);
        response.Content.Should().Contain("error page");
        metrics.Of("checks").Should().Equal("1 outcome=allowed client_ip_source=forwarded_for");
    }

    [Fact]
    public async Task A_status_page_does_not_replace_the_answer_to_a_denial()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            pipeline.UseStatusCodePagesWithReExecute("/error");
            pipeline.UseRouting();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/error", () => "error page");
        });

        (await SendAsync(app, "/error", Key, FromElsewhere)).Content.Should().Contain("IP address not allowed");
        (await SendAsync(app, "/error", HeaderLine.Bearer(TestKeys.Unknown))).Content.Should().Contain("Invalid or expired API key");
    }

    [Fact]
    public async Task A_denial_that_the_host_left_to_a_status_page_is_counted_logged_and_handed_to_OnDenied_once()
    {
        int calls = 0;
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            options => options.OnDenied = (denied, _) =>
            {
                calls++;
                denied.HandleResponse();
                return ValueTask.CompletedTask;
            },
            pipeline: pipeline =>
            {
                pipeline.UseStatusCodePagesWithReExecute("/error");
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/error", () => "error page").DisableIpAllowlist();
                pipeline.MapGet("/guarded", () => "secret");
                pipeline.MapFallback(() => "fallback");
            });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await SendAsync(app, "/guarded", Key, FromElsewhere);

        response.Status.Should().Be(403);
        response.Content.Should().Be("error page");
        calls.Should().Be(1);
        metrics.Sum("checks").Should().Be(1);
        app.Logs.OfLibrary.Count(entry => entry.Id.Id == 1).Should().Be(1);
    }

    [Fact]
    public async Task A_denial_whose_error_page_is_checked_too_is_counted_and_logged_once()
    {
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            options => options.OnDenied = (denied, _) =>
            {
                denied.HandleResponse();
                return ValueTask.CompletedTask;
            },
            pipeline: pipeline =>
            {
                pipeline.UseStatusCodePagesWithReExecute("/error");
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/error", () => "error page");
            });
        using var metrics = new MetricRecorder(app.Services);

        RawResponse response = await SendAsync(app, "/guarded", Key, FromElsewhere);

        response.Status.Should().Be(403);
        response.Content.Should().NotContain("error page");
        metrics.Sum("checks").Should().Be(1);
        app.Logs.OfLibrary.Count(entry => entry.Id.Id == 1).Should().Be(1);
    }

    [Fact]
    public async Task An_error_page_in_another_checked_branch_is_shown()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            pipeline.UseExceptionHandler("/error");
            pipeline.Map("/api", branch =>
            {
                branch.UseFlowBeaconIpAllowlist();
                branch.Run(_ => throw new InvalidOperationException("The endpoint failed."));
            });
            pipeline.Map("/error", branch =>
            {
                branch.UseFlowBeaconIpAllowlist();
                branch.Run(context => context.Response.WriteAsync("error page"));
            });
        });

        RawResponse response = await SendAsync(app, "/api", Key, FromListed);

        response.Status.Should().Be(500);
        response.Content.Should().Be("error page");
    }

    [Fact]
    public async Task An_exception_page_does_not_turn_a_failing_store_into_an_allowed_request()
    {
        bool ran = false;
        await using KestrelApp app = await KestrelApp.StartAsync(
            new ScriptedStore((_, _) => throw new InvalidOperationException("The database is away.")),
            pipeline: pipeline =>
            {
                pipeline.UseExceptionHandler("/error");
                pipeline.UseRouting();
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.MapGet("/error", () => ran = true);
            });

        (await SendAsync(app, "/", Key, FromListed)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_status_page_that_requires_a_key_still_requires_it()
    {
        await using KestrelApp app = await StartAsync(pipeline =>
        {
            pipeline.UseStatusCodePagesWithReExecute("/guarded");
            pipeline.UseRouting();
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.MapGet("/guarded", () => "secret").RequireApiKey();
        });

        RawResponse response = await SendAsync(app, "/nowhere");

        response.Status.Should().Be(401);
        response.Content.Should().NotContain("secret");
    }

    private static Task<KestrelApp> StartAsync(Action<WebApplication> pipeline) =>
        KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), configure: builder => builder.Services.AddRouting(), pipeline: pipeline);

    private static Task<RawResponse> SendAsync(KestrelApp app, string path, params string[] headerLines) =>
        KestrelApp.SendAsync(app.IPv4, "GET", path, headerLines);

    private static Task SayOutcome(HttpContext context) =>
        context.Response.WriteAsync(context.Features.Get<IIpAllowlistFeature>()?.Outcome.ToString() ?? "unchecked");
}
