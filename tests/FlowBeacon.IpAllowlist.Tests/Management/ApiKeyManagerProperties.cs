using CsCheck;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management;

/// <summary>Invariants of keys under any sequence of concurrent operations.</summary>
public sealed class ApiKeyManagerProperties
{
    private const int Writers = 16;

    private static readonly string[] Names = ["one", "ONE", "two", "Two", "three"];

    private static readonly Gen<Operation> AnyOperation = Gen.Select(
        Gen.Enum<Step>(), Gen.Int[0, 5], Gen.Int[0, Names.Length - 1], Gen.Int[1, 30], Gen.Int[0, 2], (step, key, name, hours, version) =>
            new Operation(step, key, name, hours, version switch { 0 => null, 1 => 0, _ => -1 }));

    [Fact]
    public void Any_sequence_of_operations_keeps_the_invariants() =>
        AnyOperation.Array[1, 40].Sample(
            operations =>
            {
                var world = new World();
                foreach (Operation operation in operations)
                {
                    world.Do(operation);
                    world.Check();
                }
            },
            iter: 1_000);

    [Fact]
    public void Any_interleaving_of_operations_by_many_keeps_the_invariants() =>
        AnyOperation.Array[1, 12].Array[4].Sample(
            people =>
            {
                var world = new World();
                Thread[] threads = [.. people.Select(operations => new Thread(() => Array.ForEach(operations, world.Do)))];
                Array.ForEach(threads, thread => thread.Start());
                Array.ForEach(threads, thread => thread.Join());
                world.Check();
            },
            iter: 500,
            threads: 2);

