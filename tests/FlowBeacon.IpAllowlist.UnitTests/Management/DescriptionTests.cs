using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>The description of a key, and its creator.</summary>
public sealed class DescriptionTests
{
    private readonly ManagedKeys _keys = new();

    public static TheoryData<string> Good =>
        ["", "d", new string('n', 500), "Key of the Berlin office, asked for by Schlüssel & Co; see ticket #7", "生产"];

    public static TheoryData<string, string> Faulty => new()
    {
        { new string('n', 501), "must be at most 500 characters, and has 501" },
        { new string('n', 2_001), "must be at most 500 characters, and has 2001" },
        { " d", "must not begin or end with white space, nor contain control characters" },
        { "two\nlines", "must not begin or end with white space, nor contain control characters" },
        {
            "make\u202Egrid",
            "contains U+202E, which is invisible, changes the display of other characters, or has no fixed meaning; leave it out"
        },
        { $"its key is {TestKeys.Unknown}", "looks like a raw key, or contains one; leave it out" },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public async Task A_key_has_the_description_it_is_created_with_or_gets(string description)
    {
        string id = (await _keys.CreateAsync(New(description))).Details.Key.Id;
        (await _keys.GetAsync(id)).Description.Should().Be(description);

        await _keys.UpdateAsync(id, new ApiKeyUpdate { Description = "another" });
        (await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed" })).Description.Should().Be("another");
        (await _keys.UpdateAsync(id, new ApiKeyUpdate { Description = description })).Description.Should().Be(description);
    }

    [Theory]
    [MemberData(nameof(Faulty))]
    public async Task Refuses_a_description_without_repeating_it(string description, string fault)
    {
        string id = (await _keys.CreateAsync(New(null))).Details.Key.Id;

        ApiKeyManagementException ofCreation = await ManagedKeys.RefusedAsync(
            () => _keys.CreateAsync(New(description) with { Name = "other" }));
        ApiKeyManagementException ofUpdate = await ManagedKeys.RefusedAsync(
            () => _keys.UpdateAsync(id, new ApiKeyUpdate { Description = description }));

        ofCreation.Message.Should().Be($"Description: {fault}");
        ofUpdate.Message.Should().Be($"Description: {fault}");
        (await _keys.GetAsync(id)).Should().Match<ApiKeyDetails>(details => details.Version == 1 && details.Description.Length == 0);
    }

    [Fact]
    public async Task A_description_is_kept_in_composed_form_and_setting_the_same_one_changes_nothing()
    {
        string id = (await _keys.CreateAsync(New("cafe\u0301"))).Details.Key.Id;

        ApiKeyDetails same = await _keys.UpdateAsync(id, new ApiKeyUpdate { Description = "caf\u00E9" });

        (same.Description, same.Version).Should().Be(("caf\u00E9", 1L));
    }

    [Fact]
    public async Task A_change_of_the_description_alone_is_a_change()
    {
        string id = (await _keys.CreateAsync(New("old"))).Details.Key.Id;

        ApiKeyDetails updated = await _keys.UpdateAsync(id, new ApiKeyUpdate { Description = "" });

        (updated.Description, updated.Version).Should().Be(("", 2L));
        (await _keys.AuditAsync(id))[0].Action.Should().Be(AuditAction.Update);
    }

    [Fact]
    public async Task The_creator_of_a_key_stays_the_same_after_changes_by_others()
    {
        string id = (await _keys.CreateAsync(New("d"))).Details.Key.Id;
        var other = new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = "bob", Address = "192.0.2.7" };
        CancellationToken cancellation = TestContext.Current.CancellationToken;

        await _keys.Manager.UpdateAsync(id, new ApiKeyUpdate { Name = "renamed" }, null, other, cancellation);
        await _keys.Manager.RotateAsync(id, 1, null, other, cancellation);
        await _keys.Manager.EndGraceAsync(id, null, other, cancellationToken: cancellation);
        await _keys.Manager.RevokeAsync(id, null, other, cancellationToken: cancellation);

        ApiKeyDetails details = await _keys.GetAsync(id);
        (details.CreatedBy, details.Description).Should().Be((ManagedKeys.Actor, "d"));
    }

    [Fact]
    public async Task A_key_from_configuration_has_neither()
    {
        _keys.Configure(TestKeys.Create(TestKeys.Restricted, "configured"));

        ApiKeyDetails details = await _keys.GetAsync("configured");

        details.CreatedBy.Should().BeNull();
        details.Description.Should().BeEmpty();
    }

    private static NewApiKey New(string? description) => new() { Name = "name", AllowedIps = [], Description = description };
}
