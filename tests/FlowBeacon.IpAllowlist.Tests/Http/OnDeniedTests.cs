using System.Buffers;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Http;

/// <summary>The host's own answer to a denial.</summary>
public sealed class OnDeniedTests
{
    [Fact]
    public async Task Runs_once_where_a_status_page_brings_the_request_to_the_check_again()
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
                pipeline.MapGet("/error", () => "error page");
            });

        RawResponse response = await app.GetAsync(HeaderLine.Bearer(TestKeys.Restricted), HeaderLine.ForwardedFor("198.51.100.9"));

        response.Status.Should().Be(403);
        calls.Should().Be(1);
    }

    private static readonly string Key = HeaderLine.Bearer(TestKeys.Restricted);
    private static readonly string From = HeaderLine.ForwardedFor("198.51.100.9");

    [Fact]
    public async Task Sees_the_denial_with_the_status_already_set()
    {
        (int Status, string? CacheControl, bool HasStarted, string Key,
            string? ClientIp, ClientIpOrigin Origin, IpAllowlistDenialReason Reason) seen = default;
        await using KestrelApp app = await StartAsync((denied, _) =>
        {
            HttpResponse response = denied.HttpContext.Response;
            seen = (response.StatusCode, response.Headers.CacheControl, response.HasStarted, denied.Key.Id,
                denied.ClientIp?.ToString(), denied.ClientIpOrigin, denied.Reason);
            return ValueTask.CompletedTask;
        });

        RawResponse answer = await app.GetAsync(Key, From);

        seen.Should().Be(
            (403, "no-store", false, "restricted", "198.51.100.9", ClientIpOrigin.ForwardedFor, IpAllowlistDenialReason.NotListed));
        answer.Status.Should().Be(403);
        answer.Content.Should().Contain("IP address not allowed").And.Contain("198.51.100.9");
    }

    [Fact]
    public async Task Sees_no_address_when_there_is_none()
    {
        (string? ClientIp, ClientIpOrigin Origin, IpAllowlistDenialReason Reason) seen = default;
        await using KestrelApp app = await StartAsync((denied, _) =>
        {
            seen = (denied.ClientIp?.ToString(), denied.ClientIpOrigin, denied.Reason);
            return ValueTask.CompletedTask;
        });

        await app.GetAsync(Key, HeaderLine.ForwardedFor("unknown"));

        seen.Should().Be((null, ClientIpOrigin.None, IpAllowlistDenialReason.UnusableForwardedFor));
    }

    [Fact]
    public async Task Runs_for_a_403_and_for_nothing_else()
    {
        int calls = 0;
        await using KestrelApp app = await StartAsync((_, _) =>
        {
            calls++;
            return ValueTask.CompletedTask;
        });

        await app.GetAsync();
        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unknown));
        await app.GetAsync(HeaderLine.Bearer(TestKeys.Unrestricted));
        await app.GetAsync(Key, HeaderLine.ForwardedFor("203.0.113.7"));
        calls.Should().Be(0);

        await app.GetAsync(Key, From);
        calls.Should().Be(1);
    }

    [Fact]
    public async Task Can_give_the_whole_answer()
    {
        await using KestrelApp app = await StartAsync(async (denied, cancellationToken) =>
        {
            await Task.Yield();
            denied.HandleResponse();
            denied.HttpContext.Response.StatusCode = 404;
            denied.HttpContext.Response.ContentType = "text/plain";
            await denied.HttpContext.Response.WriteAsync("Nothing here.", cancellationToken);
        });

        RawResponse response = await app.GetAsync(Key, From);

        response.Status.Should().Be(404);
        response.Content.Should().Be("Nothing here.");
    }

    [Fact]
    public async Task Can_leave_the_answer_without_a_body()
    {
        await using KestrelApp app = await StartAsync((denied, _) =>
        {
            denied.HandleResponse();
            return ValueTask.CompletedTask;
        });

        RawResponse response = await app.GetAsync(Key, From);

        response.Status.Should().Be(403);
        response.Content.Should().BeEmpty();
    }

    [Fact]
    public async Task A_body_that_was_sent_without_HandleResponse_stays_the_only_one()
    {
        await using KestrelApp app = await StartAsync(
            async (denied, cancellationToken) => await denied.HttpContext.Response.WriteAsync("Ask us.", cancellationToken));

        RawResponse response = await app.GetAsync(Key, From);

        response.Status.Should().Be(403);
        response.Content.Should().Be("Ask us.");
    }

    [Fact]
    public async Task A_body_that_was_only_buffered_without_HandleResponse_never_turns_a_denial_into_anything_else()
    {
        bool ran = false;
        await using KestrelApp app = await StartAsync(
            (denied, _) =>
            {
                denied.HttpContext.Response.BodyWriter.Write("Ask us."u8);
                return ValueTask.CompletedTask;
            },
            () => ran = true);

        RawResponse response = await app.GetAsync(Key, From);

        response.Status.Should().BeOneOf(403, 500);
        ran.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exception_ends_in_a_500_and_never_reaches_the_endpoint(bool asynchronously)
    {
        bool ran = false;
        await using KestrelApp app = await StartAsync(
            async (_, _) =>
            {
                if (asynchronously)
                {
                    await Task.Yield();
                }

                throw new InvalidOperationException("The mail server is away.");
            },
            () => ran = true);

        (await app.GetAsync(Key, From)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_synchronous_exception_ends_in_a_500_and_never_reaches_the_endpoint()
    {
        bool ran = false;
        await using KestrelApp app = await StartAsync(
            (_, _) => throw new InvalidOperationException("No task was ever made."), () => ran = true);

        (await app.GetAsync(Key, From)).Status.Should().Be(500);
        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_the_token_and_the_answer_to_it_causes_no_error()
    {
        bool ran = false;
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelApp app = await KestrelApp.StartAsync(
            TestKeys.Store("203.0.113.7"),
            options => options.OnDenied = async (_, cancellationToken) =>
            {
                using CancellationTokenRegistration registration = cancellationToken.Register(() => cancelled.SetResult());
                entered.SetResult();
                await cancelled.Task;
            },
            pipeline: pipeline =>
            {
                pipeline.Use(async (context, next) =>
                {
                    await next(context);
                    answered.SetResult();
                });
                pipeline.UseFlowBeaconIpAllowlist();
                pipeline.Run(_ =>
                {
                    ran = true;
                    return Task.CompletedTask;
                });
            });

        await app.SendAndResetAsync(entered.Task, Key, From);

        await answered.Task.WaitAsync(TestContext.Current.CancellationToken);

        ran.Should().BeFalse();
        app.Logs.Entries.Should().NotContain(entry => entry.Level >= LogLevel.Error);
    }

    private static Task<KestrelApp> StartAsync(
        Func<IpAllowlistDeniedContext, CancellationToken, ValueTask> onDenied, Action? endpoint = null) =>
        KestrelApp.StartAsync(TestKeys.Store("203.0.113.7"), options => options.OnDenied = onDenied, pipeline: pipeline =>
        {
            pipeline.UseFlowBeaconIpAllowlist();
            pipeline.Run(_ =>
            {
                endpoint?.Invoke();
                return Task.CompletedTask;
            });
        });
}
