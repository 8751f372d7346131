using FlowBeacon.IpAllowlist.Tests.Support;

namespace FlowBeacon.IpAllowlist.Tests.Authentication;

/// <summary>The status and body of an answer, and those that are promised.</summary>
internal sealed record Answer(int Status, string Body)
{
    public static readonly Answer MissingKey = new(401,
        """{"type":"urn:flowbeacon:problems/invalid-api-key","title":"Invalid or expired API key","status":401,"detail":"This """
            + """needs an API key, and the request has none."}""");

    public static readonly Answer InvalidKey = new(401,
        """{"type":"urn:flowbeacon:problems/invalid-api-key","title":"Invalid or expired API key","status":401,"detail":"The """
            + """API key is unknown, expired, disabled or revoked, or there is more than one."}""");

    public static readonly Answer Denied = new(403,
        """{"type":"urn:flowbeacon:problems/ip-not-allowed","title":"IP address not allowed","status":403,"detail":"This API """
            + """key may be used from certain addresses only, and the request did not come from one of """
            + """them.","client_ip":"198.51.100.9"}""");

    public static readonly Answer InsufficientScope = new(403,
        """{"type":"urn:flowbeacon:problems/insufficient-scope","title":"Insufficient scope","status":403,"detail":"The API """
            + """key lacks a required scope."}""");

    public static Answer Ok(string body) => new(200, body);

    public static Answer Of(RawResponse response) => new(response.Status, response.Content);
}
