using System.Net.Http.Headers;
using System.Text;
using CsCheck;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>Valid and damaged JSON bodies are never a server error, and refused ones change nothing.</summary>
public sealed class ApiKeyApiFuzz
{
    private const int Bodies = 10_000;

    private static readonly string[] Names =
    [
        "name", "allowed_ips", "allowlist_mode", "scopes", "expires_at",
        "break_glass", "accept_lockout_risk", "ip", "x_forwarded_for", "peer",
        "Name", "key", "", "n\\u0061me", "\\ud800", "a\\u0000",
    ];

    private static readonly string[] Texts =
    [
        "\"make-grid\"", "\"203.0.113.7\"", "\"2001:DB8::7\"", "\"::ffff:203.0.113.7\"",
        "\"10.0.0.0/8\"", "\"010.0.0.1\"", "\"\"", "\" \"", "\"::\"",
        "\"enforce\"", "\"report_only\"", "\"ReportOnly\"", "\"203.0.113.7, 192.0.2.1\"", "\"[2001:db8::7]:443\"",
        "\"governance:read\"", "\"governance:evaluate\"", "\"admin\"",
        "\"Admin\"", "\"2028-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00+14:00\"",
        "\"9999-12-31T23:59:59.9999999-14:00\"", "\"9999-12-31T23:59:59.9999999Z\"",
        "\"2028-01-01\"", "\"24:00\"", "\"\\u0000\"", "\"\\ud800\"",
        "\"\\udc00x\"", "\"\\ud83d\\ude00\"", "\"\\\\\"", "\"é\"", "\"\\u202e\"", $"\"{new string('n', 101)}\"",
    ];

    private static readonly string[] Scalars =
        [
            "null", "true", "false", "0", "-1", "1e400", "1e-400", "-0", "0.1", "2147483648", "123456789012345678901234567890", "NaN", "01",
            "1.", "{}", "[]",
        ];

    private static readonly Gen<string> Scalar = Gen.OneOf(AnyOf(Texts), AnyOf(Scalars), Gen.Int.Select(number => $"{number}"));

    private static readonly Gen<string> Soup = Gen.Recursive<string>((depth, inner) => depth > 9 ? Scalar : Gen.Frequency(
        (4, Scalar),
        (2, inner.Array[0, 4].Select(items => $"[{string.Join(',', items)}]")),
        (2, AnyOf(Names).Select(inner, (name, value) => $"\"{name}\":{value}").Array[0, 4]
            .Select(members => $"{{{string.Join(',', members)}}}"))));

    private static readonly Gen<string> ListOfTexts = AnyOf(Texts).Array[0, 5].Select(items => $"[{string.Join(',', items)}]");

    private static readonly Gen<string> PlausibleMember = Gen.OneOf(
        Gen.Int[0, 1_000_000].Select(number => $"\"name\":\"key-{number}\""),
        AnyOf(Texts).Select(text => $"\"name\":{text}"),
        ListOfTexts.Select(list => $"\"allowed_ips\":{list}"),
        AnyOf("[\"203.0.113.7\"]", "[]", "[\"::1\",\"0:0::1\"]").Select(list => $"\"allowed_ips\":{list}"),
        ListOfTexts.Select(list => $"\"scopes\":{list}"),
        AnyOf("[\"governance:read\"]", "[]", "[\"admin\",\"admin\"]").Select(list => $"\"scopes\":{list}"),
        AnyOf(Texts).Select(text => $"\"expires_at\":{text}"),
        Gen.Const("\"expires_at\":null"),
        AnyOf("true", "false").Select(text => $"\"break_glass\":{text}"),
        AnyOf("\"enforce\"", "\"report_only\"", "0", "null").Select(text => $"\"allowlist_mode\":{text}"));

    private static readonly Gen<string> PlausibleMemberOfUpdate = Gen.Frequency(
        (4, PlausibleMember),
        (1, AnyOf("true", "true", "false", "null").Select(text => $"\"accept_lockout_risk\":{text}")));

    private static readonly Gen<string> PlausibleMemberOfTrial = Gen.OneOf(
        AnyOf(Texts).Select(text => $"\"ip\":{text}"),
        AnyOf(Texts).Select(text => $"\"peer\":{text}"),
        AnyOf(Texts).Select(text => $"\"x_forwarded_for\":{text}"),
        ListOfTexts.Select(list => $"\"x_forwarded_for\":{list}"));

