namespace FlowBeacon.IpAllowlist.Management;

/// <summary>
/// Collects the faults of an input, the first one of each field: later ones mostly follow from it. After 100 fields, further ones are only
/// counted.
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
