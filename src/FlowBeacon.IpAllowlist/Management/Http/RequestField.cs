using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Reads texts of a body or a query strictly. An absent text reads as null, as does one with a fault.</summary>
internal static class RequestField
{
    /// <summary>Reads an instant (RFC 3339 §5.6).</summary>
    public static DateTimeOffset? Instant(string? text, string field, FieldErrors errors)
    {
        if (InstantText.TryParse(text, out DateTimeOffset instant))
        {
            return instant;
        }

        if (text is not null)
        {
            errors.Add(field, $"must be {InstantText.Expected}");
        }

        return null;
    }

    /// <summary>Reads an address, as strictly as an entry of a list.</summary>
    public static IPAddress? Address(string? text, string field, FieldErrors errors)
    {
        if (IpAddressParser.TryParse(text, out IpAddressValue address))
        {
            return address.ToIPAddress();
        }

        if (text is not null)
        {
            // The part of an entry's message after its last semicolon is a remedy for lists.
            string fault = IpAddressErrorMessage.For(text);
            int remedy = fault.LastIndexOf("; ", StringComparison.Ordinal);
            string finding = text.Length == 0 ? "it is empty" : remedy < 0 ? fault : fault[..remedy];
            errors.Add(field, $"must be one IPv4 or IPv6 address; {finding}");
        }

        return null;
    }
}
