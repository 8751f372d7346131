using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// The verdict about a request. Whoever acts on it asks again: the credential and the client address are derived anew each time, because
/// middleware in between may have changed them, and only what is equal is not judged again.
/// </summary>
internal sealed class IpAllowlistEvaluator(
    ApiKeyReader reader, IApiKeyStore store, ClientIpResolver resolver, TimeProvider time, VerdictCache verdicts, IpAllowlistDiagnostics diagnostics)
{
    public static readonly IpAllowlistFeature InvalidKey = new(IpAllowlistOutcome.InvalidKey, null, default, default);

    private static readonly IpAllowlistFeature NoKey = new(IpAllowlistOutcome.NoKey, null, default, default);

    // A store in memory needs no cancellation, and asking a Kestrel request for its token allocates one.
    private readonly ISynchronousApiKeyStore? _inMemory = store as ISynchronousApiKeyStore;

    /// <summary>Evaluates a request.</summary>
    public ValueTask<IpAllowlistFeature> EvaluateAsync(HttpContext context, CancellationToken patience = default) =>
        EvaluateAsync(context, IpAllowlistFeature.Of(context), patience);

    /// <summary>Evaluates a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="earlier">What an earlier evaluation left on it.</param>
    /// <param name="patience">Cancelled when the caller no longer waits for the store; none to wait as long as the client does.</param>
    public ValueTask<IpAllowlistFeature> EvaluateAsync(HttpContext context, IpAllowlistFeature? earlier, CancellationToken patience = default)
    {
        if (earlier is { IsFinal: true })
        {
            return new(earlier);
        }

        ApiKeyReading reading = reader.Read(context.Request.Headers, out ApiKeyHash hash, out string? unremembered);
        if (reading is ApiKeyReading.NoKey or ApiKeyReading.Invalid)
        {
            return new(Keep(context, earlier, WithoutKey(reading)));
        }

        if (earlier is not null && earlier.Secret == hash)
        {
            // One look-up for a credential, and what a change does to the key meanwhile does not matter.
            return new(earlier.Key is null ? earlier : Conclude(context, earlier, reading, hash, earlier.Key, unremembered));
        }

        if (_inMemory is not null)
        {
            return new(Conclude(context, earlier, reading, hash, _inMemory.Find(hash), unremembered));
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
            ? new(Conclude(context, earlier, reading, hash, lookup.Result, unremembered))
            : AwaitLookup(context, earlier, reading, hash, lookup, unremembered);
    }

    /// <summary>The verdict about a request if it presented a valid secret of a key. Nothing is kept of it.</summary>
    public IpAllowlistOutcome Judge(HttpContext context, ApiKey key, out ClientIp client)
    {
        client = resolver.Resolve(context);
        return key.Judge(client);
    }

    /// <summary>
    /// Looks a key up in a store that may ignore its token or block its caller. The look-up is what is left behind, not the evaluation: by
    /// the time the store answers, the request is over and its context may be another one's.
    /// </summary>
    private Task<ApiKey?> FindInTimeAsync(ApiKeyHash hash, CancellationToken patience) =>
        Task.Run(() => store.FindAsync(hash, patience).AsTask(), patience).WaitAsync(patience);

    private async ValueTask<IpAllowlistFeature> AwaitLookup(
        HttpContext context, IpAllowlistFeature? earlier, ApiKeyReading reading, ApiKeyHash hash, ValueTask<ApiKey?> lookup, string? unremembered)
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

        return Conclude(context, earlier, reading, hash, key, unremembered);
    }

    private IpAllowlistFeature Conclude(
        HttpContext context, IpAllowlistFeature? earlier, ApiKeyReading reading, ApiKeyHash hash, ApiKey? key, string? unremembered)
    {
        if (key is null)
        {
            return Keep(context, earlier, WithoutKey(reading, hash));
        }

        if (unremembered is not null)
        {
            reader.Remember(unremembered, reading, hash);
        }

        if (!key.Accepts(hash, time))
        {
            return Keep(context, earlier, WithoutKey(ApiKeyReading.Invalid, hash));
        }

        // A key without a list is let through whatever the address; it is resolved for the feature, metrics and sources seen all the same.
        return Keep(context, earlier, verdicts.Judge(key, hash, resolver.Resolve(context)));
    }

    private static IpAllowlistFeature WithoutKey(ApiKeyReading reading) => reading == ApiKeyReading.NoKey ? NoKey : InvalidKey;

    /// <summary>The verdict about a credential that leads to no valid key. It knows its hash, so that it is looked up once per request.</summary>
    private IpAllowlistFeature WithoutKey(ApiKeyReading reading, ApiKeyHash hash)
    {
        bool isInvalid = reading is ApiKeyReading.Invalid or ApiKeyReading.Ours;

        // A look-up in memory costs less than keeping the hash of every credential that is somebody else's.
        return !isInvalid && _inMemory is not null
            ? NoKey
            : new IpAllowlistFeature(isInvalid ? IpAllowlistOutcome.InvalidKey : IpAllowlistOutcome.NoKey, null, hash, default);
    }

    private IpAllowlistFeature Keep(HttpContext context, IpAllowlistFeature? earlier, IpAllowlistFeature result)
    {
        if (earlier is not null && RequestState.Of(context)?.CheckedBy is not null)
        {
            return Restrict(earlier, result);
        }

        result.KeepFor(context);
        return result;
    }

    /// <summary>Behind the check, whose verdict stays on the request: the request may still be refused, but no other key is admitted.</summary>
    private IpAllowlistFeature Restrict(IpAllowlistFeature admitted, IpAllowlistFeature result)
    {
        if (admitted.Key?.Id == result.Key?.Id && admitted.Outcome == result.Outcome)
        {
            return result;
        }

        diagnostics.ChangedBehindCheck();
        return result.Outcome.Passes() && admitted.Key?.Id != result.Key?.Id ? InvalidKey : result;
    }
}
