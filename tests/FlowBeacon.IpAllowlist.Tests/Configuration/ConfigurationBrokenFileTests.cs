using FlowBeacon.IpAllowlist.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace FlowBeacon.IpAllowlist.Tests.Configuration;

/// <summary>Files that become invalid under a running host: the log messages, and the host's own handlers.</summary>
public sealed class ConfigurationBrokenFileTests : IDisposable
{
    private static readonly string Good = KeyJson.File(KeyJson.Key("a", TestKeys.Restricted, """["203.0.113.7"]"""));
    private static readonly string Mended = KeyJson.File(KeyJson.Key("a", TestKeys.Unknown, """["203.0.113.7"]"""));

    private readonly KeyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A host that ignores the exception lets the framework reload an empty file, which would be a second fault.</summary>
    [Theory]
    [InlineData("{ broken", false)]
    [InlineData("{ broken", true)]
    [InlineData("", false)]
    [InlineData("", true)]
    public async Task One_broken_file_is_one_error_line(string text, bool hostIgnores)
    {
        JsonConfigurationSource source = Source();
        bool hostHeard = false;
        source.OnLoadException = context =>
        {
            hostHeard = true;
            context.Ignore = hostIgnores;
        };
        await using KestrelApp app = await StartAsync(source);

        _folder.Write("keys.json", text);
        await Eventually.IsTrueAsync(() => hostHeard, () => "the host does not hear of it");
        _folder.Write("keys.json", Mended);
        await IsInForceAsync(app, TestKeys.Unknown);

        Errors(app).Should().ContainSingle().Which.Should().Contain("keys.json: Failed to load configuration from file");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_handler_that_a_source_had_before_is_its_handler_again_when_the_host_is_disposed(bool hasHandler)
    {
        JsonConfigurationSource source = Source();
        Action<FileLoadExceptionContext>? before = hasHandler ? _ => { } : null;
        source.OnLoadException = before;

        await using (KestrelApp app = await StartAsync(source))
        {
            source.OnLoadException.Should().NotBeSameAs(before);
        }

        source.OnLoadException.Should().BeSameAs(before);
    }

    [Fact]
    public async Task A_handler_that_the_host_puts_around_ours_stays_and_ours_says_nothing_when_the_host_is_disposed()
    {
        JsonConfigurationSource source = Source();
        int innermost = 0;
        source.OnLoadException = _ => innermost++;
        LogRecorder logs;
        Action<FileLoadExceptionContext> around;
        await using (KestrelApp app = await StartAsync(source))
        {
            logs = app.Logs;
            Action<FileLoadExceptionContext> ours = source.OnLoadException!;
            around = context => ours(context);
            source.OnLoadException = around;
        }

        source.OnLoadException.Should().BeSameAs(around);
        int entries = logs.Entries.Count;
        source.OnLoadException(new FileLoadExceptionContext { Exception = new InvalidDataException("broken") });
        innermost.Should().Be(1);
        logs.Entries.Should().HaveCount(entries);
    }

    [Fact]
    public async Task A_start_that_fails_gives_the_handler_back_as_well()
    {
        JsonConfigurationSource source = Source();
        Action<FileLoadExceptionContext> before = _ => { };
        source.OnLoadException = before;

        Func<Task> start = () => StartAsync(source, KeyJson.WithSection("[]"));

        await start.Should().ThrowAsync<InvalidOperationException>();
        source.OnLoadException.Should().BeSameAs(before);
    }

    private static string[] Errors(KestrelApp app) =>
        [.. app.Logs.OfLibrary.Where(entry => entry.Level >= LogLevel.Error).Select(entry => entry.Message)];

    private static Task IsInForceAsync(KestrelApp app, string rawKey) => Eventually.IsTrueAsync(
        async () => (await app.GetAsync($"Authorization: Bearer {rawKey}", "X-Forwarded-For: 203.0.113.7")).Status == 200,
        () => "the mended file is not in force");

    private JsonConfigurationSource Source() => new()
    {
        FileProvider = new PhysicalFileProvider(_folder.FullName),
        Path = "keys.json",
        ReloadOnChange = true,
        ReloadDelay = 20,
    };

    private Task<KestrelApp> StartAsync(JsonConfigurationSource source, string? text = null)
    {
        _folder.Write("keys.json", text ?? Good);
        return KestrelApp.StartAsync(configure: builder =>
        {
            builder.Configuration.Sources.Add(source);
            builder.Services.AddFlowBeaconIpAllowlist().AddKeysFromConfiguration(builder.Configuration.GetSection(KeyJson.Section));
        });
    }
}
