using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Decides who administers keys, as the endpoints of <c>MapFlowBeaconApiKeys()</c> do, for pages and endpoints of a host. Registered by
/// <c>AddKeyManagement()</c>.
/// </summary>
/// <remarks>
/// <para>
/// Signed-in people are admitted if they meet the policy <see cref="ApiKeyAdministration.PolicyName"/> and the requirements of the
/// request's endpoint (<c>RequireAuthorization</c>, <c>[Authorize]</c>; a fallback policy where it has none). API keys are not admitted,
/// except by <see cref="AdmitReaderAsync"/>. <c>AllowAnonymous()</c> on the endpoint changes nothing.
/// </para>
/// <para>
/// Call it before the request's body is read, and write the refusal yourself. Parameters of a handler, forms included, are bound before its
/// endpoint filters run: call it in a handler that takes the <see cref="HttpContext"/> alone, or wrap the endpoint's <see
/// cref="RequestDelegate"/>. Refusals, except those for an unavailable key store (503), and uses of
/// break-glass keys are recorded in the audit trail. A replacement that you register is not used by the endpoints of
/// <c>MapFlowBeaconApiKeys()</c>. An output cache does not store the answer. Where <see cref="IpAllowlistOptions.RequireApiKey"/> is set,
/// people without a key need <c>AllowMissingApiKey()</c> on the endpoint.
/// </para>
/// </remarks>
public interface IApiKeyAdmission
{
    /// <summary>Admits signed-in people only: for changes of keys, and wherever break-glass keys must not be used.</summary>
    /// <param name="context">The request.</param>
    /// <returns>Who makes the request, or the refusal.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddAuthorization()</c> was not called, or a named policy does not exist.</exception>
    Task<ApiKeyAdmission> AdmitPersonAsync(HttpContext context);

    /// <summary>
    /// Admits signed-in people and valid break-glass keys: for reading, and for recovery. The endpoint's requirements for people do not
    /// apply to a break-glass key.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <returns>Who makes the request, or the refusal.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddAuthorization()</c> was not called, or a named policy does not exist.</exception>
    Task<ApiKeyAdmission> AdmitReaderAsync(HttpContext context);
}
