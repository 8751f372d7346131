using System.Collections;
using System.Diagnostics;
using System.Net;
using System.Reflection;
using FlowBeacon.IpAllowlist.Management;
using FlowBeacon.IpAllowlist.Tests.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>
/// After everything that can happen to a key, its raw text and its hash stand nowhere but in the two answers that give it out.
/// </summary>
public sealed class SecretScanTests
{
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const string Listed = "203.0.113.7";
    private const string NotListed = "198.51.100.9";

    [Fact]
    public async Task No_raw_key_and_no_hash_is_in_logs_metrics_audit_answers_or_texts_of_public_objects()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        using var metrics = new MetricRecorder(host.App.Services);
        var answers = new List<Answer>();

        Answer created = await host.SendAsync(Administrator, "POST", Keys,
            $$"""{"name":"make-grid","allowed_ips":["{{Listed}}"],"scopes":["governance:read"]}""");
        string target = $"{Keys}/{created.Text("id")}";
        await UseAsync(created.Text("key"));
        await SendAsync(
            Administrator, "PATCH", target, $$"""{"allowed_ips":["{{Listed}}","2001:db8::7"],"name":"make-grid-2"}""", "If-Match: \"1\"");
        await SendAsync(Administrator, "PATCH", target, """{"name":"x"}""", "If-Match: \"1\"");
        Answer rotated = await host.SendAsync(Administrator, "POST", $"{target}/rotate");
        await UseAsync(created.Text("key"));
        await UseAsync(rotated.Text("key"));
        await UseAsync(TestKeys.Unknown);
        await UseAsync(rotated.Text("key")[..^1]);
        await SendAsync(Administrator, "POST", $"{target}/rotate");
        await SendAsync(Administrator, "POST", Keys, """{"name":"make-grid-2","allowed_ips":[]}""");
        await SendAsync(
            Administrator, "POST", Keys,
            $$"""{"name":"b","allowed_ips":["{{created.Text("key")}}"],"scopes":["{{rotated.Text("key")}}"]}""");
        await SendAsync(Administrator, "POST", Keys, """{"name":"b","name":"c"}""");
        await SendAsync(Administrator, "GET", target);
        await SendAsync(Administrator, "GET", Keys);
        await SendAsync(KeyApiHost.Member, "DELETE", target);
        await SendAsync(null, "DELETE", target, null, KeyApiHost.Bearer(created.Text("key")), $"X-Forwarded-For: {Listed}");
        await SendAsync(Administrator, "POST", $"{target}/end-grace");
        answers[^1].ShouldBeProblem(409, "Lockout risk");
        await SendAsync(Administrator, "POST", $"{target}/end-grace", """{"accept_lockout_risk":true}""");
        await UseAsync(created.Text("key"));

        Answer glass = await host.SendAsync(Administrator, "POST", Keys, """{"name":"break-glass","break_glass":true}""");
        await UseAsync(glass.Text("key"));
        foreach (KeyOperation operation in KeyOperation.All)
        {
            await SendAsync(
                null, operation.Method, operation.Target(created.Text("id")), operation.Body, KeyApiHost.Bearer(glass.Text("key")));
        }

        string ended = created.Text("key");
        string working = rotated.Text("key");
        foreach (string shown in new[] { $"\"{ended}\"", $"[\"{working}\"]", $"{{\"{working}\":1}}", $"\"{working}\"" })
        {
            await SendAsync(
                null, "POST", $"{target}/recover", $$"""{"key":{{shown}}}""",
                KeyApiHost.Bearer(glass.Text("key")), $"X-Forwarded-For: {NotListed}");
        }

        answers[^1].Status.Should().Be(200, "the last one showed the key");
        await SendAsync(Administrator, "PATCH", target, """{"allowed_ips":["2001:db8::7"]}""");
        answers[^1].ShouldBeProblem(409, "Lockout risk");
        await SendAsync(Administrator, "DELETE", target);
        await SendAsync(Administrator, "PATCH", target, """{"name":"y"}""");
        await UseAsync(rotated.Text("key"));
        host.Time.Advance(TimeSpan.FromMinutes(2));
        await SendAsync(Administrator, "GET", $"{Keys}/audit?limit=200");
        metrics.ReadGauges();

        string[] rawKeys = [created.Text("key"), rotated.Text("key"), glass.Text("key"), TestKeys.Unknown];
        Secret[] secrets = [.. rawKeys.SelectMany(Secret.Of)];
        string[] actions = ["create", "update", "rotate", "end_grace", "revoke", "refused", "break_glass_use", "recover"];
        Answer audit = answers[^1];
        actions.Should().OnlyContain(
            action => audit.Body.Contains($"\"action\":\"{action}\"", StringComparison.Ordinal), "the scenario has everything in it");
        host.App.Logs.OfLibrary.Should().Contain(entry => entry.Id.Name == "Denied")
            .And.Contain(entry => entry.Id.Name == "BreakGlassKeyUsed");
        metrics.Tags.Should().NotBeEmpty();

