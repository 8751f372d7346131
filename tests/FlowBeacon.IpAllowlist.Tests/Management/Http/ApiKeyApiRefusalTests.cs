using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FlowBeacon.IpAllowlist.Management;

namespace FlowBeacon.IpAllowlist.Tests.Management.Http;

/// <summary>What the management API refuses, with the words it uses: nothing is changed, and the answer names every fault.</summary>
public sealed class ApiKeyApiRefusalTests
{
    private const string MembersOfCreation = "id, name, description, allowed_ips, allowlist_mode, scopes, expires_at, break_glass";
    private const string Keys = KeyApiHost.Keys;
    private const string Administrator = KeyApiHost.Administrator;
    private const int LargestBody = 2 * 1024 * 1024;

    /// <summary>Faults of members that create and update share; the body lacks what the operation needs beside them.</summary>
    private const string Item =
        "must be a string, or an object with ip and optionally note and expires_at, all strings";

    public static TheoryData<string, string> SharedFaults { get; } = new()
    {
        { "\"name\":\"\"", "name: must be 1 to 100 characters, and has 0" },
        { $"\"name\":\"{new string('n', 101)}\"", "name: must be 1 to 100 characters, and has 101" },
        { "\"name\":\" a\"", "name: must not begin or end with white space, nor contain control characters" },
        { "\"name\":\"a\\u00a0\"", "name: must not begin or end with white space, nor contain control characters" },
        { "\"name\":\"a\\nb\"", "name: must not begin or end with white space, nor contain control characters" },
        { "\"name\":\"a\\u0000b\"", "name: must not begin or end with white space, nor contain control characters" },
        { "\"name\":null", "name: must be a string of Unicode characters" },
        { "\"name\":7", "name: must be a string of Unicode characters" },
        { "\"name\":[\"a\"]", "name: must be a string of Unicode characters" },
        { "\"name\":{}", "name: must be a string of Unicode characters" },
        { "\"name\":true", "name: must be a string of Unicode characters" },
        { "\"allowed_ips\":null", "allowed_ips: must be a list of strings and objects" },
        { "\"allowed_ips\":\"203.0.113.7\"", "allowed_ips: must be a list of strings and objects" },
        { "\"allowed_ips\":{\"0\":\"203.0.113.7\"}", "allowed_ips: must be a list of strings and objects" },
        { "\"allowed_ips\":[\"203.0.113.7\",7]", "allowed_ips[1]: " + Item },
        { "\"allowed_ips\":[null]", "allowed_ips[0]: " + Item },
        { "\"allowed_ips\":[[\"203.0.113.7\"]]", "allowed_ips[0]: " + Item },
        {
            "\"allowed_ips\":[\"203.0.113.7\",\"2001:db8::7\",\"10.0.0.0/8\"]",
            "allowed_ips[2]: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges"
        },
        { "\"allowed_ips\":[\"010.0.0.1\"]", "allowed_ips[0]: '010.0.0.1' has a leading zero: octal or decimal? write 10.0.0.1" },
        {
            "\"allowed_ips\":[\"203.0.113.7:443\"]",
            "allowed_ips[0]: '203.0.113.7:443' has a port; an allowlist has none, write 203.0.113.7"
        },
        { "\"allowed_ips\":[\"*\"]", "allowed_ips[0]: '*' is a wildcard; list each address" },
        { "\"allowed_ips\":[\"\"]", "allowed_ips[0]: an entry is empty; remove it or write an address" },
        { "\"allowed_ips\":[\" 203.0.113.7\"]", "allowed_ips[0]: ' 203.0.113.7' has white space around it; remove it" },
        {
            $"\"allowed_ips\":[{string.Join(',', Enumerable.Range(0, 1001).Select(number => $"\"10.0.{number / 256}.{number % 256}\""))}]",
            "allowed_ips: has 1001 entries; at most 1000 are allowed"
        },
        { "\"allowlist_mode\":\"Enforce\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"ENFORCE\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"ReportOnly\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"report-only\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"report_only \"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"enforce,report_only\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"off\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":\"0\"", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":0", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":1", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":null", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":true", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":[\"enforce\"]", "allowlist_mode: must be enforce or report_only" },
        { "\"allowlist_mode\":{}", "allowlist_mode: must be enforce or report_only" },
        { "\"scopes\":null", "scopes: must be a list of strings" },
        { "\"scopes\":\"admin\"", "scopes: must be a list of strings" },
        { "\"scopes\":[\"admin\",1]", "scopes[1]: must be a string of Unicode characters" },
        { "\"scopes\":[\"Admin\"]", "scopes[0]: 'Admin' is not a scope; the scopes are governance:read, governance:evaluate, admin" },
        {
            "\"scopes\":[\"admin\",\"governance:raed\"]",
            "scopes[1]: 'governance:raed' is not a scope; the scopes are governance:read, governance:evaluate, admin"
        },
        { "\"expires_at\":\"2027-01-01T12:00:00Z\"", "expires_at: must be in the future" },
        { "\"expires_at\":\"2027-01-01T14:00:00+02:00\"", "expires_at: must be in the future" },
        { "\"expires_at\":\"0001-01-01T00:00:00Z\"", "expires_at: must be in the future" },
        { "\"expires_at\":\"2028-01-01T00:00Z\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"2028-01-01T00:00:00+0200\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"2028-01-01T00:00:00\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"2028-01-01\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"2028-02-30T00:00:00Z\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"next year\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":\"\"", "expires_at: must be an instant with offset, such as 2027-01-31T00:00:00Z" },
        { "\"expires_at\":1830000000", "expires_at: must be a string of Unicode characters" },
    };

    public static TheoryData<string, string[]> CreateFaults { get; } = new()
    {
        { "{}", ["name: is missing"] },
        { """{"id":"1"}""", ["name: is missing", "id: must be key_ and 32 lowercase hex digits, such as those of a UUID"] },
        { """{"name":"a","break_glass":null}""", ["break_glass: must be true or false"] },
        { """{"name":"a","break_glass":"true"}""", ["break_glass: must be true or false"] },
        { """{"name":"a","break_glass":1}""", ["break_glass: must be true or false"] },
        {
            """{"name":"a","accept_lockout_risk":true}""",
            [$"accept_lockout_risk: unknown member; the members are {MembersOfCreation}"]
        },
        {
            """{"name":"a","break_glass":true,"allowed_ips":["203.0.113.7"]}""",
            ["allowed_ips: must be empty: a break-glass key works from every address"]
        },
        {
            """{"name":"a","break_glass":true,"scopes":["governance:read","governance:evaluate"]}""",
            ["scopes: must not contain governance:evaluate: a break-glass key only reads (governance:read)"]
        },
        {
            """{"name":"a","break_glass":true,"scopes":["admin"]}""",
            ["scopes: must not contain admin: a break-glass key only reads (governance:read)"]
        },
        {
            """{"name":"a","Name":"b"}""",
            [$"Name: unknown member; the members are {MembersOfCreation}"]
        },
        {
            """{"name":"a","allowedIps":[]}""",
            [$"allowedIps: unknown member; the members are {MembersOfCreation}"]
        },
        {
            """{"name":"a","hash":"00","key":"fb_live_1"}""",
            [$"hash: unknown member; the members are {MembersOfCreation}"]
        },
        {
            """{"name":"","allowed_ips":["10.0.0.0/8"],"break_glass":3,"extra":1}""",
            ["break_glass: must be true or false"]
        },
        {
            """
            {"name":"","allowed_ips":["10.0.0.0/8","203.0.113.7","::g"],"scopes":["x"],"expires_at":"2000-01-01T00:00:00Z"}
            """.ReplaceLineEndings(""),
            [
                "name: must be 1 to 100 characters, and has 0",
                "expires_at: must be in the future",
                "allowed_ips[0]: '10.0.0.0/8' is a CIDR range; list each address, or allow ranges with AllowCidrRanges",
                "allowed_ips[2]: '::g' is not a legal IPv6 address; write eight groups of hex digits, or fewer with one '::'",
                "scopes[0]: 'x' is not a scope; the scopes are governance:read, governance:evaluate, admin",
            ]
        },
    };

    public static TheoryData<string, string> NotAnObject { get; } = new()
    {
        { "[]", "The body must be a JSON object." },
        { "[{\"name\":\"a\"}]", "The body must be a JSON object." },
        { "null", "The body must be a JSON object." },
        { "7", "The body must be a JSON object." },
        { "\"name\"", "The body must be a JSON object." },
        { "true", "The body must be a JSON object." },
        { "", "The body is not JSON: line 1, byte 1" },
        { " ", "The body is not JSON: line 1" },
        { "{", "The body is not JSON: line 1" },
        { "{\"name\":\"a\",}", "The body is not JSON: line 1, byte 13" },
        { "{\n\"name\":\n'a'}", "The body is not JSON: line 3, byte 1" },
        { "{\"name\":\"a\"} {}", "The body is not JSON: line 1, byte 14" },
        { "{\"name\":\"a\"} // why", "The body is not JSON: line 1" },
        { "{name:\"a\"}", "The body is not JSON: line 1, byte 2" },
        { "{\"name\":NaN}", "The body is not JSON: line 1" },
        { "name=a&allowed_ips=", "The body is not JSON: line 1" },
        { "\u0001", "The body is not JSON: line 1" },
        { "\uFEFF{\"name\":\"a\"}", "The body is not JSON: line 1" },
        { "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}", "The body is not JSON: line 1, byte 13. Or it is nested deeper than 8 there." },
    };

    [Theory]
    [MemberData(nameof(SharedFaults))]
    public async Task Create_refuses_and_names_the_field(string member, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        string others = member.StartsWith("\"name\"", StringComparison.Ordinal) ? "" : "\"name\":\"a\",";
        Answer answer = await host.SendAsync(Administrator, "POST", Keys, WithList($"{{{others}{member}}}"));

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.SnapshotAsync()).Should().BeEmpty();
        (await host.AuditAsync()).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(SharedFaults))]
    public async Task Update_refuses_and_names_the_field(string member, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a", "203.0.113.7")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $"{{{member}}}");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(CreateFaults))]
    public async Task Create_tells_all_faults_of_rules_together_and_one_of_shape_alone(string body, string[] errors)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "POST", Keys, WithList(body));

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().BeEquivalentTo(errors);
        (await host.SnapshotAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("""{"allowed_ips":["203.0.113.7"]}""", "allowed_ips: must be empty: a break-glass key works from every address")]
    [InlineData("""{"scopes":["admin"]}""", "scopes: must not contain admin: a break-glass key only reads (governance:read)")]
    [InlineData(
        """{"break_glass":false}""",
        "break_glass: unknown member; the members are name, description, allowed_ips, allowlist_mode, scopes, expires_at, enabled,"
        + " accept_lockout_risk, accept_unreadable_list")]
    public async Task A_break_glass_key_stays_one(string body, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateBreakGlassAsync()).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", body);

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(error);
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData("\"true\"")]
    [InlineData("\"\"")]
    [InlineData("1")]
    [InlineData("0")]
    [InlineData("null")]
    [InlineData("[true]")]
    [InlineData("{}")]
    public async Task Only_true_or_false_accepts_a_lockout_risk_or_not(string value)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a", "203.0.113.7")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await host.SendAsync(Administrator, "PATCH", $"{Keys}/{id}", $$"""{"name":"b","accept_lockout_risk":{{value}}}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal("accept_lockout_risk: must be true or false");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData("rotate", """{"graceHours":1}""", "graceHours: unknown member; the members are grace_hours")]
    [InlineData("end-grace", """{"grace_hours":1}""", "grace_hours: unknown member; the members are accept_lockout_risk")]
    [InlineData("recover", """{"ip":"198.51.100.9"}""", "ip: unknown member; ")]
    [InlineData("try", """{"ip":"198.51.100.9","port":443}""", "port: unknown member; the members are ip, x_forwarded_for, peer")]
    public async Task Other_operations_refuse_members_they_do_not_know(string operation, string body, string error)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;

        Answer answer = await host.SendAsync(Administrator, "POST", $"{Keys}/{id}/{operation}", body);

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().ContainSingle().Which.Should().StartWith(error);
    }

    [Fact]
    public async Task A_revocation_with_members_in_its_body_is_refused()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        Answer answer = await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}", """{"only":"the old secret"}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().ContainSingle().Which.Should().StartWith("only: unknown member");
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
        (await host.SendAsync(Administrator, "DELETE", $"{Keys}/{id}", "{}")).Status.Should().Be(200);
    }

    [Theory]
    [MemberData(nameof(NotAnObject))]
    public async Task A_body_that_is_no_JSON_object_is_refused_with_the_place_of_the_fault(string body, string detail)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach ((string method, string target) in new[] { ("POST", Keys), ("PATCH", $"{Keys}/{id}"), ("POST", $"{Keys}/{id}/try") })
        {
            (await host.SendAsync(Administrator, method, target, body))
                .ShouldBeProblem(400, "Invalid body").Detail.Should().StartWith(detail);
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData("""{"name":"a","name":"b"}""")]
    [InlineData("""{"name":"a","n\u0061me":"b"}""")]
    public async Task A_member_named_twice_is_refused_with_words_that_say_so(string body)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "POST", Keys, body);

        answer.ShouldBeProblem(400, "Invalid body").Detail.Should().Contain("twice")
            .And.NotMatch("*line ,*", "no place is better than half of one");
        (await host.SnapshotAsync()).Should().BeEmpty();
    }

    /// <summary>Valid JSON grammar, but invalid text: an unpaired surrogate, or bytes that are not UTF-8.</summary>
    [Theory]
    [InlineData("""{"name":"\ud800"}""")]
    [InlineData("""{"name":"a","allowed_ips":["\udc00"]}""")]
    [InlineData("""{"name":"a","scopes":["\ud800x"]}""")]
    [InlineData("""{"name":"a","expires_at":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("{\"name\":\"\u00ff\"}")]
    [InlineData("{\"name\":\"a\",\"allowed_ips\":[\"\u00c0\u0080\"]}")]
    [InlineData("{\"name\":\"a\",\"\u00ff\":1}")]
    public async Task Text_that_is_no_Unicode_is_refused(string bytes)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("other")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach ((string method, string target) in new[] { ("POST", Keys), ("PATCH", $"{Keys}/{id}"), ("POST", $"{Keys}/{id}/try") })
        {
            Answer answer = await host.SendContentAsync(Administrator, method, target, Json(Encoding.Latin1.GetBytes(bytes)));

            answer.Status.Should().Be(400, $"{method}: {answer.Body}");
            answer.ContentType.Should().Be("application/problem+json");
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_is_taken_up_to_its_largest_size_and_refused_beyond(bool isChunked)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        byte[] largest = Encoding.ASCII.GetBytes("""{"name":"a","allowed_ips":[]}""".PadRight(LargestBody));
        byte[] tooLarge = Encoding.ASCII.GetBytes("""{"name":"b","allowed_ips":[]}""".PadRight(LargestBody + 1));

        Answer taken = await host.SendContentAsync(Administrator, "POST", Keys, isChunked ? new ChunkedJson(largest) : Json(largest));
        Answer refused = await host.SendContentAsync(Administrator, "POST", Keys, isChunked ? new ChunkedJson(tooLarge) : Json(tooLarge));

        taken.Status.Should().Be(201, taken.Body);
        refused.ShouldBeProblem(413, "Body too large").Detail.Should().Contain("2097152 bytes");
        (await host.SnapshotAsync()).Should().ContainSingle();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("text/json")]
    [InlineData("application/octet-stream")]
    [InlineData("text/plain; charset=application/json")]
    [InlineData("nonsense")]
    [InlineData("application/json, text/plain")]
    public async Task A_body_of_another_type_than_JSON_is_refused_wherever_one_may_come(string? contentType)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();

        foreach (KeyOperation operation in KeyOperation.All.Where(operation => !operation.IsGet))
        {
            foreach (string body in operation.Method == "DELETE" ? ["{}"] : new[] { operation.Body ?? "{}", "" })
            {
                foreach (bool isChunked in body.Length == 0 ? [false] : new[] { false, true })
                {
                    byte[] bytes = Encoding.ASCII.GetBytes(body);
                    HttpContent content = isChunked ? new ChunkedJson(bytes) : new ByteArrayContent(bytes);
                    content.Headers.ContentType = null;
                    if (contentType is not null)
                    {
                        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
                    }

                    Answer answer = await host.SendContentAsync(Administrator, operation.Method, operation.Target(id), content);

                    answer.Status.Should().Be(
                        415, $"{operation.Name} with '{body}', {(isChunked ? "chunked" : "with its length")}: {answer.Body}");
                    answer.ShouldBeProblem(415, "JSON required");
                }
            }
        }

        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("APPLICATION/JSON")]
    public async Task JSON_is_JSON_in_every_spelling_of_its_type(string contentType)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        var content = new ByteArrayContent("""{"name":"a","allowed_ips":[]}"""u8.ToArray());
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);

        (await host.SendContentAsync(Administrator, "POST", Keys, content)).Status.Should().Be(201);
    }

    [Fact]
    public async Task A_revocation_over_HTTP_2_with_a_body_of_unknown_length_must_be_JSON_too()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;
        IReadOnlyList<ApiKeyDetails> before = await host.SnapshotAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"http://{host.App.Http2}{Keys}/{id}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ChunkedJson("only=the+old+secret"u8.ToArray()),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        request.Headers.Add(PersonHandler.Header, Administrator);

        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        ((int)response.StatusCode).Should().Be(415);
        (await host.IsUnchangedSinceAsync(before)).Should().BeTrue();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    public async Task A_revocation_whose_body_of_unknown_length_turns_out_to_be_empty_needs_no_type(string? contentType)
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;
        var content = new ChunkedJson([]);
        content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);

        Answer answer = await host.SendContentAsync(Administrator, "DELETE", $"{Keys}/{id}", content);

        answer.Status.Should().Be(200, answer.Body);
        (await host.Manager.GetAsync(id, TestContext.Current.CancellationToken)).Key.IsRevoked.Should().BeTrue();
    }

    [Fact]
    public async Task A_revocation_with_a_body_that_is_too_large_is_refused()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string id = (await host.CreateAsync("a")).Details.Key.Id;

        (await host.SendContentAsync(Administrator, "DELETE", $"{Keys}/{id}", new ChunkedJson(new byte[LargestBody + 1])))
            .ShouldBeProblem(413, "Body too large");
        (await host.Manager.GetAsync(id, TestContext.Current.CancellationToken)).Key.IsRevoked.Should().BeFalse();
    }

    [Fact]
    public async Task An_unknown_key_is_reported_after_the_faults_of_a_request()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        foreach ((string method, string target, string? body) in new[]
        {
            ("PATCH", "", """{"name":""}"""), ("POST", "/rotate", """{"grace_hours":0}"""), ("POST", "/end-grace", "[]"),
            ("DELETE", "?accept_missing_audit=yes", null), ("GET", "/denials?limit=0", null), ("GET", "/suggestion?window_hours=0", null),
            ("POST", "/try", "{}"), ("POST", "/recover", """{"key":7}"""),
        })
        {
            (await host.SendAsync(Administrator, method, $"{Keys}/key_0{target}", body)).Status.Should().Be(400, $"{method} {target}");
        }
    }

    [Fact]
    public async Task A_hundred_faults_are_told_and_the_rest_are_counted()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string entries = string.Join(',', Enumerable.Repeat("\"10.0.0.0/8\"", 130));

        Answer answer = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"a","allowed_ips":[{{entries}}]}""");

        IReadOnlyList<string> errors = answer.ShouldBeProblem(400, "Validation failed").Errors;
        errors.Should().HaveCount(101);
        errors[^1].Should().Be("(more): 30 more faults");
    }

    [Fact]
    public async Task A_raw_key_pasted_into_a_body_is_not_repeated()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();
        string rawKey = (await host.CreateAsync("a")).RawKey;

        string[] members =
        [
            $"\"allowed_ips\":[\"{rawKey}\"],\"scopes\":[\"{rawKey}\"]", $"\"allowed_ips\":[],\"{rawKey}\":1",
            $"\"{rawKey}\":{{\"{rawKey}\":1}}",
            $"\"allowlist_mode\":\"{rawKey}\"", $"\"expires_at\":\"{rawKey}\"", $"\"break_glass\":\"{rawKey}\"", $"\"id\":\"{rawKey}\"",
            $"\"allowed_ips\":{{\"{rawKey}\":1}}", $"\"allowed_ips\":[[\"{rawKey}\"]]",
            $"\"it's.[0] {rawKey}\":1", $"\"scopes\":\"{rawKey}\"",
        ];
        foreach (string member in members)
        {
            Answer answer = await host.SendAsync(Administrator, "POST", Keys, $$"""{"name":"b",{{member}}}""");

            answer.ShouldBeProblem(400, "Validation failed").Body.Should().NotContain(rawKey).And.NotContain(rawKey[12..]);
        }

        (await host.SendAsync(Administrator, "POST", Keys, $$"""{"{{rawKey}}":1,"{{rawKey}}":2}"""))
            .ShouldBeProblem(400, "Invalid body").Body.Should().NotContain(rawKey[12..]);
    }

    private static ByteArrayContent Json(byte[] body) =>
        new(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    /// <summary>JSON whose length is not announced.</summary>
    private sealed class ChunkedJson : HttpContent
    {
        private readonly byte[] _body;

        public ChunkedJson(byte[] body)
        {
            _body = body;
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            stream.WriteAsync(_body, 0, _body.Length);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    [Fact]
    public async Task A_key_without_a_list_must_say_so()
    {
        await using KeyApiHost host = await KeyApiHost.StartAsync();

        Answer answer = await host.SendAsync(Administrator, "POST", Keys, """{"name":"a"}""");

        answer.ShouldBeProblem(400, "Validation failed").Errors.Should().Equal(
            "allowed_ips: is missing; write the allowed addresses, or [] to turn the check off for this key");
        (await host.SnapshotAsync()).Should().BeEmpty();
    }

    /// <summary>Adds the list that a key must have, where the body is about another member.</summary>
    private static string WithList(string body) =>
        body.Contains("allowed_ips", StringComparison.Ordinal) ? body : "{\"allowed_ips\":[]" + (body == "{}" ? "" : ",") + body[1..];
}
