using System.Net;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Page;

/// <summary>
/// A page of a host's own where people administer keys, as a console would write it. It demands a role of its own in addition to what key
/// administration demands, and answers with the data that a page would show.
/// </summary>
internal static class ToyPage
{
    /// <summary>The role that the page demands.</summary>
    public const string Role = "operator";

    public static RouteGroupBuilder MapToyPage(this IEndpointRouteBuilder endpoints, string pattern)
    {
        RouteGroupBuilder page = endpoints.MapGroup(pattern)
            .RequireAuthorization(new AuthorizationPolicyBuilder().RequireRole(Role).Build())
            .AllowMissingApiKey();
        ((IEndpointConventionBuilder)page).Add(ToyPageGuard.Protect);
        page.MapGet("", ListAsync);
        page.MapPost("", CreateAsync);
        page.MapGet("/me", Me);
        page.MapGet("/limits", Limits);
        page.MapGet("/fleet", FleetAsync);
        page.MapGet("/{id}", ReadAsync);
        page.MapPost("/{id}/update/preview", PreviewUpdateAsync);
        page.MapPost("/{id}/update", UpdateAsync);
        page.MapPost("/{id}/rotate", RotateAsync);
        page.MapGet("/{id}/end-grace/preview", PreviewEndGraceAsync);
        page.MapPost("/{id}/end-grace", EndGraceAsync);
        page.MapGet("/{id}/revoke/preview", PreviewRevokeAsync);
        page.MapPost("/{id}/revoke", RevokeAsync);
        page.MapPost("/{id}/recover", RecoverAsync);
        page.MapPost("/{id}/try", TryAsync);
        return page;
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, ApiKeyManager manager, IApiKeyTraffic traffic, IClientIpSourceDiagnosis diagnosis, TimeProvider time,
        string? name, string? prefix, ApiKeyState? state, string? after, string? denialsAfter, int limit = 50)
    {
        if (limit is < 1 or > ApiKeyLimits.MaxPageSize || prefix?.Length > ApiKey.PrefixLength)
        {
            return Results.BadRequest();
        }

        CancellationToken aborted = context.RequestAborted;
        var query = new ApiKeyQuery { NameContains = name, Prefix = prefix, State = state, After = after, Limit = limit };
        ApiKeyPage keys = await manager.ListAsync(query, aborted);
        IReadOnlyDictionary<string, SourceSeen> lastUsed =
            await traffic.ReadLastUsedAsync([.. keys.Keys.Select(details => details.Key.Id)], aborted);
        DenialPage denials = await traffic.ReadDenialsAsync(
            new DenialQuery { Order = DenialOrder.Count, Limit = 2, After = denialsAfter }, aborted);
        return Results.Json(new
        {
            Keys = keys.Keys.Select(details => new
            {
                details.Key.Id,
                details.Key.Name,
                State = details.StateAt(time.GetUtcNow()).ToString(),
                LastUsed = lastUsed.GetValueOrDefault(details.Key.Id)?.LastSeen,
            }),
            keys.Next,
            Counts = await manager.CountAsync(query, aborted),
            Denials = denials.Denials.Select(denial => $"{denial.KeyId} {denial.ClientIp} {denial.Reason} {denial.Count}"),
            NextDenials = denials.Next,
            (await traffic.ReadTotalsAsync(null, aborted)).Denied,
            Diagnosis = diagnosis.Judge(),
        });
    }