    [Fact]
    public Task No_body_of_a_creation_is_a_server_error_and_what_is_refused_creates_nothing() =>
        SampleAsync("POST", PlausibleMember, _ => Task.FromResult(KeyApiHost.Keys), success: 201);

    [Fact]
    public async Task No_body_of_an_update_is_a_server_error_and_what_is_refused_changes_nothing()
    {
        IReadOnlyDictionary<int, int> statuses = await SampleAsync(
            "PATCH", PlausibleMemberOfUpdate, async host => $"{KeyApiHost.Keys}/{await UsedKeyAsync(host)}", success: 200);

        statuses.GetValueOrDefault(409).Should().BePositive("some lists would lock out the address that used the key");
    }

    [Fact]
    public Task No_body_of_a_trial_is_a_server_error() =>
        SampleAsync("POST", PlausibleMemberOfTrial, async host => $"{KeyApiHost.Keys}/{await UsedKeyAsync(host)}/try", success: 200);

    private static Gen<string> NearlyValid(Gen<string> member) => member.Array[1, 5].Select(members =>
        $"{{{string.Join(',', members.DistinctBy(text => text[..text.IndexOf(':', StringComparison.Ordinal)]))}}}");

    private static Gen<string> OneStrangeMember(Gen<string> member) => member.Select(
        AnyOf(Names), Soup, (good, name, value) => $"{{{good},\"{name}\":{value}}}");

    /// <summary>Replaces, inserts or drops bytes: any, but mostly JSON syntax.</summary>
    private static Gen<byte[]> Mutated(Gen<string> member) => NearlyValid(member).Select(
        Gen.Int[0, 2].Select(Gen.UInt, Gen.OneOf(AnyOf("{}[]\",:\\0ntu-"u8.ToArray()), Gen.Byte)).Array[1, 4],
        (text, changes) =>
        {
            var bytes = Encoding.UTF8.GetBytes(text).ToList();
            foreach ((int kind, uint position, byte value) in changes.Where(_ => bytes.Count > 0))
            {
                int index = (int)(position % (uint)bytes.Count);
                switch (kind)
                {
                    case 0: bytes[index] = value; break;
                    case 1: bytes.Insert(index, value); break;
                    default: bytes.RemoveAt(index); break;
                }
            }

            return bytes.ToArray();
        });

    private static Gen<byte[]> Body(Gen<string> member) => Gen.Frequency(
        (4, NearlyValid(member).Select(Encoding.UTF8.GetBytes)),
        (2, OneStrangeMember(member).Select(Encoding.UTF8.GetBytes)),
        (2, Mutated(member)),
        (1, Soup.Select(Encoding.UTF8.GetBytes)),
        (1, Gen.Byte.Array[0, 40]));

    /// <summary>A key with a list, and with a use that a change must not cut off unasked.</summary>
    private static async Task<string> UsedKeyAsync(KeyApiHost host)
    {
        IssuedApiKey issued = await host.CreateAsync("the-key", "203.0.113.7");
        (await host.UseAsync(issued.RawKey, "203.0.113.7")).Should().Be(200);
        return issued.Details.Key.Id;
    }

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static async Task<IReadOnlyDictionary<int, int>> SampleAsync(
        string method, Gen<string> plausibleMember, Func<KeyApiHost, Task<string>> prepare, int success)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder => builder.Logging.ClearProviders());
        string target = await prepare(host);
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        var statuses = new Dictionary<int, int>();

        await Body(plausibleMember).SampleAsync(
            async body =>
            {
                var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                Answer answer = await host.SendContentAsync(KeyApiHost.Administrator, method, target, content);
                statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
                if (answer.Status == success)
                {
                    before = await host.SnapshotAsync();
                    return true;
                }

                return answer.Status is 400 or 409
                    && answer.ContentType == "application/problem+json"
                    && await host.IsUnchangedSinceAsync(before);
            },
            iter: Bodies,
            threads: 1,
            print: body => $"{Encoding.UTF8.GetString(body)} ({Convert.ToHexString(body)})");

        // Both sides are tried, often.
        statuses.GetValueOrDefault(success).Should().BeGreaterThan(Bodies / 100);
        statuses.GetValueOrDefault(400).Should().BeGreaterThan(Bodies / 4);
        return statuses;
    }
}
