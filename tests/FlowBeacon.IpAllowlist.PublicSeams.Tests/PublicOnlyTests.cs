using System.Reflection;
using System.Runtime.CompilerServices;

namespace FlowBeacon.IpAllowlist.PublicSeams.Tests;

/// <summary>This project uses only the public API: it has no access to internals.</summary>
public sealed class PublicOnlyTests
{
    private const string ThisProject = "FlowBeacon.IpAllowlist.PublicSeams.Tests";

    private static readonly Assembly Library = typeof(ApiKey).Assembly;

    public static TheoryData<string[], bool> Planted => new()
    {
        { [ThisProject], true },
        { ["Another", $"{ThisProject}, PublicKey=0024"], true },
        { ["flowbeacon.ipallowlist.publicseams.tests"], true },
        { [], false },
        { ["FlowBeacon.IpAllowlist", "FlowBeacon.IpAllowlist.Tests", $"{ThisProject}.Other"], false },
    };

    [Fact]
    public void Neither_the_library_nor_the_test_support_shows_its_internals_to_this_project()
    {
        typeof(PublicOnlyTests).Assembly.GetName().Name.Should().Be(ThisProject);
        IsFriend(FriendsOf(Library), ThisProject).Should().BeFalse();
        IsFriend(FriendsOf(typeof(ApiKeyRepositoryContract).Assembly), ThisProject).Should().BeFalse();
    }

    [Fact]
    public void The_library_shows_them_to_another_test_project() =>
        IsFriend(FriendsOf(Library), "FlowBeacon.IpAllowlist.UnitTests").Should().BeTrue();

    [Theory]
    [MemberData(nameof(Planted))]
    public void A_planted_friend_is_found(string[] friends, bool isFound) => IsFriend(friends, ThisProject).Should().Be(isFound);

    private static IEnumerable<string> FriendsOf(Assembly assembly) =>
        assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName);

    private static bool IsFriend(IEnumerable<string> friends, string assembly) =>
        friends.Any(friend => string.Equals(new AssemblyName(friend).Name, assembly, StringComparison.OrdinalIgnoreCase));
}