        Scan("log", host.App.Logs.Entries.Select(entry => $"{entry.Message} {entry.Exception}"));
        Scan("metrics", metrics.Tags);
        Scan("audit", (await host.AuditAsync()).Select(
            entry => $"{entry} {string.Join(' ', entry.OldAllowedIps ?? [])} {string.Join(' ', entry.Changes)} {entry.Detail}"));
        Scan("answer", answers.Select(answer => $"{answer.Headers} {answer.Body}"));

        // The two answers that give a secret out hold their own and nothing else.
        foreach (Answer issuing in new[] { created, rotated, glass })
        {
            Scan("headers", [issuing.Headers.ToString()]);
            Scan("issuing answer", [issuing.Body.Replace(issuing.Text("key"), "", StringComparison.Ordinal)]);
        }

        void Scan(string place, IEnumerable<string> texts)
        {
            foreach (string text in texts)
            {
                secrets.Should().NotContain(secret => text.Contains(secret.Text, StringComparison.OrdinalIgnoreCase), $"{place}: {text}");
            }
        }

        async Task UseAsync(string rawKey)
        {
            foreach (string address in new[] { Listed, NotListed })
            {
                await SendAsync(null, "GET", "/report", null, KeyApiHost.Bearer(rawKey), $"X-Forwarded-For: {address}");
            }
        }

