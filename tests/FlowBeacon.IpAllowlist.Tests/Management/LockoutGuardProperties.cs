using System.Net;
using CsCheck;
using FlowBeacon.IpAllowlist.Management;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>
/// Under any sequence of changes and uses, working traffic is cut off only by changes that accepted the risk, or by an expiry. The
/// addresses of each list come from a table here, not from the sets of the library.
/// </summary>
public sealed class LockoutGuardProperties
{
    private const int Keys = 2;

    private static readonly IPAddress[] Pool =
        [.. new[] { "192.0.2.1", "192.0.2.2", "198.51.100.9", "203.0.113.7", "2001:db8::7", "2001:db8::9" }.Select(IPAddress.Parse)];

    /// <summary>Addresses that never use a key: one outside all entries, and one in each range that is in no narrower entry.</summary>
    private static readonly IPAddress[] Unused =
        [.. new[] { "::", "192.0.2.3", "192.0.2.77", "198.51.100.1", "203.0.113.200", "2001:db8::1" }.Select(IPAddress.Parse)];

    /// <summary>All entries of lists: the text, the canonical text, and the addresses above that they contain.</summary>
    private static readonly (string Text, string Canonical, IPAddress[] Holds)[] Entries =
    [
        .. Pool.Select(address => (address.ToString(), address.ToString(), new[] { address })),
        ("192.0.2.0/30", "192.0.2.0/30", [Pool[0], Pool[1], Unused[1]]),
        ("192.0.2.0/24", "192.0.2.0/24", [Pool[0], Pool[1], Unused[1], Unused[2]]),
        ("198.51.100.0/28", "198.51.100.0/28", [Pool[2], Unused[3]]),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24", [Pool[3], Unused[4]]),
        ("2001:DB8:0::/64", "2001:db8::/64", [Pool[4], Pool[5], Unused[5]]),
    ];

