using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.UnitTests.Management;

/// <summary>Updates are recorded field by field, and text of a caller cannot be taken for another part of the record.</summary>
public sealed class AuditChangeTests
{
    private readonly ManagedKeys _keys = new();

    /// <summary>A change of a key, and its record.</summary>
    public static TheoryData<string, ApiKeyUpdate, string> Changes => new()
    {
        { "name", new ApiKeyUpdate { Name = "other" }, "name: make-grid > other" },
        { "description", new ApiKeyUpdate { Description = "new" }, "description: old > new" },
        { "no description", new ApiKeyUpdate { Description = "" }, "description: old > none" },
        { "scopes", new ApiKeyUpdate { Scopes = ["admin", "governance:read"] }, "scopes: admin > governance:read admin" },
        { "no scopes", new ApiKeyUpdate { Scopes = [] }, "scopes: admin > none" },
        {
            "expiry", new ApiKeyUpdate { ExpiresAt = new DateTimeOffset(2027, 6, 1, 2, 0, 0, 500, TimeSpan.FromHours(2)) },
            "expires_at: 2027-03-01T00:00:00Z > 2027-06-01T00:00:00.5Z"
        },
        { "no expiry", new ApiKeyUpdate { RemoveExpiry = true }, "expires_at: 2027-03-01T00:00:00Z > none" },
        { "mode", new ApiKeyUpdate { AllowlistMode = AllowlistMode.ReportOnly }, "allowlist_mode: enforce > report_only" },
        { "disabled", new ApiKeyUpdate { Enabled = false }, "enabled: true > false" },
        { "list", new ApiKeyUpdate { AllowedIps = ["192.0.2.1"] }, "" },
        {
            "several", new ApiKeyUpdate { Name = "other", AllowedIps = [], Enabled = false, Description = "old" },
            "name: make-grid > other, enabled: true > false"
        },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task An_update_is_on_record_with_the_fields_it_changed(string change, ApiKeyUpdate update, string recorded)
    {
        string id = await CreateAsync("make-grid");

        await _keys.UpdateAsync(id, update);

        AuditEntry entry = (await _keys.AuditAsync(id))[0];
        string.Join(", ", entry.Changes.Select(one => $"{one.Field}: {one.Old ?? "none"} > {one.New ?? "none"}"))
            .Should().Be(recorded, change);
        entry.Detail.Should().BeNull();
    }

    [Fact]
    public async Task A_name_that_reads_like_a_record_stays_a_name()
    {
        const string Forged = "x; lockout risk accepted for 192.0.2.1; scopes were [admin]";
        string id = await CreateAsync(Forged);

        await _keys.UpdateAsync(id, new ApiKeyUpdate { Name = "other", Description = Forged });

        AuditEntry entry = (await _keys.AuditAsync(id))[0];
        entry.Detail.Should().BeNull();
        entry.Changes.Should().Equal(
            new AuditChange { Field = "name", Old = Forged, New = "other" },
            new AuditChange { Field = "description", Old = "old", New = Forged });
    }

    private async Task<string> CreateAsync(string name) => (await _keys.CreateAsync(new NewApiKey
    {
        Name = name,
        Description = "old",
        AllowedIps = ["203.0.113.7"],
        Scopes = ["admin"],
        ExpiresAt = new DateTimeOffset(2027, 3, 1, 0, 0, 0, TimeSpan.Zero),
    })).Details.Key.Id;
}
