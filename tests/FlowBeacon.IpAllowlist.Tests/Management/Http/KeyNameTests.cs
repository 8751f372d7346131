using System.Text;
using System.Text.Json;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>A name shows as what it is: nothing invisible in it, one spelling of each character, and never a raw key.</summary>
public sealed class KeyNameTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Control = "name: must not begin or end with white space, nor contain control characters";
    private const string RawKey = "name: looks like a raw key, or contains one; write another name";

    private static readonly string Digits = TestKeys.Restricted[8..];

    /// <summary>A code point in the middle of a name, and how the fault names it; null for a control character.</summary>
    public static TheoryData<int, string?> Forbidden => new()
    {
        { 0x0000, null }, { 0x0007, null }, { 0x000A, null }, { 0x007F, null }, { 0x0085, null },
        { 0x00AD, "U+00AD" }, { 0x061C, "U+061C" }, { 0x200B, "U+200B" }, { 0x200C, "U+200C" }, { 0x200D, "U+200D" }, { 0x200E, "U+200E" },
        { 0x200F, "U+200F" }, { 0x2028, "U+2028" }, { 0x2029, "U+2029" }, { 0x202A, "U+202A" }, { 0x202E, "U+202E" }, { 0x2060, "U+2060" },
        { 0x2066, "U+2066" }, { 0x2069, "U+2069" }, { 0xFEFF, "U+FEFF" }, { 0xFFF9, "U+FFF9" }, { 0x110BD, "U+110BD" },
        { 0xE0001, "U+E0001" }, { 0xE0061, "U+E0061" }, { 0x034F, "U+034F" }, { 0x115F, "U+115F" }, { 0x3164, "U+3164" },
        { 0xFFA0, "U+FFA0" }, { 0x180B, "U+180B" }, { 0xFE0F, "U+FE0F" }, { 0xE0100, "U+E0100" }, { 0xE000, "U+E000" },
        { 0xF0000, "U+F0000" }, { 0xFFFE, "U+FFFE" }, { 0xFFFF, "U+FFFF" },
        { 0x0378, "U+0378" }, { 0x1FFFF, "U+1FFFF" },
    };

    public static TheoryData<string> LikeRawKeys =>
    [
        TestKeys.Restricted, $"key {TestKeys.Restricted}", $"{TestKeys.Restricted} of make-grid", TestKeys.Restricted.ToUpperInvariant(),
        TestKeys.Restricted[..24], $"x{TestKeys.Restricted[..40]}", Digits, Digits.ToUpperInvariant(), Digits[..40], $"make-grid {Digits}",
        ApiKeyHash.Compute(TestKeys.Restricted).ToString(),
    ];

    public static TheoryData<string> Good =>
    [
        "make grid", "Schlüssel Nr. 1", "生产", "क्षि", "🔑 prod", "fb_live_", "fb_live_1111",
        "make-grid fb_live_1111 (old)", "0190163d-8694-739b-b8e2-5bdb0e3a5d6f", "0190163d8694739bb8e25bdb0e3a5d6f", Digits[..39],
        "a\u0301\u0323\u00a0b",
    ];

    [Theory]
    [MemberData(nameof(Forbidden))]
    public async Task A_character_that_nobody_sees_or_that_changes_how_others_show_is_refused(int codePoint, string? shown)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("other")).Details.Key.Id;
        string name = JsonSerializer.Serialize($"make{char.ConvertFromUtf32(codePoint)}grid");
        string error = shown is null
            ? Control
            : $"name: contains {shown}, which is invisible, changes the display of other characters, or has no fixed meaning; leave it out";

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":{{name}},"allowed_ips":[]}""");
        Answer renamed = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"name":{{name}}}""");

        created.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        renamed.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.SnapshotAsync()).Should().ContainSingle().Which.Key.Name.Should().Be("other");
    }

    [Fact]
    public async Task Half_of_a_surrogate_pair_is_refused_in_code_too()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        foreach (string name in new[] { "a\ud800", "\udc00a", "a\ud800\ud800b" })
        {
            Func<Task> creating = () => host.CreateAsync(name);
            (await creating.Should().ThrowAsync<ApiKeyManagementException>()).Which.Errors["Name"]
                .Should().ContainSingle().Which.Should().Contain("U+D");
        }
    }

    [Theory]
    [MemberData(nameof(LikeRawKeys))]
    public async Task Refuses_text_that_looks_like_a_raw_key_without_repeating_it(string name)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("other")).Details.Key.Id;

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"{{name}}","allowed_ips":[]}""");
        Answer renamed = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"name":"{{name}}"}""");

        foreach (Answer answer in new[] { created, renamed })
        {
            answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(RawKey);
            answer.Body.Should().NotContain(name[^12..]);
        }

        string end = name[^12..];
        string[] texts =
        [
            .. host.App.Logs.OfLibrary.Select(entry => $"{entry.Message} {entry.Exception}"),
            .. (await host.AuditAsync()).Select(entry => $"{entry}"),
        ];
        texts.Should().NotContain(text => text.Contains(end, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_raw_key_with_a_prefix_of_the_hosts_own_is_known_by_it()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync(builder =>
            builder.Services.Configure<IpAllowlistOptions>(options => options.ApiKeyPrefix = "acme-"));

        foreach (string name in new[] { $"acme-{Digits[..16]}", TestKeys.Restricted[..24] })
        {
            (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"{{name}}","allowed_ips":[]}"""))
                .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(RawKey);
        }

        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"acme-{{Digits[..15]}}","allowed_ips":[]}"""))
            .Status.Should().Be(201);
    }

    [Theory]
    [MemberData(nameof(Good))]
    public async Task Any_other_name_is_taken_and_kept_in_composed_form(string name)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("other")).Details.Key.Id;
        string json = JsonSerializer.Serialize(name);

        Answer created = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":{{json}},"allowed_ips":[]}""");
        await host.RevokeAsync(created.Text("id"));
        Answer renamed = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"name":{{json}}}""");

        created.Status.Should().Be(201, created.Body);
        created.Text("name").Should().Be(name.Normalize(NormalizationForm.FormC));
        renamed.Text("name").Should().Be(created.Text("name"));
    }

    [Theory]
    [InlineData("caf\u00e9", "cafe\u0301")]
    [InlineData("caf\u00e9", "CAFE\u0301")]
    [InlineData("\u212b", "a\u030a")]
    [InlineData("\uac00", "\u1100\u1161")]
    public async Task Two_spellings_of_a_name_are_one_name(string first, string second)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync(first)).Details.Key.Id;
        string other = (await host.CreateAsync("other")).Details.Key.Id;
        string json = JsonSerializer.Serialize(second);

        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":{{json}},"allowed_ips":[]}""")).ShouldBeProblem(409, "Conflict");
        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{other}", $$"""{"name":{{json}}}""")).ShouldBeProblem(409, "Conflict");
        (await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"name":{{json}}}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task The_length_is_that_of_the_composed_name()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string longest = JsonSerializer.Serialize(string.Concat(Enumerable.Repeat("e\u0301", 100)));
        string tooLong = JsonSerializer.Serialize(string.Concat(Enumerable.Repeat("e\u0301", 101)));

        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":{{longest}},"allowed_ips":[]}""")).Status.Should().Be(201);
        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":{{tooLong}},"allowed_ips":[]}"""))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("name: must be 1 to 100 characters, and has 101");
        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"{{new string('n', 200_000)}}","allowed_ips":[]}"""))
            .ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("name: must be 1 to 100 characters, and has 200000");
    }
}
