using CsCheck;
using FlowBeacon.IpAllowlist.Tests.Http;
using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>
/// Whatever the order of authentication, authorization, routing, <c>UseForwardedHeaders</c>, middleware that rewrites requests, and the
/// check: an application with the scheme admits nothing that the same pipeline without it refuses, where the check alone asks.
/// </summary>
public sealed class PipelineOrderProperties
{
    private const int Pipelines = 300;
    private const int RequestsPerPipeline = 20;

    private const string Routing = "routing";
    private const string Authentication = "authentication";
    private const string Authorization = "authorization";
    private const string Check = "check";
    private const string ForwardedHeaders = "forwarded headers";
    private const string AddressFromCdn = "address from the CDN's header";
    private const string KeyFromHeader = "key from another header";
    private const string KeyStripped = "key stripped";

    private const string CdnHeader = "X-Cdn-Client";
    private const string KeyHeader = "X-Other-Key";
    private const string StripHeader = "X-Strip";

    private static readonly string[] Paths = ["/open", "/key", "/scope", "/scope"];

    /// <summary>Events that name the call to move, and the one that names UseForwardedHeaders.</summary>
    private static readonly string[] NamingEvents = ["ChangedBeforeCheck", "ChangedBehindCheck", "RefusedBeforeCheck", "PeerRewritten"];

    private static readonly Gen<string[]> Order = Gen.Int[0, 2].Select(number => number > 0).Array[7]
        .SelectMany(Gen.Int[0, int.MaxValue], (present, seed) => Gen.Const(Shuffle(present, seed)));

    private static readonly Gen<string> Address = AnyOf(SchemeKeys.Listed, SchemeKeys.NotListed, "127.0.0.1", "192.0.2.1");

    private static readonly Gen<string?> RawKey = AnyOf<string?>(
        SchemeKeys.Evaluator, SchemeKeys.Evaluator, SchemeKeys.Evaluator, SchemeKeys.Reader, SchemeKeys.Anywhere, TestKeys.Restricted,
        TestKeys.Unknown, null, null, null);

    private static readonly Gen<string[]> HeaderLines =
        Gen.Select(RawKey, Address.Array[0, 3], Address.Array[0, 1], RawKey, Gen.Bool, (key, chain, cdn, otherKey, strip) =>
            (string[])[
                .. key is null ? Array.Empty<string>() : [HeaderLine.Bearer(key)],
                .. chain.Length == 0 ? Array.Empty<string>() : [HeaderLine.ForwardedFor(string.Join(", ", chain))],
                .. cdn.Select(address => $"{CdnHeader}: {address}"),
                .. otherKey is null ? Array.Empty<string>() : [$"{KeyHeader}: Bearer {otherKey}"],
                .. strip ? [$"{StripHeader}: yes"] : Array.Empty<string>()]);

    private static readonly Gen<(string Path, string[] HeaderLines)> Request =
        Gen.Select(AnyOf(Paths), HeaderLines, (path, lines) => (path, lines));

    private sealed record Pipeline(string[] Order, ClientIpSource Source, string DefaultScheme)
    {
        public override string ToString() => $"{Source}, {DefaultScheme} by default: {string.Join(" > ", Order)}";
    }

    private static readonly Gen<Pipeline> AnyPipeline = Gen.Select(
        Order,
        AnyOf(ClientIpSource.ForwardedForFirst, ClientIpSource.TrustedProxies, ClientIpSource.PeerAddress),
        AnyOf(ApiKeyAuthenticationDefaults.AuthenticationScheme, OtherScheme.Name),
        (order, source, scheme) => new Pipeline(order, source, scheme));

