using System.Diagnostics.CodeAnalysis;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>The caller of key administration, or the reason for a refusal.</summary>
public sealed record ApiKeyAdmission
{
    private ApiKeyAdmission()
    {
    }

    /// <summary>Who makes the request; null if it is refused.</summary>
    public ApiKeyActor? Actor { get; private init; }

    /// <summary>The refusal; null if the request is admitted.</summary>
    public ApiKeyAdmissionRefusal? Refusal { get; private init; }

    /// <summary>Whether the request is admitted.</summary>
    [MemberNotNullWhen(true, nameof(Actor))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAdmitted => Actor is not null;

    /// <summary>A request that is admitted.</summary>
    /// <param name="actor">Who makes it.</param>
    /// <returns>The admission.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="actor"/> is null.</exception>
    public static ApiKeyAdmission Admitted(ApiKeyActor actor)
    {
        ArgumentNullException.ThrowIfNull(actor);
        return new ApiKeyAdmission { Actor = actor };
    }

    /// <summary>A request that is refused.</summary>
    /// <param name="refusal">Why.</param>
    /// <returns>The refusal.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="refusal"/> is null.</exception>
    public static ApiKeyAdmission Refused(ApiKeyAdmissionRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        return new ApiKeyAdmission { Refusal = refusal };
    }
}
