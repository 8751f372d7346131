namespace FlowBeacon.IpAllowlist;

/// <summary>
/// Thrown by a store that cannot answer at the moment, because it has no keys yet or because its keys may be out of date. Requests with a
/// credential then get 503 with <c>Retry-After</c>; requests without one are not affected.
/// </summary>
/// <remarks>An <c>IApiKeyRepository</c> may throw it as well: key administration then answers in the same way.</remarks>
public sealed class ApiKeyStoreUnavailableException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">Why the store cannot answer. It is logged and not shown to clients; it must not contain a raw key.</param>
    /// <param name="retryAfter">
    /// How long clients are asked to wait, in <c>Retry-After</c> (RFC 9110 §10.2.3): rounded up to whole seconds, at least one.
    /// </param>
    /// <param name="innerException">The cause, if it is an exception.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="retryAfter"/> is negative.</exception>
    public ApiKeyStoreUnavailableException(string message, TimeSpan retryAfter, Exception? innerException = null)
        : base(message, innerException)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(retryAfter, TimeSpan.Zero);
        RetryAfter = retryAfter;
    }

    /// <summary>How long clients are asked to wait.</summary>
    public TimeSpan RetryAfter { get; }
}
