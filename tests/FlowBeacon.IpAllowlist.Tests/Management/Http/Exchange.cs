using Microsoft.AspNetCore.Http;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>One request and its answer.</summary>
internal sealed record Exchange
{
    public required string Method { get; init; }

    public required string Path { get; init; }

    public QueryString Query { get; init; }

    public IHeaderDictionary RequestHeaders { get; init; } = new HeaderDictionary();

    public string RequestBody { get; init; } = "";

    public required int Status { get; init; }

    public IHeaderDictionary ResponseHeaders { get; init; } = new HeaderDictionary();

    public string ResponseBody { get; init; } = "";

    public override string ToString() => $"{Method} {Path}{Query} {RequestBody} -> {Status} {ResponseBody}";
}