    [Fact]
    public async Task Sixteen_writers_that_name_the_version_they_read_lose_no_update()
    {
        const int Each = 20;
        var keys = new ManagedKeys();
        string id = (await keys.CreateAsync("name", "192.0.2.1")).Details.Key.Id;
        int stale = 0;

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (int number = 0; number < Each;)
            {
                ApiKeyDetails read = await keys.GetAsync(id);
                await Task.Yield();
                string[] list = [.. read.Key.AllowedIps.ToCanonicalStrings(), $"2001:db8:{writer:x}::{number:x}"];
                try
                {
                    await keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [.. list] }, read.Version);
                    number++;
                }
                catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.StaleVersion)
                {
                    Interlocked.Increment(ref stale);
                }
            }
        })));

        ApiKeyDetails last = await keys.GetAsync(id);
        last.Key.AllowedIps.Count.Should().Be(1 + (Writers * Each));
        last.Version.Should().Be(1 + (Writers * Each));
        (await keys.AuditAsync(id)).Should().HaveCount(1 + (Writers * Each));
        stale.Should().BeGreaterThan(0, "writers that never met would prove nothing");
    }

    [Fact]
    public async Task Sixteen_concurrent_changes_without_a_version_all_succeed()
    {
        const int Each = 200;
        var keys = new ManagedKeys();
        string id = (await keys.CreateAsync("name")).Details.Key.Id;

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (int number = 0; number < Each; number++)
            {
                await keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [$"2001:db8:{writer:x}::{number:x}"] });
            }
        })));

        (await keys.GetAsync(id)).Version.Should().Be(1 + (Writers * Each));
        (await keys.AuditAsync(id)).Should().HaveCount(1 + (Writers * Each));
    }

    [Fact]
    public async Task Of_sixteen_concurrent_rotations_one_succeeds()
    {
        var keys = new ManagedKeys();
        IssuedApiKey old = await keys.CreateAsync("name");
        string[] issued = await OnlyTheFirstAsync(async () => (await keys.RotateAsync(old.Details.Key.Id)).RawKey);

        issued.Should().ContainSingle();
        keys.Accepts(issued[0]).Should().BeTrue("whoever was given a secret has one that works");
        keys.Accepts(old.RawKey).Should().BeTrue();
    }

    [Fact]
    public async Task Of_sixteen_concurrent_creations_with_one_name_one_succeeds()
    {
        var keys = new ManagedKeys();
        string[] issued = await OnlyTheFirstAsync(async () => (await keys.CreateAsync("name")).RawKey);

        issued.Should().ContainSingle();
        keys.Accepts(issued[0]).Should().BeTrue();
        keys.Store.Count.Should().Be(1);
    }

    [Fact]
    public async Task Sixteen_concurrent_revocations_are_one()
    {
        var keys = new ManagedKeys();
        string id = (await keys.CreateAsync("name")).Details.Key.Id;

        ApiKeyDetails[] answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(() => keys.RevokeAsync(id))));

        answers.Should().OnlyContain(details => details.Key.IsRevoked && details.Version == 2);
        (await keys.AuditAsync(id)).Count(entry => entry.Action == AuditAction.Revoke).Should().Be(1);
    }

    private static async Task<string[]> OnlyTheFirstAsync(Func<Task<string>> operation)
    {
        string?[] results = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            try
            {
                return await operation();
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault == ApiKeyManagementFault.Conflict)
            {
                return null;
            }
        })));
        return [.. results.OfType<string>()];
    }

    private enum Step
    {
        Create,
        CreateExpiring,
        Rename,
        EditList,
        Expire,
        RemoveExpiry,
        Rotate,
        EndGrace,
        Disable,
        Enable,
        Revoke,
        Wait,
    }

    /// <summary>One step; the version is left out (null), the current one (0) or a stale one (-1).</summary>
    private sealed record Operation(Step Step, int Key, int Name, int Hours, long? VersionOffset);

    /// <summary>Keys, every raw key ever issued for them, and which were seen revoked.</summary>
    private sealed class World
    {
        private readonly ManagedKeys _keys = new();
        private readonly Lock _lock = new();
        private readonly List<string> _ids = [];
        private readonly List<(string Id, string RawKey)> _issued = [];
        private readonly HashSet<string> _revoked = [];
        private int _accepted;

        public void Do(Operation operation)
        {
            try
            {
                Try(operation);
            }
            catch (ApiKeyManagementException refusal) when (refusal.Fault
                is ApiKeyManagementFault.Conflict or ApiKeyManagementFault.StaleVersion or ApiKeyManagementFault.AuditUnavailable)
            {
                // Refused, the last because somebody let hours pass meanwhile: the invariants say that nothing came of it.
            }
        }

        public void Check()
        {
            IReadOnlyList<ApiKeyDetails> all = Result(_keys.ListAsync());
            ApiKeyHash[] hashes = [.. all.SelectMany(details => SecretsOf(details.Key))];
            hashes.Should().OnlyHaveUniqueItems();
            all.Where(details => !details.Key.IsRevoked).Select(details => details.Key.Name.ToUpperInvariant())
                .Should().OnlyHaveUniqueItems();

            _keys.Store.Count.Should().Be(all.Count);
            foreach (ApiKeyDetails details in all)
            {
                SecretsOf(details.Key).Should().OnlyContain(
                    hash => ReferenceEquals(_keys.Store.Find(hash), details.Key), "the store equals the repository");
                (details.Key.Retiring is null || details.Key.Retiring.Hash != details.Key.Hash).Should().BeTrue();
                details.Key.IsRevoked.Should().Be(
                    _revoked.Contains(details.Key.Id), "a revoked key never comes back, and no other is revoked");
                (details.RevokedAt is not null).Should().Be(details.Key.IsRevoked);
            }

            foreach (IGrouping<string, (string Id, string RawKey)> issued in _issued.GroupBy(one => one.Id))
            {
                string[] found = [.. issued.Select(one => one.RawKey).Where(raw => _keys.Find(raw) is not null)];
                found.Length.Should().BeInRange(1, 2, "a key has one secret, or two");
                found.Should().OnlyContain(raw => _keys.Find(raw)!.Id == issued.Key);
                bool isOff = _revoked.Contains(issued.Key) || all.Single(details => details.Key.Id == issued.Key).Key.IsDisabled;
                issued.Count(one => _keys.Accepts(one.RawKey)).Should().BeLessThanOrEqualTo(isOff ? 0 : 2);
            }

            long changes = all.Sum(details => details.Version);
            changes.Should().BeLessThanOrEqualTo(_accepted, "every accepted change counts at most once, and a refused one never");
            Result(_keys.AuditAsync()).Should().HaveCount((int)changes, "what was changed is on record, and nothing else");
        }

        private static IEnumerable<ApiKeyHash> SecretsOf(ApiKey key) => key.Retiring is null ? [key.Hash] : [key.Hash, key.Retiring.Hash];

        /// <summary>Keys in memory answer at once.</summary>
        private static T Result<T>(Task<T> task) => task.GetAwaiter().GetResult();

        private void Try(Operation operation)
        {
            switch (operation.Step)
            {
                case Step.Wait:
                    _keys.Time.Advance(TimeSpan.FromHours(operation.Hours));
                    return;
                case Step.Create or Step.CreateExpiring:
                    Create(operation);
                    return;
            }

            string? id;
            lock (_lock)
            {
                id = _ids.Count == 0 ? null : _ids[operation.Key % _ids.Count];
            }

            if (id is null)
            {
                return;
            }

            long? version = Result(_keys.GetAsync(id)).Version + operation.VersionOffset;
            switch (operation.Step)
            {
                case Step.Rename:
                    Result(_keys.UpdateAsync(id, new ApiKeyUpdate { Name = Names[operation.Name] }, version));
                    break;
                case Step.EditList:
                    Result(_keys.UpdateAsync(id, new ApiKeyUpdate { AllowedIps = [$"192.0.2.{operation.Hours}"] }, version));
                    break;
                case Step.Expire:
                    // In the future, unless time advances meanwhile.
                    ExpireOrBeRefused(id, operation.Hours, version);
                    return;
                case Step.RemoveExpiry:
                    Result(_keys.UpdateAsync(id, new ApiKeyUpdate { RemoveExpiry = true }, version));
                    break;
                case Step.Rotate:
                    Issued(Result(_keys.RotateAsync(id, operation.Hours, version)));
                    return;
                case Step.EndGrace:
                    Result(_keys.EndGraceAsync(id, version, acceptLockoutRisk: true));
                    break;
                case Step.Disable or Step.Enable:
                    Result(_keys.UpdateAsync(id, new ApiKeyUpdate { Enabled = operation.Step == Step.Enable }, version));
                    break;
                case Step.Revoke:
                    Result(_keys.RevokeAsync(id, version));
                    lock (_lock)
                    {
                        // A second revocation writes nothing.
                        _accepted += _revoked.Add(id) ? 1 : 0;
                    }

                    return;
            }

            Interlocked.Increment(ref _accepted);
        }

        private void ExpireOrBeRefused(string id, int hours, long? version)
        {
            try
            {
                Result(_keys.UpdateAsync(id, new ApiKeyUpdate { ExpiresAt = _keys.Now.AddHours(hours) }, version));
                Interlocked.Increment(ref _accepted);
            }
            catch (ApiKeyManagementException refusal) when (refusal.Errors.ContainsKey(nameof(NewApiKey.ExpiresAt)))
            {
                // It is in the past, because time advanced.
            }
        }

        private void Create(Operation operation)
        {
            try
            {
                Issued(Result(_keys.CreateAsync(new NewApiKey
                {
                    AllowedIps = [],
                    Name = Names[operation.Name],
                    ExpiresAt = operation.Step == Step.CreateExpiring ? _keys.Now.AddHours(operation.Hours) : null,
                })));
            }
            catch (ApiKeyManagementException refusal) when (refusal.Errors.ContainsKey(nameof(NewApiKey.ExpiresAt)))
            {
                // It is in the past, because time advanced.
            }
        }

        private void Issued(IssuedApiKey issued)
        {
            lock (_lock)
            {
                _accepted++;
                _issued.Add((issued.Details.Key.Id, issued.RawKey));
                if (!_ids.Contains(issued.Details.Key.Id))
                {
                    _ids.Add(issued.Details.Key.Id);
                }
            }
        }
    }
}
