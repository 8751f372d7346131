using Microsoft.AspNetCore.Builder;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>An order of the four middlewares. What an order does not name, WebApplication adds in front of everything.</summary>
internal static class PipelineOrder
{
    private const string Allowlist = "Allowlist";
    private const string Routing = "Routing";
    private const string Authentication = "Authentication";
    private const string Authorization = "Authorization";

    /// <summary>Every order of every set of explicit middlewares that holds ours: 1 + 3·2 + 3·6 + 24 = 49.</summary>
    public static IReadOnlyList<string> All { get; } =
        [
            .. Subsets([Routing, Authentication, Authorization]).SelectMany(subset => Permutations([.. subset, Allowlist]))
                .Select(order => string.Join(" > ", order)),
        ];

    /// <summary>
    /// Whether the framework authorizes an endpoint in this order: in front of routing there is no endpoint yet, and the framework
    /// answers 500 to requests that reach one with authorization metadata.
    /// </summary>
    public static bool RoutesBeforeAuthorizing(string order) =>
        !order.Contains(Routing, StringComparison.Ordinal) || IsBefore(order, Routing, Authorization);

    /// <summary>
    /// Whether <c>HttpContext.User</c> is known when the framework authorizes: a policy without schemes looks at nothing else.
    /// </summary>
    public static bool AuthenticatesBeforeAuthorizing(string order) =>
        !order.Contains(Authentication, StringComparison.Ordinal) || IsBefore(order, Authentication, Authorization);

    public static void Build(WebApplication app, string order)
    {
        foreach (string middleware in order.Split(" > "))
        {
            _ = middleware switch
            {
                Routing => app.UseRouting(),
                Authentication => app.UseAuthentication(),
                Authorization => app.UseAuthorization(),
                _ => app.UseFlowBeaconIpAllowlist(),
            };
        }
    }

    private static bool IsBefore(string order, string first, string second) =>
        order.IndexOf(second, StringComparison.Ordinal) is >= 0 and var position
            && order.IndexOf(first, StringComparison.Ordinal) < position;

    private static IEnumerable<string[]> Subsets(string[] all) =>
        Enumerable.Range(0, 1 << all.Length).Select(bits => all.Where((_, index) => (bits & (1 << index)) != 0).ToArray());

    private static IEnumerable<string[]> Permutations(string[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany(first => Permutations([.. items.Where(item => item != first)]).Select(rest => (string[])[first, .. rest]));
}
