namespace FlowBeacon.IpAllowlist.Addresses;

/// <summary>The entries of an allowlist that are CIDR networks or expire.</summary>
/// <remarks>
/// Two networks are either nested or disjoint, so that all of them divide the address space into segments. Each segment has the latest
/// expiry of the entries that contain it, and one binary search finds whether an address is listed and until when.
/// </remarks>
internal sealed class IpRanges
{
    private readonly Segments _ipv4;
    private readonly Segments _ipv6;

    /// <param name="sortedEntries">The entries, sorted; none twice.</param>
    public IpRanges(IpListEntry[] sortedEntries)
    {
        Entries = sortedEntries;
        _ipv4 = new Segments(sortedEntries.Where(entry => entry.IsIPv4), IpAddressValue.FromIPv4(uint.MaxValue));
        _ipv6 = new Segments(sortedEntries.Where(entry => !entry.IsIPv4), new IpAddressValue(UInt128.MaxValue));
    }

    public IpListEntry[] Entries { get; }

    /// <summary>Until when an address is listed, see <see cref="Expiry"/>.</summary>
    public long ListedUntil(IpAddressValue address) => (address.IsIPv4 ? _ipv4 : _ipv6).Find(address.Bits);

    /// <summary>The parts of one family's address space, each from its start to the next one's.</summary>
    private sealed class Segments
    {
        private readonly UInt128[] _starts;
        private readonly long[] _untils;

        public Segments(IEnumerable<IpListEntry> sortedEntries, IpAddressValue lastOfFamily)
        {
            var segments = new List<(UInt128 Start, long Until)>();
            var around = new Stack<(UInt128 Last, long Until)>();
            foreach (IpListEntry entry in sortedEntries)
            {
                UInt128 start = entry.Network.Start.Bits;
                EndBefore(start);
                long until = Math.Max(entry.Until, UntilAround());
                around.Push((entry.Network.Last.Bits, until));
                Begin(start, until);
            }

            // A network that contains the last address has no end segment, because no address follows it.
            EndBefore(lastOfFamily.Bits);
            _starts = [.. segments.Select(segment => segment.Start)];
            _untils = [.. segments.Select(segment => segment.Until)];

            void EndBefore(UInt128 start)
            {
                while (around.TryPeek(out (UInt128 Last, long Until) innermost) && innermost.Last < start)
                {
                    around.Pop();
                    Begin(innermost.Last + 1, UntilAround());
                }
            }

            long UntilAround() => around.TryPeek(out (UInt128 Last, long Until) innermost) ? innermost.Until : Expiry.NotListed;

            void Begin(UInt128 start, long until)
            {
                if (segments.Count > 0 && segments[^1].Start == start)
                {
                    segments.RemoveAt(segments.Count - 1);
                }

                segments.Add((start, until));
            }
        }

        public long Find(UInt128 bits)
        {
            int found = Array.BinarySearch(_starts, bits);
            int segment = found >= 0 ? found : ~found - 1;
            return segment < 0 ? Expiry.NotListed : _untils[segment];
        }
    }
}
