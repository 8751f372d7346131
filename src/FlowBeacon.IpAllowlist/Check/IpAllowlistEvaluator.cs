using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Keys;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Check;

/// <summary>
/// The verdict about a request. Each step that acts on it reads the credential and the client address again, because middleware in between
/// may have changed them. If they are equal, the verdict is not computed again.
/// </summary>
internal sealed class IpAllowlistEvaluator(
    ApiKeyReader reader,
    IApiKeyStore store,
    ClientIpResolver resolver,
    TimeProvider time,
    VerdictCache verdicts,
    IpAllowlistDiagnostics diagnostics)
{
    // A store in memory needs no cancellation, and asking a Kestrel request for its token allocates one.
    private readonly ISynchronousApiKeyStore? _inMemory = store as ISynchronousApiKeyStore;

    /// <summary>Evaluates a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="timeout">Cancelled when the caller no longer waits for the store; none to wait until the client disconnects.</param>
    public ValueTask<IpAllowlistFeature> EvaluateAsync(HttpContext context, CancellationToken timeout = default) =>
        EvaluateAsync(context, IpAllowlistFeature.Get(context), timeout);

    /// <summary>Evaluates a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="earlier">The result of an earlier evaluation.</param>
    /// <param name="timeout">Cancelled when the caller no longer waits for the store; none to wait until the client disconnects.</param>
    public ValueTask<IpAllowlistFeature> EvaluateAsync(
        HttpContext context, IpAllowlistFeature? earlier, CancellationToken timeout = default)
    {
        if (earlier is { IsFinal: true })
        {
            return new(earlier);
        }

        ApiKeyCredential credential = reader.Read(context.Request.Headers);
        if (!credential.IsToLookUp)
        {
            return new(Keep(context, earlier, WithoutLookup(credential.Reading)));
        }

        if (earlier is not null && earlier.Secret == credential.Hash)
        {
            // One look-up per credential and request, even if the key is changed concurrently.
            return new(earlier.Key is null ? earlier : Conclude(context, earlier, credential, earlier.Key));
        }

        ValueTask<ApiKey?> lookup;
        try
        {
            lookup = _inMemory is not null ? new(_inMemory.Find(credential.Hash))
                : timeout.CanBeCanceled ? new(FindInTimeAsync(credential.Hash, timeout))
                : store.FindAsync(credential.Hash, context.RequestAborted);
        }
        catch (ApiKeyStoreUnavailableException unavailable)
        {
            return new(Refuse(context, unavailable));
        }
        catch
        {
            diagnostics.StoreFailed();
            throw;
        }

        return lookup.IsCompletedSuccessfully
            ? new(Conclude(context, earlier, credential, lookup.Result))
            : AwaitLookup(context, earlier, credential, lookup);
    }

    /// <summary>
    /// Looks a key up in a store that may ignore its token or block its caller. Only the look-up continues after that, not the evaluation:
    /// by the time the store answers, the request is over and its context may serve another one.
    /// </summary>
    private Task<ApiKey?> FindInTimeAsync(ApiKeyHash hash, CancellationToken timeout) =>
        Task.Run(() => store.FindAsync(hash, timeout).AsTask(), timeout).WaitAsync(timeout);

    private async ValueTask<IpAllowlistFeature> AwaitLookup(
        HttpContext context, IpAllowlistFeature? earlier, ApiKeyCredential credential, ValueTask<ApiKey?> lookup)
    {
        ApiKey? key;
        try
        {
            key = await lookup;
        }
        catch (ApiKeyStoreUnavailableException unavailable)
        {
            return Refuse(context, unavailable);
        }
        catch when (!context.RequestAborted.IsCancellationRequested)
        {
            diagnostics.StoreFailed();
            throw;
        }

        return Conclude(context, earlier, credential, key);
    }

    /// <summary>The refusal of a request whose credential cannot be looked up; final, as if it were already answered.</summary>
    private IpAllowlistFeature Refuse(HttpContext context, ApiKeyStoreUnavailableException unavailable)
    {
        diagnostics.StoreUnavailable(unavailable);
        IpAllowlistFeature result = IpAllowlistFeature.StoreUnavailable(unavailable);
        result.KeepFor(context);
        return result;
    }

    private IpAllowlistFeature Conclude(HttpContext context, IpAllowlistFeature? earlier, in ApiKeyCredential credential, ApiKey? key)
    {
        if (key is null)
        {
            return Keep(context, earlier, Unknown(credential));
        }

        reader.Remember(credential);

        // The address of a key without a list is resolved as well, for the feature, metrics and sources seen.
        return Keep(context, earlier, key.Accepts(credential.Hash, time)
            ? verdicts.Judge(key, credential.Hash, resolver.Resolve(context), time)
            : new IpAllowlistFeature(IpAllowlistOutcome.InvalidKey, null, credential.Hash, default));
    }

    private static IpAllowlistFeature WithoutLookup(ApiKeyReading reading) =>
        reading == ApiKeyReading.NoKey ? IpAllowlistFeature.NoKey : IpAllowlistFeature.InvalidKey;

    private IpAllowlistFeature Unknown(in ApiKeyCredential credential)
    {
        IpAllowlistFeature result = credential.Reading == ApiKeyReading.Prefixed ? IpAllowlistFeature.InvalidKey : IpAllowlistFeature.NoKey;

        // The hash is kept so that a credential is looked up once per request. Another look-up in memory costs less than keeping it.
        return _inMemory is not null ? result : new IpAllowlistFeature(result.Outcome, null, credential.Hash, default);
    }

    private IpAllowlistFeature Keep(HttpContext context, IpAllowlistFeature? earlier, IpAllowlistFeature result)
    {
        if (earlier is not null && RequestState.Get(context)?.CheckedBy is not null)
        {
            return Restrict(earlier, result);
        }

        result.KeepFor(context);
        return result;
    }

    /// <summary>
    /// Behind the check, whose verdict stays on the request: the request may still be refused, but no other key is admitted.
    /// </summary>
    private IpAllowlistFeature Restrict(IpAllowlistFeature admitted, IpAllowlistFeature result)
    {
        if (admitted.Key?.Id == result.Key?.Id && admitted.Outcome == result.Outcome)
        {
            return result;
        }

        if (!result.IsAboutSame(admitted))
        {
            diagnostics.ChangedBehindCheck();
        }

        return result.Outcome.Passes() && admitted.Key?.Id != result.Key?.Id ? IpAllowlistFeature.InvalidKey : result;
    }
}
