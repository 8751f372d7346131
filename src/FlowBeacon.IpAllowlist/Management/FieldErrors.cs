namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Collects the faults of an input, one for each field: what else is wrong with a field is mostly a consequence of the first. Bounded:
/// after a hundred, the rest is only counted.
/// </summary>
internal sealed class FieldErrors
{
    private const int MaxShown = 100;

    private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);
    private int _notShown;

    public bool Any => _errors.Count > 0;

    public void Add(string field, string error)
    {
        if (_errors.Count < MaxShown)
        {
            _errors.TryAdd(field, [error]);
        }
        else if (!_errors.ContainsKey(field))
        {
            _notShown++;
        }
    }

    public void ThrowIfAny()
    {
        if (_notShown > 0)
        {
            _errors["(more)"] = [$"{_notShown} more faults"];
        }

        if (Any)
        {
            throw new ApiKeyManagementException(_errors);
        }
    }
}
