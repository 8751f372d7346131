using System.Net.Http.Headers;
using System.Text.Json;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests.Hosting;

/// <summary>An answer, read to its end.</summary>
internal sealed record Answer(int Status, HttpResponseHeaders Headers, string? ContentType, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode, response.Headers, response.Content.Headers.ContentType?.ToString(),
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

    public string? Text(string member) => Json.GetProperty(member).GetString();

    public long Number(string member) => Json.GetProperty(member).GetInt64();

    public IReadOnlyList<string?> Texts(string member) => [.. Json.GetProperty(member).EnumerateArray().Select(item => item.GetString())];

    public IReadOnlyList<JsonElement> Items(string member) => [.. Json.GetProperty(member).EnumerateArray()];

    /// <summary>The answer to a request whose credential cannot be looked up at the moment (RFC 9457; RFC 9110 §10.2.3).</summary>
    public void ShouldAskToWait(TimeSpan retryAfter)
    {
        Status.Should().Be(503, Body);
        ContentType.Should().Be("application/problem+json");
        Text("title").Should().Be("API keys unavailable");
        Number("status").Should().Be(503);
        Headers.RetryAfter?.Delta.Should().Be(retryAfter);
        Headers.CacheControl?.NoStore.Should().BeTrue();
    }
}
