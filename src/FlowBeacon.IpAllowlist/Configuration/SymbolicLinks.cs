namespace FlowBeacon.IpAllowlist.Configuration;

/// <summary>Follows symbolic links, also those of folders. The framework resolves only the last part of a path.</summary>
internal static class SymbolicLinks
{
    /// <summary>The limit of Linux.</summary>
    private const int MaxLinks = 40;

    /// <summary>The path without links; its target may be missing. If links form a circle, it is one of them.</summary>
    public static string Resolve(string path)
    {
        string resolved = "";
        var parts = new Stack<string>();
        Push(Path.GetFullPath(path));
        for (int links = 0; parts.TryPop(out string? part);)
        {
            if (part is ".." or ".")
            {
                // These occur only in the text of a link. Everything before them is resolved, so ".." is the parent folder.
                resolved = part == ".." ? Path.GetDirectoryName(resolved) ?? resolved : resolved;
                continue;
            }

            string next = Path.Combine(resolved, part);
            if (links < MaxLinks && new FileInfo(next).LinkTarget is { } target)
            {
                links++;
                Push(target);
            }
            else
            {
                resolved = next;
            }
        }

        return resolved;

        void Push(string text)
        {
            string root = Path.GetPathRoot(text) ?? "";
            foreach (string part in text[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                parts.Push(part);
            }

            resolved = root.Length > 0 ? root : resolved;
        }
    }
}
