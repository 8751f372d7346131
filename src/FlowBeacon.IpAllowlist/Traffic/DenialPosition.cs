using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FlowBeacon.IpAllowlist.Traffic;

/// <summary>The position of a row in an order of denials: the greatest value first, then by what distinguishes rows.</summary>
/// <param name="Value">The sort value: the time or the count.</param>
/// <param name="KeyId">The key's id.</param>
/// <param name="Address">The address' bits; 0 if there is none.</param>
/// <param name="Kind">The reason, and whether it was report-only or at the health endpoint.</param>
internal readonly record struct DenialPosition(long Value, string KeyId, UInt128 Address, int Kind) : IComparable<DenialPosition>
{
    private const char Separator = '~';

    public static DenialPosition Of(DenialRow row, DenialOrder order) => new(
        order == DenialOrder.Count ? row.Count : row.LastSeen,
        row.Last.KeyId,
        row.Last.Client.Address.Bits,
        ((int)row.Last.Reason << 2) | (row.Last.IsReportOnly ? 2 : 0) | (row.Last.IsHealth ? 1 : 0));

    /// <summary>Reads what <see cref="ToText"/> wrote for the same order.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static DenialPosition Parse(string text, DenialOrder order)
    {
        string[] parts = Base64Url.IsValid(text) ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(Separator, 5) : [];
        if (parts.Length == 5
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && UInt128.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 address)
            && int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out int kind))
        {
            var position = new DenialPosition(value, parts[4], address, kind);
            if (position.ToText(order) == text)
            {
                return position;
            }
        }

        throw new FormatException($"{nameof(DenialQuery)}.{nameof(DenialQuery.After)} is not from an earlier page in this order.");
    }

    public string ToText(DenialOrder order) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{order}{Separator}{Value}{Separator}{Address:x}{Separator}{Kind}{Separator}{KeyId}")));

    public int CompareTo(DenialPosition other)
    {
        int order = other.Value.CompareTo(Value);
        order = order != 0 ? order : string.CompareOrdinal(KeyId, other.KeyId);
        order = order != 0 ? order : Address.CompareTo(other.Address);
        return order != 0 ? order : Kind.CompareTo(other.Kind);
    }
}
