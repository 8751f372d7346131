using System.Net.Http.Headers;
using System.Text.Json;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>An answer of the management API, read to its end.</summary>
internal sealed record Answer(int Status, HttpResponseHeaders Headers, string? ContentType, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? ETag => Headers.ETag?.ToString();

    public string Detail => Text("detail");

    /// <summary>The validation faults, each as <c>field: message</c>.</summary>
    public IReadOnlyList<string> Errors => [.. Json.GetProperty("errors").EnumerateObject()
        .SelectMany(fault => fault.Value.EnumerateArray().Select(message => $"{fault.Name}: {message.GetString()}"))];

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode, response.Headers, response.Content.Headers.ContentType?.ToString(),
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

    public string Text(string member) => Json.GetProperty(member).GetString()!;

    public IReadOnlyList<string> Texts(string member) => [.. Json.GetProperty(member).EnumerateArray().Select(item => item.GetString()!)];

    public IReadOnlyList<string> Members => [.. Json.EnumerateObject().Select(member => member.Name)];

    /// <summary>A refusal is problem details (RFC 9457) with the status of the answer, and is not cached.</summary>
    public Answer ShouldBeProblem(int status, string title)
    {
        Status.Should().Be(status, Body);
        ContentType.Should().Be("application/problem+json");
        Headers.CacheControl?.NoStore.Should().BeTrue();
        Json.GetProperty("status").GetInt32().Should().Be(status);
        Text("title").Should().Be(title);
        Text("type").Should().NotBeEmpty();
        Detail.Should().NotBeEmpty();
        return this;
    }
}
