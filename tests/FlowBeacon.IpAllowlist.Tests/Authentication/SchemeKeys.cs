namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>Keys with names and scopes, one of them in the grace period of a rotation.</summary>
internal static class SchemeKeys
{
    public const string Listed = "203.0.113.7";
    public const string NotListed = "198.51.100.9";

    public const string Evaluator = "fb_live_666666666666666666666666666666666666666666666666";
    public const string EvaluatorRetiring = "fb_live_777777777777777777777777777777777777777777777777";
    public const string Reader = "fb_live_888888888888888888888888888888888888888888888888";
    public const string Scopeless = "fb_live_999999999999999999999999999999999999999999999999";
    public const string Anywhere = "fb_live_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    public const string BreakGlass = "fb_live_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    public const string BreakGlassRetiring = "fb_live_cccccccccccccccccccccccccccccccccccccccccccccccc";

    /// <summary>The keys above beside those of <see cref="TestKeys"/>.</summary>
    public static InMemoryApiKeyStore Store()
    {
        InMemoryApiKeyStore store = TestKeys.Store(Listed);
        store.Set(Create(Evaluator, "evaluator", [ApiKeyScopes.GovernanceRead, ApiKeyScopes.GovernanceEvaluate], Listed) with
        {
            Name = "Evaluator of production",
            Retiring = Retiring(EvaluatorRetiring),
        });
        store.Set(Create(Reader, "reader", [ApiKeyScopes.GovernanceRead], Listed));
        store.Set(Create(Scopeless, "scopeless", [], Listed));
        store.Set(Create(Anywhere, "anywhere", [ApiKeyScopes.GovernanceRead, ApiKeyScopes.GovernanceEvaluate]));
        store.Set(Create(BreakGlass, "break-glass", [ApiKeyScopes.GovernanceRead]) with
        {
            Name = "In the safe",
            IsBreakGlass = true,
            Retiring = Retiring(BreakGlassRetiring),
        });
        return store;
    }

    public static ApiKey Create(string rawKey, string id, string[] scopes, params string[] allowedIps) =>
        TestKeys.Create(rawKey, id, allowedIps) with { Scopes = scopes };

    private static RetiringSecret Retiring(string rawKey) => new()
    {
        Hash = ApiKeyHash.Compute(rawKey),
        Prefix = rawKey[..ApiKey.PrefixLength],
        ExpiresAt = DateTimeOffset.MaxValue,
    };
}
