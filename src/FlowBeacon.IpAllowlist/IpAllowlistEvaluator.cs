using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Denials;
using FlowBeacon.IpAllowlist.Diagnostics;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist;

/// <summary>
/// The verdict about a request, computed once and kept in its features: whoever asks first, everybody gets the same answer.
/// </summary>
internal sealed class IpAllowlistEvaluator(
    ApiKeyReader reader, IApiKeyStore store, ClientIpResolver resolver, TimeProvider time, SourcesSeen sources, IpAllowlistDiagnostics diagnostics)
{
    private readonly IpAllowlistFeatureCache _results = new(sources);

    // The in-memory store needs no cancellation, and asking a Kestrel request for its token allocates one.
    private readonly InMemoryApiKeyStore? _inMemory = store as InMemoryApiKeyStore;

    /// <summary>Evaluates a request, or returns what an earlier call found.</summary>
    /// <param name="context">The request.</param>
    /// <param name="takingUp">Who is going to act on the result, the middleware or the scheme's refusal; null for a mere question.</param>
    /// <param name="patience">Cancelled when the caller no longer waits for the store; none to wait as long as the client does.</param>
    /// <exception cref="InvalidOperationException">Another middleware of ours has already acted on this request.</exception>
    public ValueTask<IpAllowlistFeature> EvaluateAsync(HttpContext context, object? takingUp, CancellationToken patience = default)
    {
        // Features by their type, not by Get and Set: generic interface methods are looked up anew at each call, a seventh of a warm check.
        if (context.Features[typeof(IIpAllowlistFeature)] is IpAllowlistFeature kept)
        {
            return new(takingUp is null ? kept : TakeUp(context, kept, takingUp));
        }

        ApiKeyReading reading = reader.Read(context.Request.Headers, out ApiKeyHash hash, out string? unremembered);
        if (reading is ApiKeyReading.NoKey or ApiKeyReading.Invalid)
        {
            return new(KeepWithoutKey(context, reading, takingUp));
        }

        if (_inMemory is not null)
        {
            return new(Conclude(context, reading, hash, _inMemory.Find(hash), unremembered, takingUp));
        }

        ValueTask<ApiKey?> lookup;
        try
        {
            lookup = patience.CanBeCanceled ? new(FindInTimeAsync(hash, patience)) : store.FindAsync(hash, context.RequestAborted);
        }
        catch
        {
            diagnostics.StoreFailed();
            throw;
        }

        return lookup.IsCompletedSuccessfully
            ? new(Conclude(context, reading, hash, lookup.Result, unremembered, takingUp))
            : AwaitLookup(context, reading, hash, lookup, unremembered, takingUp);
    }

    /// <summary>
    /// Looks a key up in a store that may ignore its token or block its caller. The look-up is what is left behind, not the evaluation: by
    /// the time the store answers, the request is over and its context may be another one's.
    /// </summary>
    private Task<ApiKey?> FindInTimeAsync(ApiKeyHash hash, CancellationToken patience) =>
        Task.Run(() => store.FindAsync(hash, patience).AsTask(), patience).WaitAsync(patience);

    private async ValueTask<IpAllowlistFeature> AwaitLookup(
        HttpContext context, ApiKeyReading reading, ApiKeyHash hash, ValueTask<ApiKey?> lookup, string? unremembered, object? takingUp)
    {
        ApiKey? key;
        try
        {
            key = await lookup;
        }
        catch when (!context.RequestAborted.IsCancellationRequested)
        {
            diagnostics.StoreFailed();
            throw;
        }

        return Conclude(context, reading, hash, key, unremembered, takingUp);
    }

    private IpAllowlistFeature Conclude(
        HttpContext context, ApiKeyReading reading, ApiKeyHash hash, ApiKey? key, string? unremembered, object? takingUp)
    {
        if (key is null)
        {
            return KeepWithoutKey(context, reading, takingUp);
        }

        if (unremembered is not null)
        {
            reader.Remember(unremembered, reading, hash);
        }

        if (!key.Accepts(hash, time))
        {
            return KeepWithoutKey(context, ApiKeyReading.Invalid, takingUp);
        }

        // A key without a list is let through whatever the address; it is resolved for the feature, metrics and sources seen all the same.
        IpAllowlistFeature result = Keep(context, _results.Of(key, resolver.Resolve(context), takingUp, key.IsRetiring(hash)));
        if (key.IsBreakGlass)
        {
            // Here, not where a result is taken up: its use is on record even where the check is disabled.
            diagnostics.BreakGlassKeyUsed(context, result);
        }

        return result;
    }

    /// <summary>The verdict about a request if it presented a valid secret of a key. Nothing is kept of it.</summary>
    public IpAllowlistOutcome Judge(HttpContext context, ApiKey key, out ClientIp client)
    {
        client = resolver.Resolve(context);
        return key.Judge(client);
    }

    private IpAllowlistFeature TakeUp(HttpContext context, IpAllowlistFeature kept, object takingUp)
    {
        if (kept.TakenUpBy is null)
        {
            return Keep(context, kept.Key is null
                ? _results.WithoutKey(kept.Outcome, takingUp)
                : _results.Of(kept.Key, kept.Client, takingUp, kept.IsRetiringSecret));
        }

        // Only two middlewares on one path are a mistake, and not where an error page re-executes the pipeline: then the request comes
        // again, perhaps into another branch.
        bool isAgain = takingUp is not IpAllowlistMiddleware || kept.TakenUpBy is not IpAllowlistMiddleware || ReferenceEquals(kept.TakenUpBy, takingUp)
            || context.Features.Get<IExceptionHandlerFeature>() is not null || context.Features.Get<IStatusCodeReExecuteFeature>() is not null;
        return isAgain ? kept : throw new InvalidOperationException(
            "UseFlowBeaconIpAllowlist() is called twice on the path of this request, in a branch and behind it. Remove one of the calls.");
    }

    private IpAllowlistFeature KeepWithoutKey(HttpContext context, ApiKeyReading reading, object? takingUp) =>
        Keep(context, _results.WithoutKey(reading is ApiKeyReading.Invalid or ApiKeyReading.Ours ? IpAllowlistOutcome.InvalidKey : IpAllowlistOutcome.NoKey, takingUp));

    private IpAllowlistFeature Keep(HttpContext context, IpAllowlistFeature result)
    {
        context.Features[typeof(IIpAllowlistFeature)] = result;
        if (result.TakenUpBy is not null)
        {
            // Once per request: a result that was taken up before does not come here again.
            diagnostics.Checked(context, result);
        }

        return result;
    }
}
