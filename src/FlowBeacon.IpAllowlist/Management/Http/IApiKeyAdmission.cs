using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Decides who administers keys, as the endpoints of <c>MapFlowBeaconApiKeys()</c> do, for pages and endpoints of a host. Registered by
/// <c>AddKeyManagement()</c>.
/// </summary>
/// <remarks>
/// <para>
/// Signed-in people are admitted whom the policy <see cref="ApiKeyAdministration.PolicyName"/> admits, and who meet what the request's own
/// endpoint demands in addition (<c>RequireAuthorization</c>, <c>[Authorize]</c>; a fallback policy where it demands nothing). API keys are
/// not admitted, with the one exception of <see cref="AdmitReaderAsync"/>. <c>AllowAnonymous()</c> on the endpoint changes nothing.
/// </para>
/// <para>
/// Ask before the request's body is read, and answer a refusal yourself. Parameters of a handler, forms included, are bound before its
/// endpoint filters run: ask in a handler that takes the <see cref="HttpContext"/> alone, or wrap the endpoint's <see
/// cref="RequestDelegate"/>. A refusal is put into the audit trail, save that of a key store that cannot answer (503); so is the use of a
/// break-glass key. It is for asking, not for replacing: the endpoints of <c>MapFlowBeaconApiKeys()</c> do not ask a registered
/// replacement. An output cache is kept from storing the answer. Where <see cref="IpAllowlistOptions.RequireApiKey"/> is set, people
/// without a key come through with <c>AllowMissingApiKey()</c>.
/// </para>
/// </remarks>
public interface IApiKeyAdmission
{
    /// <summary>Admits signed-in people alone: for what changes keys, and wherever a break-glass key has no business.</summary>
    /// <param name="context">The request.</param>
    /// <returns>Who makes the request, or the refusal.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddAuthorization()</c> was not called, or a named policy does not exist.</exception>
    Task<ApiKeyAdmission> AdmitPersonAsync(HttpContext context);

    /// <summary>
    /// Admits signed-in people and valid break-glass keys: for what only reads, and for recovery. A break-glass key is admitted whatever
    /// the endpoint demands of people.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <returns>Who makes the request, or the refusal.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddAuthorization()</c> was not called, or a named policy does not exist.</exception>
    Task<ApiKeyAdmission> AdmitReaderAsync(HttpContext context);
}
