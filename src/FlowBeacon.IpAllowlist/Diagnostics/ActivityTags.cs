using System.Diagnostics;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Diagnostics;

/// <summary>The tags of a check on the current activity. Tags, not baggage, because baggage is sent on to other services.</summary>
internal static class ActivityTags
{
    private const string Outcome = "flowbeacon.ip_allowlist.outcome";
    private const string KeyId = "flowbeacon.ip_allowlist.key_id";
    private const string Reason = "flowbeacon.ip_allowlist.reason";

    /// <summary>
    /// The current activity if its data is requested by a listener; otherwise null. Without a listener the host still creates an activity
    /// for its log scopes, with all data requested, and its tags would never be read.
    /// </summary>
    public static Activity? Wanted() =>
        Activity.Current is { IsAllDataRequested: true } activity && activity.Source.HasListeners() ? activity : null;

    /// <summary>Sets the tags of a check.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="outcome">The outcome.</param>
    /// <param name="keyId">The id of a valid key; null if there is none.</param>
    /// <param name="reason">Why the request is denied, or would be; null if it is not.</param>
    public static void Set(Activity activity, IpAllowlistOutcome outcome, string? keyId, IpAllowlistDenialReason? reason)
    {
        activity.SetTag(Outcome, SnakeCase.Of(outcome));
        activity.SetTag(KeyId, keyId);
        activity.SetTag(Reason, reason is { } known ? SnakeCase.Of(known) : null);
    }
}
