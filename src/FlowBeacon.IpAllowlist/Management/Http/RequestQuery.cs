using System.Globalization;
using FlowBeacon.IpAllowlist.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;

namespace FlowBeacon.IpAllowlist.Management.Http;

/// <summary>
/// Reads a request's route and query strictly, after authorization: the framework would bind parameters before.
/// </summary>
internal static class RequestQuery
{
    private const string NotACursor = "must be the value of next in an earlier page";

    public static string IdOf(HttpContext context) => (string)context.GetRouteValue("id")!;

    public static string? Text(HttpContext context, string name, FieldErrors errors)
    {
        StringValues values = context.Request.Query[name];
        if (values.Count > 1)
        {
            errors.Add(name, "is given more than once");
        }

        return values.Count == 1 ? values[0] : null;
    }

    /// <summary>Reads the id of a key to list by. An empty one is a fault: it may be the unset variable of a script.</summary>
    public static string? KeyId(HttpContext context, FieldErrors errors)
    {
        string? id = Text(context, "key_id", errors);
        if (id is "")
        {
            errors.Add("key_id", "is empty; name a key, or leave it out");
        }

        return id;
    }

    /// <summary>Reads an instant, as in a body. In a query a plus sign that is not encoded is a space.</summary>
    public static DateTimeOffset? Instant(HttpContext context, string name, FieldErrors errors) => Read<DateTimeOffset>(
        context, name, $"must be {InstantText.Expected}; write + as %2B", errors,
        text => InstantText.TryParse(text, out DateTimeOffset instant) ? instant : null);

    public static int Number(HttpContext context, string name, int standard, int largest, FieldErrors errors) => Read<int>(
        context, name, $"must be a number from 1 to {largest}", errors,
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= largest
            ? number
            : null) ?? standard;

    /// <summary>Reads the cursor of a listing: the value of next in an earlier page.</summary>
    public static string? After(HttpContext context, FieldErrors errors)
    {
        string? text = Text(context, "after", errors);
        if (text is "")
        {
            errors.Add("after", NotACursor);
        }

        return text;
    }

    /// <summary>
    /// Reads a page. An invalid cursor is reported on its own, after all other faults: only the source of a cursor can check it.
    /// </summary>
    public static async Task<T> ReadPageAsync<T>(string? after, Func<ValueTask<T>> read)
    {
        try
        {
            return await read();
        }
        catch (FormatException) when (after is not null)
        {
            throw new ApiKeyManagementException(new Dictionary<string, string[]> { ["after"] = [NotACursor] });
        }
    }

    /// <summary>Reads a text to search for. A fault does not repeat it, because it may be a raw key.</summary>
    public static string? Filter(HttpContext context, string name, int longest, FieldErrors errors)
    {
        string? text = Text(context, name, errors);
        if (text is null || (text.Length >= 1 && text.Length <= longest))
        {
            return text;
        }

        errors.Add(name, $"must be 1 to {longest} characters, and has {text.Length}");
        return null;
    }

    public static bool Boolean(HttpContext context, string name, FieldErrors errors) => Read<bool>(
        context, name, "must be true or false", errors, text => text is "true" or "false" ? text == "true" : null) ?? false;

    /// <summary>Reads one of an enumeration's values, in snake_case.</summary>
    public static T? Choice<T>(HttpContext context, string name, FieldErrors errors)
        where T : struct, Enum => Read<T>(
            context, name, $"must be {SnakeCase.Choices<T>()}", errors,
            text => Enum.GetValues<T>().Cast<T?>().FirstOrDefault(value => SnakeCase.Of(value!.Value) == text));

    private static T? Read<T>(HttpContext context, string name, string expected, FieldErrors errors, Func<string, T?> read)
        where T : struct
    {
        string? text = Text(context, name, errors);
        T? value = text is null ? null : read(text);
        if (text is not null && value is null)
        {
            errors.Add(name, expected);
        }

        return value;
    }
}
