using System.Diagnostics;

namespace FlowBeacon.IpAllowlist.TestSupport;

/// <summary>Waits for what another thread or process does; the deadline is a safety net that no passing test reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public static Task IsTrueAsync(Func<bool> condition, Func<string> explain) => IsTrueAsync(() => Task.FromResult(condition()), explain);

    public static async Task IsTrueAsync(Func<Task<bool>> condition, Func<string> explain)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Deadline)
            {
                throw new TimeoutException($"Nothing came of it within {Deadline}: {explain()}");
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }
}
