using System.Numerics;

namespace FlowBeacon.IpAllowlist.Common;

/// <summary>
/// Counters that every request writes and that are rarely read. Each processor has its own cells, on separate cache lines, so that requests
/// on different processors do not contend; a reader adds the cells.
/// </summary>
internal sealed class StripedCounters
{
    /// <summary>Two cache lines: processors fetch them in pairs.</summary>
    private const int CellsPerLine = 16;

    private readonly int _stripeMask = (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) - 1;
    private readonly int _stripeLength;
    private readonly long[] _cells;

    /// <summary>Makes counters, all zero.</summary>
    /// <param name="count">How many.</param>
    public StripedCounters(int count)
    {
        _stripeLength = (count + CellsPerLine - 1) / CellsPerLine * CellsPerLine;

        // One line of padding, so that the array's length does not share a cache line with the first cell.
        _cells = new long[CellsPerLine + ((_stripeMask + 1) * _stripeLength)];
    }

    public void Increment(int counter) =>
        Interlocked.Increment(ref _cells[CellsPerLine + ((Thread.GetCurrentProcessorId() & _stripeMask) * _stripeLength) + counter]);

    public long Read(int counter)
    {
        long sum = 0;
        for (int cell = CellsPerLine + counter; cell < _cells.Length; cell += _stripeLength)
        {
            sum += Volatile.Read(ref _cells[cell]);
        }

        return sum;
    }
}
