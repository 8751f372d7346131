using System.Globalization;
using System.Net;
using FlowBeacon.IpAllowlist.Addresses;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>Reads a request's route and query strictly.</summary>
internal static class RequestQuery
{
    private const string NotACursor = "must be the next of an earlier page";

    public static string IdOf(HttpContext context) => (string)context.GetRouteValue("id")!;

    public static string? Text(HttpContext context, string name) => context.Request.Query[name].LastOrDefault();

    public static int Limit(HttpContext context, int standard, int largest, FieldErrors errors) =>
        Number(context, "limit", standard, largest, errors);

    public static int Number(HttpContext context, string name, int standard, int largest, FieldErrors errors)
    {
        string? text = Text(context, name);
        if (text is null)
        {
            return standard;
        }

        bool isInRange = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= 1 && number <= largest;
        if (!isInRange)
        {
            errors.Add(name, $"must be a number from 1 to {largest}");
        }

        return isInRange ? number : standard;
    }

    /// <summary>Reads where a listing of keys goes on: behind an id, whether or not there still is such a key.</summary>
    public static string? After(HttpContext context, FieldErrors errors)
    {
        string? text = Text(context, "after");
        if (text is "")
        {
            errors.Add("after", NotACursor);
        }

        return text;
    }

    /// <summary>Reads where the audit trail goes on: before a position.</summary>
    public static long? Before(HttpContext context, FieldErrors errors)
    {
        string? text = Text(context, "before");
        if (text is null)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long position) && position > 0)
        {
            return position;
        }

        errors.Add("before", NotACursor);
        return null;
    }

    /// <summary>Reads a text to search for. A fault does not repeat it, because it may be a raw key.</summary>
    public static string? Filter(HttpContext context, string name, int longest, FieldErrors errors)
    {
        string? text = Text(context, name);
        if (text is null || (text.Length >= 1 && text.Length <= longest))
        {
            return text;
        }

        errors.Add(name, $"must be 1 to {longest} characters, and has {text.Length}");
        return null;
    }

    public static bool Boolean(HttpContext context, string name, FieldErrors errors)
    {
        string? text = Text(context, name);
        if (text is not (null or "true" or "false"))
        {
            errors.Add(name, "must be true or false");
        }

        return text == "true";
    }

    public static ApiKeyState? State(HttpContext context, FieldErrors errors)
    {
        string? text = Text(context, "state");
        if (text is null)
        {
            return null;
        }

        if (!JsonNames.TryParse(text, out ApiKeyState state))
        {
            errors.Add("state", "must be active, expired or revoked");
        }

        return state;
    }

    public static IPAddress? Address(HttpContext context, string name, FieldErrors errors)
    {
        string? text = Text(context, name);
        if (text is null)
        {
            return null;
        }

        if (IpAddressParser.TryParse(text, out IpAddressValue address))
        {
            return address.ToIPAddress();
        }

        errors.Add(name, IpAddressErrorMessage.For(text));
        return null;
    }

    /// <summary>Reads an instant (RFC 3339 §5.6).</summary>
    public static DateTimeOffset? Instant(HttpContext context, string name, FieldErrors errors)
    {
        string? text = Text(context, name);
        if (text is null)
        {
            return null;
        }

        if (InstantText.TryParse(text, out DateTimeOffset instant))
        {
            return instant;
        }

        errors.Add(name, $"must be {InstantText.Expected}");
        return null;
    }
}
