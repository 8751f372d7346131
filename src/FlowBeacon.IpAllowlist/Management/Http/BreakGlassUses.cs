using FlowBeacon.IpAllowlist.Check;
using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Records uses of break-glass keys.</summary>
internal sealed class BreakGlassUses(ThrottledAudit audit) : IBreakGlassRecord
{
    /// <summary>Marks a request with a break-glass key that the guard of key administration will record or refuse.</summary>
    private static readonly object Undecided = new();

    /// <inheritdoc/>
    public void Used(HttpContext context, ApiKey key, string? clientIp)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdministrationEndpoint>() is null)
        {
            Record(context, key, clientIp, keyId: null);
        }
        else
        {
            context.Items[Undecided] = true;
        }
    }

    /// <summary>Records that key administration admitted a break-glass key.</summary>
    /// <param name="context">The request.</param>
    /// <param name="key">The break-glass key.</param>
    /// <param name="clientIp">The address it came from.</param>
    /// <param name="keyId">The id of the existing key concerned; null if there is none.</param>
    public void Admitted(HttpContext context, ApiKey key, string? clientIp, string? keyId)
    {
        // If the check is in front of routing, the use is recorded already, without the endpoint.
        if (context.Items.Remove(Undecided))
        {
            Record(context, key, clientIp, keyId);
        }
    }

    private void Record(HttpContext context, ApiKey key, string? clientIp, string? keyId)
    {
        string summary = RequestSummary.Describe(context);
        audit.Record(
            AuditAction.BreakGlassUse, new ApiKeyActor { Kind = ApiKeyActorKind.Key, Id = key.Id, Address = clientIp }, key.Id, key.Name,
            keyId is null ? summary : $"{summary} of {keyId}", summary);
    }
}