    private static readonly TimeSpan[] Lifetimes =
        [TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), TimeSpan.FromHours(12), TimeSpan.FromHours(30)];

    /// <summary>How a range is written: mostly not at all, because it admits much of the pool.</summary>
    private static readonly Gen<Writing> OfRange = Gen.Frequency(
        (9, Gen.Const(Writing.None)), (1, Gen.Const(Writing.Text)), (1, Gen.Const(Writing.Object)), (1, Gen.Const(Writing.Expiring)));

    private static readonly Gen<Writing> OfAddress = Gen.Frequency(
        (6, Gen.Const(Writing.None)), (3, Gen.Const(Writing.Text)), (1, Gen.Const(Writing.Object)), (2, Gen.Const(Writing.Expiring)));

    private static readonly Gen<Writing[]> AnyList = Gen.Select(
        OfAddress.Array[Pool.Length], OfRange.Array[Entries.Length - Pool.Length],
        (addresses, ranges) => addresses.Concat(ranges).ToArray());

    /// <summary>Around the window and around the second, the resolution of the record.</summary>
    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), TimeSpan.FromHours(11),
        TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1),
        TimeSpan.FromHours(24), TimeSpan.FromHours(24) + TimeSpan.FromSeconds(1), TimeSpan.FromHours(49),
    ];

    /// <summary>What happens most often, several times.</summary>
    private static readonly Step[] Steps = [.. Enum.GetValues<Step>(), Step.Use, Step.Use, Step.Use, Step.SetList, Step.SetList];

    private static readonly Gen<Operation> AnyOperation = Gen.Select(
        Gen.Int[0, Steps.Length - 1].Select(index => Steps[index]),
        Gen.Int[0, Keys - 1], Gen.Int[0, Pool.Length], AnyList, Gen.Int[0, Lifetimes.Length - 1], Gen.Enum<AllowlistMode>(),
        Gen.Int[0, Waits.Length - 1],
        (step, key, address, list, lifetime, mode, wait) =>
            new Operation(step, key, address, list, Lifetimes[lifetime], mode, Waits[wait]));

    [Fact]
    public void No_sequence_of_edits_cuts_working_traffic_off_and_no_other_edit_is_refused() =>
        Sample(acceptsSome: false, iterations: 2_500);

    [Fact]
    public void Accepted_edits_cut_off_and_later_ones_are_refused_for_what_they_cut_off_themselves() =>
        Sample(acceptsSome: true, iterations: 1_500);

    private static void Sample(bool acceptsSome, int iterations)
    {
        int refused = 0;
        int cutOff = 0;
        int ranOut = 0;
        Gen.Select(AnyOperation.Array[1, 40], Gen.Bool.Select(isSmall => isSmall ? 2 : 64), Gen.Int[0, 3].Array[40]).Sample(
            run =>
            {
                (Operation[] operations, int mostSources, int[] accepts) = run;
                using var world = new World(mostSources);
                for (int index = 0; index < operations.Length; index++)
                {
                    world.Do(operations[index], isAccepted: acceptsSome && accepts[index] == 0);
                    world.Check();
                }

                world.CheckByRequests();
                Interlocked.Add(ref refused, world.Refused);
                Interlocked.Add(ref cutOff, world.CutOff);
                Interlocked.Add(ref ranOut, world.RanOut);
            },
            iter: iterations);

        refused.Should().BeGreaterThan(iterations / 4, "edits that are never refused would prove nothing");
        (cutOff > 0).Should().Be(acceptsSome);
        ranOut.Should().BePositive("expiries that end no use would prove nothing");
    }

    private enum Step
    {
        Use,
        SetList,
        SetMode,
        SetBoth,
        ClearList,
        Disable,
        Enable,
        Rename,
        Rotate,
        EndGrace,
        Wait,
    }

    /// <summary>How an entry is written in a list.</summary>
    private enum Writing
    {
        None,
        Text,
        Object,
        Expiring,
    }

    /// <summary>One step. An address beyond the pool is none; a list says of each entry how it is written.</summary>
    private sealed record Operation(
        Step Step, int Key, int Address, Writing[] List, TimeSpan Lifetime, AllowlistMode Mode, TimeSpan Wait)
    {
        public IPAddress? ClientIp => Address < Pool.Length ? Pool[Address] : null;

        public AllowlistItem[] AllowedIpsAt(DateTimeOffset now) =>
        [
            .. List.Index().Where(entry => entry.Item != Writing.None).Select(entry => entry.Item == Writing.Text
                ? AllowlistItem.FromString(Entries[entry.Index].Text)
                : new AllowlistItem
                {
                    Ip = Entries[entry.Index].Text,
                    ExpiresAt = entry.Item == Writing.Expiring ? now + Lifetime : null,
                }),
        ];
    }

    /// <summary>The model of a key: its list, by the canonical texts, with the expiries.</summary>
    private sealed record Expected(IReadOnlyDictionary<string, DateTimeOffset?> List, AllowlistMode Mode, bool IsDisabled)
    {
        public bool Admits(IPAddress? address, DateTimeOffset now) => !IsDisabled && AdmitsIfEnabled(address, now);

        public bool AdmitsIfEnabled(IPAddress? address, DateTimeOffset now) =>
            List.Count == 0 || Mode == AllowlistMode.ReportOnly
            || Entries.Any(entry => List.TryGetValue(entry.Canonical, out DateTimeOffset? end) && !(end <= now)
                && entry.Holds.Contains(address));

        public Expected With(ApiKeyUpdate update) => new(
            update.AllowedIps?.ToDictionary(item => Canonical(item.Ip), ExpiryOf) ?? List, update.AllowlistMode ?? Mode,
            update.Enabled is { } enabled ? !enabled : IsDisabled);

        private static string Canonical(string text) => Entries.Single(entry => entry.Text == text).Canonical;

        private DateTimeOffset? ExpiryOf(AllowlistItem item) =>
            item.KeepsNoteAndExpiry ? List.GetValueOrDefault(Canonical(item.Ip)) : item.ExpiresAt;
    }

    /// <summary>Keys behind the real middleware, and a model of them from requests and answers only.</summary>
    private sealed class World : IDisposable
    {
        private readonly FakeTimeProvider _time = new(ManagedKeys.Start);
        private readonly ServiceProvider _services;
        private readonly RequestDelegate _pipeline;
        private readonly ApiKeyManager _manager;
        private readonly IApiKeyTraffic _traffic;
        private readonly KeyInUse[] _keys;
        private readonly int _mostSources;
        private int _names;

        public World(int mostSources)
        {
            _mostSources = mostSources;
            var services = new ServiceCollection();
            services.AddSingleton<TimeProvider>(_time);
            services.AddFlowBeaconIpAllowlist(options =>
            {
                options.MaxSourcesPerKey = mostSources;
                options.AllowCidrRanges = true;
            }).AddKeyManagement();
            _services = services.BuildServiceProvider();
            IApplicationBuilder app = new ApplicationBuilder(_services).UseFlowBeaconIpAllowlist();
            app.Run(_ => Task.CompletedTask);
            _pipeline = app.Build();
            _manager = _services.GetRequiredService<ApiKeyManager>();
            _traffic = _services.GetRequiredService<IApiKeyTraffic>();
            _keys = [.. Enumerable.Range(0, Keys).Select(number =>
            {
                IssuedApiKey issued = Result(
                    _manager.CreateAsync(new NewApiKey { Name = $"key {number}", AllowedIps = [] }, ManagedKeys.Actor));
                return new KeyInUse(issued.Details.Key.Id, issued.RawKey);
            })];
        }

        public int Refused { get; private set; }

        public int CutOff { get; private set; }

        /// <summary>How many addresses in use were no longer admitted because of an expiry.</summary>
        public int RanOut { get; private set; }

        public void Do(Operation operation, bool isAccepted)
        {
            KeyInUse key = _keys[operation.Key];
            switch (operation.Step)
            {
                case Step.Use:
                    Use(key, key.RawKey, operation.ClientIp);
                    break;
                case Step.SetList:
                    Edit(key, new ApiKeyUpdate { AllowedIps = operation.AllowedIpsAt(Now) }, isAccepted);
                    break;
                case Step.SetMode:
                    Edit(key, new ApiKeyUpdate { AllowlistMode = operation.Mode }, isAccepted);
                    break;
                case Step.SetBoth:
                    Edit(
                        key, new ApiKeyUpdate { AllowedIps = operation.AllowedIpsAt(Now), AllowlistMode = operation.Mode }, isAccepted);
                    break;
                case Step.ClearList:
                    Edit(key, new ApiKeyUpdate { AllowedIps = [] }, isAccepted);
                    break;
                case Step.Disable:
                    Edit(key, new ApiKeyUpdate { Enabled = false }, isAccepted);
                    break;
                case Step.Enable:
                    Edit(key, new ApiKeyUpdate { Enabled = true }, isAccepted);
                    break;
                case Step.Rename:
                    Edit(key, new ApiKeyUpdate { Name = $"name {_names++}" }, isAccepted);
                    break;
                case Step.Rotate:
                    Rotate(key);
                    break;
                case Step.EndGrace:
                    EndGrace(key);
                    break;
                default:
                    Wait(operation.Wait);
                    break;
            }
        }

        /// <summary>
        /// Working traffic is admitted, except where the risk was accepted or an entry expired; lists are as written, and the record
        /// contains the traffic.
        /// </summary>
        public void Check()
        {
            foreach (KeyInUse key in _keys)
            {
                key.CutOffKnowingly.RemoveWhere(address => Admits(key, address));
                InUse(key).Where(address => !Admits(key, address) && !key.CutOffKnowingly.Contains(address)).Should().BeEmpty();
                Lines(Get(key).AllowedIps.Entries.Select(entry => $"{entry.Text} {entry.ExpiresAt:O}"))
                    .Should().Be(Lines(key.Expected.List.Select(entry => $"{entry.Key} {entry.Value:O}")));
                if (_mostSources >= Pool.Length)
                {
                    Lines(_traffic.ReadSources(key.Id).Sources.Select(source => $"{source.ClientIp} {source.LastSeen:u}"))
                        .Should().Be(Lines(key.LastSeen.Select(seen => $"{seen.Key} {seen.Value:u}")));
                }
            }
        }

        /// <summary>The same with the middleware. Only at the end, because a request is a use.</summary>
        public void CheckByRequests()
        {
            foreach (KeyInUse key in _keys)
            {
                foreach (IPAddress address in InUse(key))
                {
                    Use(key, key.RawKey, address).Should().Be(
                        key.Expected.IsDisabled ? 401 : key.CutOffKnowingly.Contains(address) ? 403 : 200, $"of {address}");
                }
            }
        }

        public void Dispose() => _services.Dispose();

        /// <summary>Keys in memory answer at once.</summary>
        private static T Result<T>(Task<T> task) => task.GetAwaiter().GetResult();

        private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines.Order(StringComparer.Ordinal));

        private DateTimeOffset Now => _time.GetUtcNow();

        private bool Admits(KeyInUse key, IPAddress? address) => key.Expected.Admits(address, Now);

        private ApiKey Get(KeyInUse key) => Result(_manager.GetAsync(key.Id)).Key;

        private DateTimeOffset WindowStart => Second(_time.GetUtcNow().AddHours(-24));

        /// <summary>The addresses that used the key within 24 hours, by the second, whether the record still holds them or not.</summary>
        private IPAddress[] InUse(KeyInUse key) => [.. key.LastSeen.Where(seen => seen.Value >= WindowStart).Select(seen => seen.Key)];

        /// <summary>The same, and null if the key was used without an address.</summary>
        private IEnumerable<IPAddress?> InUseWithoutAddressToo(KeyInUse key) =>
            key.LastSeenWithoutAddress >= WindowStart ? InUse(key).Append(null) : InUse(key);

        /// <summary>Of those, the ones that the record holds; a use without an address always is.</summary>
        private IPAddress?[] Remembered(KeyInUse key)
        {
            var held = _traffic.ReadSources(key.Id).Sources.Select(source => IPAddress.Parse(source.ClientIp!)).ToHashSet();
            return [.. InUseWithoutAddressToo(key).Where(address => address is null || held.Contains(address))];
        }

        /// <summary>
        /// Whether an edit cuts an address off: a key that works is disabled, or its list no longer has the address. What a list of a
        /// disabled key loses counts as well, because it would be cut off when the key is enabled.
        /// </summary>
        private static bool IsCutOff(Expected before, Expected after, IPAddress? address, DateTimeOffset now) =>
            before.AdmitsIfEnabled(address, now)
            && (!after.AdmitsIfEnabled(address, now) || (!before.IsDisabled && after.IsDisabled));

        /// <summary>
        /// Whether any address, even an unused one, that is admitted before the edit, now or later, would not be admitted after it.
        /// </summary>
        private bool CanDenyMore(Expected before, Expected after)
        {
            IEnumerable<DateTimeOffset> ends =
                before.List.Values.Concat(after.List.Values).OfType<DateTimeOffset>().Where(end => end > Now);
            return (!before.IsDisabled && after.IsDisabled)
                || ends.Append(Now).Any(time => Pool.Concat(Unused).Append(null).Any(address => IsCutOff(before, after, address, time)));
        }

        private int Use(KeyInUse key, string rawKey, IPAddress? from)
        {
            var context = new DefaultHttpContext { RequestServices = _services };
            context.Connection.RemoteIpAddress = IPAddress.Loopback;
            context.Request.Method = "GET";
            context.Request.Headers.Authorization = $"Bearer {rawKey}";
            context.Request.Headers["X-Forwarded-For"] = from?.ToString() ?? "unknown";
            _pipeline(context).GetAwaiter().GetResult();

            int status = context.Response.StatusCode;
            bool isAdmitted = Admits(key, from);
            status.Should().Be(isAdmitted ? 200 : key.Expected.IsDisabled ? 401 : 403);
            if (isAdmitted && from is not null)
            {
                key.LastSeen[from] = Second(_time.GetUtcNow());
            }
            else if (isAdmitted)
            {
                key.LastSeenWithoutAddress = Second(_time.GetUtcNow());
            }

            return status;
        }

        private void Edit(KeyInUse key, ApiKeyUpdate update, bool isAccepted)
        {
            ApiKey stored = Get(key);
            Expected before = key.Expected;
            Expected wanted = before.With(update);
            IPAddress?[] cutOff = [.. InUseWithoutAddressToo(key).Where(address => IsCutOff(before, wanted, address, Now))];
            IPAddress?[] listed = [.. Remembered(key).Where(address => IsCutOff(before, wanted, address, Now))];
            bool isListIncomplete = _traffic.ReadSources(key.Id).EvictedUntil >= WindowStart && CanDenyMore(before, wanted);
            try
            {
                Result(_manager.UpdateAsync(key.Id, update with { AcceptLockoutRisk = isAccepted }, null, ManagedKeys.Actor));
                (isAccepted ? [] : cutOff).Should().BeEmpty("an edit that cuts off is refused");
                (isListIncomplete && !isAccepted).Should().BeFalse("an edit that may cut off is refused");
                key.Expected = wanted;
                key.CutOffKnowingly.UnionWith(cutOff.OfType<IPAddress>());
                CutOff += cutOff.Length;
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.LockoutRisk)
            {
                isAccepted.Should().BeFalse();
                Lines(refusal.LockoutRisk!.Sources.Select(source => source.ClientIp ?? "none"))
                    .Should().Be(Lines(listed.Select(address => address?.ToString() ?? "none")));
                refusal.LockoutRisk.AreOlderEvicted.Should().Be(isListIncomplete);
                (listed.Length > 0 || isListIncomplete).Should().BeTrue("an edit that cannot cut off is not refused");
                Get(key).Should().BeSameAs(stored);
                Refused++;
            }
        }

        private void Rotate(KeyInUse key)
        {
            try
            {
                key.RawKey = Result(_manager.RotateAsync(key.Id, 24, null, ManagedKeys.Actor)).RawKey;
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.Conflict)
            {
                // In the grace period of an earlier rotation, or disabled.
            }
        }

        private void EndGrace(KeyInUse key)
        {
            try
            {
                Result(_manager.EndGraceAsync(key.Id, null, ManagedKeys.Actor, acceptLockoutRisk: true));
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.Conflict)
            {
                // There is none.
            }
        }

        /// <summary>Jumps over the hours and ticks through the last seconds: a tick for each second of a day would take too long.</summary>
        private void Wait(TimeSpan time)
        {
            (KeyInUse Key, IPAddress[] Admitted)[] before =
                [.. _keys.Select(key => (key, InUse(key).Where(address => Admits(key, address)).ToArray()))];
            TimeSpan ticking = TimeSpan.FromSeconds(1) + TimeSpan.FromTicks(time.Ticks % TimeSpan.TicksPerSecond);
            if (time > ticking)
            {
                _time.AdjustTime(_time.GetUtcNow() + time - ticking);
                time = ticking;
            }

            _time.Advance(time);
            foreach ((KeyInUse key, IPAddress[] admitted) in before)
            {
                IPAddress[] ranOut = [.. admitted.Where(address => !Admits(key, address))];
                key.CutOffKnowingly.UnionWith(ranOut);
                RanOut += ranOut.Length;
            }
        }

        private static DateTimeOffset Second(DateTimeOffset instant) => DateTimeOffset.FromUnixTimeSeconds(instant.ToUnixTimeSeconds());
    }

    private sealed class KeyInUse(string id, string rawKey)
    {
        public string Id => id;

        public string RawKey { get; set; } = rawKey;

        public Dictionary<IPAddress, DateTimeOffset> LastSeen { get; } = [];

        public DateTimeOffset? LastSeenWithoutAddress { get; set; }

        public Expected Expected { get; set; } = new(new Dictionary<string, DateTimeOffset?>(), AllowlistMode.Enforce, IsDisabled: false);

        /// <summary>Addresses that an accepted edit or an expiry cut off and no later edit admitted again.</summary>
        public HashSet<IPAddress> CutOffKnowingly { get; } = [];
    }
}