    private static async Task<IResult> ReadAsync(
        HttpContext context, ApiKeyManager manager, IApiKeyTraffic traffic, IAuditLog audit, TimeProvider time, string id)
    {
        CancellationToken aborted = context.RequestAborted;
        ApiKeyDetails details = await manager.GetAsync(id, aborted);
        ApiKeySources sources = await traffic.ReadSourcesAsync(id, aborted);
        AllowlistSuggestion suggestion = await traffic.SuggestAllowlistAsync(id, TimeSpan.FromDays(1), time, aborted);
        AuditPage trail = await audit.ReadAsync(new AuditQuery { KeyId = id, Limit = 20 }, aborted);
        return Results.Json(new
        {
            details.Version,
            details.Revision,
            AllowedIps = details.Key.AllowedIps.IsUnreadable ? null : details.Key.AllowedIps.ToCanonicalStrings(),
            Sources = sources.Sources.Select(source => $"{source.ClientIp} {source.Count}"),
            Suggested = suggestion.AllowedIps,
            (await traffic.ReadTotalsAsync(id, aborted)).Denied,
            Audit = trail.Entries.Select(entry => $"{entry.Action} by {entry.Actor.Kind} {entry.Actor.Id}"),
        });
    }

    private static async Task<IResult> CreateAsync(HttpContext context, ApiKeyManager manager, CreateForm form)
    {
        IssuedApiKey issued = await manager.CreateAsync(
            new NewApiKey { Id = form.Id, Name = form.Name, AllowedIps = [.. form.AllowedIps], ProxyAddress = ProxyOf(context) },
            ToyPageGuard.ActorOf(context), context.RequestAborted);
        return Results.Json(new { issued.Details.Key.Id, issued.RawKey, issued.Revision, Warnings = Messages(issued.Warnings) });
    }

    private static async Task<IResult> PreviewUpdateAsync(HttpContext context, ApiKeyManager manager, string id, UpdateForm form) =>
        Shown(await manager.PreviewUpdateAsync(id, UpdateOf(form, context), form.Version, context.RequestAborted));

    private static async Task<IResult> UpdateAsync(HttpContext context, ApiKeyManager manager, string id, UpdateForm form) =>
        Shown(await manager.UpdateAsync(
            id, UpdateOf(form, context), form.Version, ToyPageGuard.ActorOf(context), context.RequestAborted));

    private static async Task<IResult> RotateAsync(HttpContext context, ApiKeyManager manager, string id, RotateForm form)
    {
        IssuedApiKey issued = await manager.RotateAsync(
            id, form.GraceHours, form.Version, ToyPageGuard.ActorOf(context), context.RequestAborted);
        return Results.Json(new { issued.RawKey, issued.Details.Version, OldWorksUntil = issued.Details.Key.Retiring?.ExpiresAt });
    }

    private static async Task<IResult> PreviewEndGraceAsync(HttpContext context, ApiKeyManager manager, string id, long version) =>
        Shown(await manager.PreviewEndGraceAsync(id, version, context.RequestAborted));

    private static async Task<IResult> EndGraceAsync(HttpContext context, ApiKeyManager manager, string id, EndGraceForm form) =>
        Shown(await manager.EndGraceAsync(
            id, form.Version, ToyPageGuard.ActorOf(context), form.AcceptLockoutRisk, context.RequestAborted));

    private static async Task<IResult> PreviewRevokeAsync(HttpContext context, ApiKeyManager manager, string id, long version) =>
        Shown(await manager.PreviewRevokeAsync(id, version, context.RequestAborted));

    private static async Task<IResult> RevokeAsync(HttpContext context, ApiKeyManager manager, string id, DecisionForm form) =>
        Shown(await manager.RevokeAsync(
            id, form.Version, ToyPageGuard.ActorOf(context), cancellationToken: context.RequestAborted));

    private static async Task<IResult> RecoverAsync(HttpContext context, ApiKeyManager manager, IClientIpResolver resolver, string id) =>
        resolver.Resolve(context).Address is { } address
            ? Shown(await manager.RecoverAsync(id, address, presented: null, ToyPageGuard.ActorOf(context), context.RequestAborted))
            : Results.BadRequest();