    [Fact]
    public async Task No_order_admits_what_the_check_alone_refuses_and_where_one_refuses_more_the_log_names_the_call()
    {
        int requests = 0;
        int refused = 0;
        int refusedMore = 0;
        int rewritten = 0;

        await AnyPipeline.Select(Request.Array[RequestsPerPipeline], (pipeline, sent) => (pipeline, sent)).SampleAsync(
            async sample =>
            {
                await using KestrelApp actual = await StartAsync(sample.pipeline, withScheme: true);
                await using KestrelApp reference = await StartAsync(sample.pipeline, withScheme: false);
                foreach ((string path, string[] lines) in sample.sent)
                {
                    int expected = (await KestrelApp.SendAsync(reference.IPv4, "GET", path, lines)).Status;
                    RawResponse response = await KestrelApp.SendAsync(actual.IPv4, "GET", path, lines);

                    string what = $"{sample.pipeline}: GET {path} {string.Join(" | ", lines)}";
                    requests++;
                    if (expected != 200)
                    {
                        refused++;
                        response.Status.Should().NotBe(200, what);
                    }
                    else if (response.Status is 401 or 403)
                    {
                        refusedMore++;
                        actual.Logs.OfLibrary.Should().Contain(entry => NamingEvents.Contains(entry.Id.Name), what);
                    }
                    else if (response.Status == 500)
                    {
                        // The framework's own error where authorization stands in front of routing names the call as well.
                        actual.Logs.Entries.Should().Contain(
                            entry => entry.Exception != null
                                && entry.Exception.Message.Contains("UseAuthorization()", StringComparison.Ordinal),
                            what);
                    }
                }

                rewritten += sample.pipeline.Order.Length > 4 ? 1 : 0;
            },
            iter: Pipelines,
            threads: 1);

        requests.Should().BeGreaterThanOrEqualTo(Pipelines * RequestsPerPipeline);
        refused.Should().BeGreaterThan(requests / 10);
        (requests - refused).Should().BeGreaterThan(requests / 10);
        refusedMore.Should().BePositive();
        rewritten.Should().BePositive();
    }

    private static Task<KestrelApp> StartAsync(Pipeline pipeline, bool withScheme) => KestrelApp.StartAsync(
        SchemeKeys.Store(),
        options =>
        {
            options.ClientIpSource = pipeline.Source;
            if (pipeline.Source == ClientIpSource.TrustedProxies)
            {
                options.TrustedProxies.Add("127.0.0.1");
            }
        },
        builder =>
        {
            if (withScheme)
            {
                AuthenticationBuilder authentication = builder.Services.AddAuthentication(pipeline.DefaultScheme).AddFlowBeaconApiKey();
                if (pipeline.DefaultScheme == OtherScheme.Name)
                {
                    authentication.AddScheme<AuthenticationSchemeOptions, OtherScheme>(OtherScheme.Name, null);
                }

                builder.Services.AddAuthorization();
            }
        },
        app =>
        {
            foreach (string part in pipeline.Order)
            {
                Use(app, part, withScheme);
            }

            app.MapGet("/open", () => "open");
            app.MapGet("/key", () => "key").RequireApiKey();
            if (withScheme)
            {
                app.MapGet("/scope", () => "scope").RequireApiKeyScope(ApiKeyScopes.GovernanceEvaluate);
            }
            else
            {
                app.MapGet("/scope", (HttpContext context) =>
                    context.Features.Get<IIpAllowlistFeature>()!.Key!.Scopes.Contains(ApiKeyScopes.GovernanceEvaluate)
                        ? Results.Text("scope")
                        : Results.StatusCode(403)).RequireApiKey();
            }
        });

    private static void Use(WebApplication app, string part, bool withScheme)
    {
        switch (part)
        {
            case Routing:
                app.UseRouting();
                break;
            case Authentication when withScheme:
                app.UseAuthentication();
                break;
            case Authorization when withScheme:
                app.UseAuthorization();
                break;
            case Check:
                app.UseFlowBeaconIpAllowlist();
                break;
            case ForwardedHeaders:
                // The configuration that trusts every proxy, one entry at a time.
                var options = new ForwardedHeadersOptions
                {
                    ForwardedHeaders = Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedFor,
                };
                options.KnownProxies.Clear();
                options.KnownIPNetworks.Clear();
                app.UseForwardedHeaders(options);
                break;
            case AddressFromCdn:
                app.Use((context, next) =>
                {
                    context.Request.Headers["X-Forwarded-For"] = context.Request.Headers[CdnHeader];
                    return next(context);
                });
                break;
            case KeyFromHeader:
                app.Use((context, next) =>
                {
                    if (context.Request.Headers.TryGetValue(KeyHeader, out var key))
                    {
                        context.Request.Headers.Authorization = key;
                    }

                    return next(context);
                });
                break;
            case KeyStripped:
                app.Use((context, next) =>
                {
                    if (context.Request.Headers.ContainsKey(StripHeader))
                    {
                        context.Request.Headers.Authorization = default;
                    }

                    return next(context);
                });
                break;
        }
    }

    private static string[] Shuffle(bool[] present, int seed)
    {
        string[] optional = [Routing, Authentication, Authorization, ForwardedHeaders, AddressFromCdn, KeyFromHeader, KeyStripped];
        string[] parts = [Check, .. optional.Where((_, index) => present[index])];
        new Random(seed).Shuffle(parts);
        return parts;
    }

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);
}