        async Task SendAsync(string? person, string method, string path, string? body = null, params string[] headerLines) =>
            answers.Add(await host.SendAsync(person, method, path, body, headerLines));
    }

    /// <summary>Only the library's own log is looked at: the framework logs each path as it came.</summary>
    [Fact]
    public async Task A_raw_key_sent_as_a_path_an_address_or_a_filter_is_not_repeated_beyond_its_prefix()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey restricted = await host.CreateAsync("restricted", Listed);
        IssuedApiKey open = await host.CreateAsync("open");
        string rawKey = restricted.RawKey;
        string target = $"{Keys}/{restricted.Details.Key.Id}";
        foreach (string forwardedFor in new[] { rawKey, NotListed, $"{rawKey}, {Listed}" })
        {
            (await host.SendAsync(
                null, "GET", $"/{rawKey}/{rawKey}?{rawKey}", null, KeyApiHost.Bearer(rawKey), $"X-Forwarded-For: {forwardedFor}"))
                .ShouldBeProblem(403, "IP address not allowed").Body.Should().NotContain(rawKey[..13]);
        }

        (await host.UseAsync(open.RawKey, rawKey)).Should().Be(200, "its list is empty");

        var answers = new List<Answer>();
        foreach ((string method, string path, string? body) in new (string, string, string?)[]
        {
            ("GET", $"{Keys}/denials", null),
            ("GET", $"{Keys}/denials?key_id={rawKey}", null),
            ("GET", $"{Keys}/denials?address={rawKey}", null),
            ("GET", $"{Keys}/denials?since={rawKey}", null),
            ("GET", $"{Keys}/denials?limit={rawKey}", null),
            ("GET", $"{target}/denials", null),
            ("GET", $"{Keys}/{rawKey}/denials", null),
            ("GET", $"{Keys}/{open.Details.Key.Id}/sources", null),
            ("GET", $"{Keys}/{rawKey}/sources", null),
            ("GET", $"{Keys}/{open.Details.Key.Id}/suggestion", null),
            ("GET", $"{target}/suggestion?window_hours={rawKey}", null),
            ("POST", $"{target}/try", $$"""{"ip":"{{rawKey}}"}"""),
            ("POST", $"{target}/try", $$"""{"peer":"{{rawKey}}"}"""),
            ("POST", $"{target}/try", $$"""{"x_forwarded_for":"{{rawKey}}"}"""),
            ("POST", $"{target}/try", $$"""{"x_forwarded_for":["{{rawKey}}","{{Listed}}"],"peer":"{{Listed}}"}"""),
            ("POST", $"{target}/try", $$"""{"{{rawKey}}":"{{Listed}}"}"""),
            ("POST", $"{target}/recover", $$"""{"ip":"{{rawKey}}"}"""),
            ("POST", $"{target}/recover", $$"""{"{{rawKey}}":"{{rawKey}}"}"""),
            ("POST", $"{target}/recover", $$"""{"key":["{{rawKey}}"]}"""),
            ("POST", $"{target}/recover", $$"""{"key":{"{{rawKey}}":"{{rawKey}}"} }"""),
            ("POST", $"{target}/recover", $$"""{"key":"{{rawKey}}","key":"{{rawKey}}"}"""),
            ("POST", $"{target}/recover", $$"""{"key":"{{rawKey}}"""),
            ("POST", $"{target}/recover", $$"""{"key":"{{open.RawKey}}"}"""),
            ("POST", $"{target}/recover", $$"""{"key":"{{rawKey}}"}"""),
            ("PATCH", target, $$"""{"allowlist_mode":"{{rawKey}}","accept_lockout_risk":"{{rawKey}}"}"""),
        })
        {
            answers.Add(await host.SendAsync(Administrator, method, path, body));
        }

        string prefix = rawKey[..12];
        answers[0].Json.GetProperty("denials").EnumerateArray().Select(denial => denial.GetProperty("last_path").GetString())
            .Should().Equal($"/{prefix}.../fb_liv...", $"/{prefix}.../fb_liv...");
        string[] texts =
        [
            .. answers.Select(answer => answer.Body),
            .. host.App.Logs.OfLibrary.Select(entry => $"{entry.Message} {entry.Exception}"),
            .. (await host.AuditAsync()).Select(entry => $"{entry} {entry.Detail}"),
        ];
        texts.Should().Contain(text => text.Contains($"'{prefix}...'", StringComparison.Ordinal), "what was sent is shown, cut");
        foreach (string secret in new[] { rawKey[..13], rawKey[12..28], rawKey[^16..], open.RawKey[..13], open.RawKey[^16..] })
        {
            texts.Should().NotContain(text => text.Contains(secret, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_text_of_no_public_object_tells_a_raw_key_or_a_hash()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        IssuedApiKey first = await host.CreateAsync("a", Listed);
        var actor = new ApiKeyActor { Kind = ApiKeyActorKind.User, Id = "alice", Address = Listed };
        IssuedApiKey rotated = await host.Manager.RotateAsync(first.Details.Key.Id, 24, null, actor, TestContext.Current.CancellationToken);
        var stale = (await host.Manager.Invoking(manager => manager.RevokeAsync(first.Details.Key.Id, 1, actor))
            .Should().ThrowAsync<ApiKeyManagementException>()).Which;
        var faulty = new NewApiKey { Name = "", AllowedIps = [first.RawKey], Scopes = [first.RawKey] };
        var invalid = (await host.Manager.Invoking(manager => manager.CreateAsync(faulty, actor))
            .Should().ThrowAsync<ApiKeyManagementException>()).Which;
        var write = new ApiKeyWrite { Details = rotated.Details, ExpectedVersion = 1 };
        var change = new ApiKeyChange { Keys = [write], Audit = await host.AuditAsync() };
        await host.UseAsync(first.RawKey, Listed);
        await host.SendAsync(null, "GET", $"/{first.RawKey}", null, KeyApiHost.Bearer(first.RawKey), $"X-Forwarded-For: {rotated.RawKey}");
        var moved = new ApiKeyUpdate { AllowedIps = [NotListed] };
        var risky = (await host.Manager.Invoking(manager => manager.UpdateAsync(first.Details.Key.Id, moved, null, actor))
            .Should().ThrowAsync<ApiKeyManagementException>()).Which;
        IApiKeyTraffic traffic = host.App.Services.GetRequiredService<IApiKeyTraffic>();
        IReadOnlyList<Denial> denials = traffic.ReadDenials(new DenialQuery());
        DenialPage page = traffic.ReadPage(new DenialQuery());
        TrafficChanges changes = host.App.Services.GetRequiredService<LocalTraffic>().TakeChanges(1_000)!;
        var lost = new SourceLoss { KeyId = first.Details.Key.Id, Until = KeyApiHost.Start };
        denials.Should().ContainSingle().Which.LastPath.Should().Be($"/{first.RawKey[..12]}...");
        var conflict = (await host.Repository.Invoking(repository => repository.CommitAsync(change, default).AsTask())
            .Should().ThrowAsync<ApiKeyConflictException>()).Which;
        using var log = new OutageAuditLog();
        log.Break(OutageAuditLog.Throws);
        var unrecorded = change with { Keys = [new ApiKeyWrite { Details = first.Details, ExpectedVersion = 0 }] };
        var unavailable = (await new InMemoryApiKeyRepository(new InMemoryApiKeyStore(), log)
            .Invoking(repository => repository.CommitAsync(unrecorded, default).AsTask())
            .Should().ThrowAsync<AuditUnavailableException>()).Which;
        ChangedApiKey changed = await host.Manager.UpdateAsync(
            first.Details.Key.Id, new ApiKeyUpdate { Name = "b" }, null, actor, TestContext.Current.CancellationToken);
        changed.Warnings.Should().NotBeEmpty();
        IpAddressSet.TryParse(
            [first.RawKey, ApiKeyHash.Compute(first.RawKey).ToString()], out _, out IReadOnlyList<IpAddressError> refused);
        await using AsyncServiceScope scope = host.App.Services.CreateAsyncScope();
        var request = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        request.Request.Headers.Authorization = $"Bearer {rotated.RawKey}";
        request.Request.Headers["X-Forwarded-For"] = first.RawKey;
        ApiKeyAdmission admission = await scope.ServiceProvider.GetRequiredService<IApiKeyAdmission>().AdmitReaderAsync(request);
        admission.Refusal!.Status.Should().Be(403);
        object[] atHand =
        [
            scope.ServiceProvider.GetRequiredService<IClientIpResolver>().Explain(request), admission, ApiKeyAdmission.Admitted(actor),
            await scope.ServiceProvider.GetRequiredService<IFleetStatus>().GetNodesAsync(TestContext.Current.CancellationToken),
            new ApiKeyStoreUnavailableException("Stale.", TimeSpan.Zero),
            first, rotated, stale, invalid, write, change, conflict, unavailable, host.Manager, host.Repository,
            risky, traffic, denials, new DenialQuery(), traffic.ReadTotals(null), traffic.ReadSources(first.Details.Key.Id),
            traffic.Suggest(first.Details.Key.Id, TimeSpan.FromDays(1), host.Time),
            host.App.Services.GetRequiredService<LocalTraffic>(), page, changes, lost, traffic.ReadRotationUse(rotated.Details.Key)!,
            await host.App.Services.GetRequiredService<IAuditLog>().ReadAsync(new AuditQuery(), TestContext.Current.CancellationToken),
            host.App.Services.GetRequiredService<InMemoryApiKeyStore>(), host.App.Services.GetRequiredService<IAuditLog>(),
            new NewApiKey { AllowedIps = [first.RawKey], Name = "a" }, new ApiKeyUpdate { Name = "a" }, new ApiKeyQuery(),
            CidrRangeBounds.Default,
            new AuditQuery(), new AuditChange { Field = "name", Old = "a", New = "b" }, refused,
            changed, await host.Manager.PreviewRevokeAsync(changed.Details.Key.Id, null, TestContext.Current.CancellationToken),
            await host.Manager.ListAsync(new ApiKeyQuery(), TestContext.Current.CancellationToken),
            await host.Manager.CountAsync(cancellationToken: TestContext.Current.CancellationToken),
            await host.Manager.TryAsync(changed.Details.Key.Id, IPAddress.Loopback, TestContext.Current.CancellationToken),
        ];
        Secret[] secrets = [.. Secret.Of(first.RawKey), .. Secret.Of(rotated.RawKey)];

        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (object instance in atHand)
        {
            Walk(instance, seen);
        }

        typeof(ApiKey).Assembly.GetExportedTypes()
            .Where(type => type.IsAssignableTo(typeof(Exception)) || IsRecord(type))
            .Except(seen.Select(instance => instance.GetType()))
            .Should().BeEmpty("each record and exception, whose text is made of its members, must be at hand");
        foreach (object instance in seen)
        {
            string text = $"{instance} {DebuggerText(instance)}";
            secrets.Should().NotContain(
                secret => text.Contains(secret.Text, StringComparison.OrdinalIgnoreCase), $"{instance.GetType()}: {text}");
        }
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;

    private static string? DebuggerText(object instance) => instance.GetType().GetCustomAttribute<DebuggerDisplayAttribute>()?.Value;

    /// <summary>
    /// Collects what is reachable over public properties. A hash is the one object that is its own text, and a raw key a plain string.
    /// </summary>
    private static void Walk(object? instance, HashSet<object> seen)
    {
        if (instance is null or string or ApiKeyHash || !seen.Add(instance))
        {
            return;
        }

        if (instance is IEnumerable items)
        {
            foreach (object? item in items)
            {
                Walk(item, seen);
            }
        }

        if (instance.GetType().Assembly == typeof(ApiKey).Assembly)
        {
            foreach (PropertyInfo property in instance.GetType().GetProperties()
                .Where(property => property.GetIndexParameters().Length == 0))
            {
                Walk(property.GetValue(instance), seen);
            }
        }
    }

    /// <summary>A spelling of a secret that must not be found.</summary>
    private sealed record Secret(string Text)
    {
        /// <summary>The part of a raw key behind its prefix, and its hash, in hex and in base64.</summary>
        public static IEnumerable<Secret> Of(string rawKey)
        {
            string hash = ApiKeyHash.Compute(rawKey).ToString();
            byte[] bytes = Convert.FromHexString(hash);
            return [new(rawKey[12..28]), new(rawKey[^16..]), new(hash[..16]), new(hash[^16..]), new(Convert.ToBase64String(bytes)[..20])];
        }
    }
}