    private static async Task<IResult> TryAsync(HttpContext context, ApiKeyManager manager, string id, TryForm form)
    {
        IPAddress? address = null;
        foreach (string? text in new[] { form.Address, form.Peer }.Where(text => text is not null))
        {
            if (!IpAddressSet.TryParseEntry(text, out address, out string? message))
            {
                return Results.Json(new { message }, statusCode: StatusCodes.Status400BadRequest);
            }
        }

        AddressTrial trial = form.Address is not null
            ? await manager.TryAsync(id, address!, context.RequestAborted)
            : await manager.TryRequestAsync(id, form.ForwardedFor ?? [], address, context.RequestAborted);
        return Results.Json(new
        {
            Outcome = trial.Outcome.ToString(),
            ClientIp = trial.ClientIp?.ToString(),
            Reason = trial.DenialReason?.ToString(),
            trial.Detail,
        });
    }

    /// <summary>Shows people the address that they come from, and how it was found.</summary>
    private static IResult Me(HttpContext context, IClientIpResolver resolver)
    {
        ClientIpExplanation explanation = resolver.Explain(context);
        return Results.Json(new
        {
            Actor = ToyPageGuard.ActorOf(context).Id,
            Address = explanation.Client.Address?.ToString(),
            Origin = explanation.Client.Origin.ToString(),
            Fault = explanation.Client.Fault.ToString(),
            Steps = explanation.Steps.Select(step =>
                $"{step.Origin} {step.Hop} {step.Text}{(step.IsTrustedProxy ? " trusted" : "")}{(step.IsClient ? " client" : "")}"),
            explanation.Conclusion,
        });
    }

    private static IResult Limits(ApiKeyManager manager) => Results.Json(new
    {
        ApiKeyLimits.MaxNameLength,
        ApiKeyLimits.MinGraceHours,
        ApiKeyLimits.MaxGraceHours,
        ApiKeyLimits.DefaultGraceHours,
        ApiKeyLimits.MaxPageSize,
        manager.MaxAddressesPerKey,
        NewId = manager.NewId(),
    });

    /// <summary>Shows how far a change has come. It only looks, so that a page does not hang.</summary>
    private static async Task<IResult> FleetAsync(HttpContext context, IFleetStatus fleet, long revision) => Results.Json(new
    {
        IsInForce = await fleet.WaitAsync(revision, TimeSpan.Zero, context.RequestAborted),
        Nodes = (await fleet.GetNodesAsync(context.RequestAborted)).Select(node => $"{node.Name} {node.Revision} {node.State}"),
    });

    private static ApiKeyUpdate UpdateOf(UpdateForm form, HttpContext context) => new()
    {
        Name = form.Name,
        AllowedIps = form.AllowedIps is null ? null : [.. form.AllowedIps],
        ExpiresAt = form.ExpiresAt,
        AcceptLockoutRisk = form.AcceptLockoutRisk,
        ProxyAddress = ProxyOf(context),
    };

    private static IPAddress? ProxyOf(HttpContext context) =>
        context.Request.Headers.ContainsKey("X-Forwarded-For") ? context.Connection.RemoteIpAddress : null;

    private static IResult Shown(ChangedApiKey changed) =>
        Results.Json(new { changed.Details.Version, changed.Revision, Warnings = Messages(changed.Warnings) });

    private static IResult Shown(ApiKeyPreview preview) => Results.Json(new
    {
        preview.Before.Version,
        AllowedIps = preview.After.AllowedIps.ToCanonicalStrings(),
        preview.After.IsRevoked,
        CutsOff = CutOffBy(preview.LockoutRisk),
        OldSecret = preview.OldSecret?.ToString(),
        Warnings = Messages(preview.Warnings),
    });

    /// <summary>The addresses that a change would cut off; that of the last use of an old secret.</summary>
    public static IEnumerable<string?>? CutOffBy(LockoutRisk? risk) =>
        risk?.OldSecret is { } old ? [old.ClientIp] : risk?.Sources.Select(source => source.ClientIp);

    private static IEnumerable<string> Messages(IReadOnlyList<ApiKeyWarning> warnings) =>
        warnings.Select(warning => $"{warning.Kind} {warning.Entry}: {warning.Message}.");
}
