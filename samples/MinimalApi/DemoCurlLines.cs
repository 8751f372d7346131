namespace MinimalApi;

/// <summary>Prints commands to paste, each with the status it gives. Not needed in an application of your own.</summary>
internal static class DemoCurlLines
{
    // Everybody knows these keys. appsettings.Development.json marks them as Demo, which other environments refuse.
    private const string RestrictedKey = "fb_live_de30de30de30de30de30de30de30de30de30de30de300001";
    private const string UnrestrictedKey = "fb_live_de30de30de30de30de30de30de30de30de30de30de300002";
    private const string WrongKey = "fb_live_000000000000000000000000000000000000000000000000";

    public static void PrintWhenStarted(WebApplication app)
    {
        if (app.Environment.IsDevelopment())
        {
            app.Lifetime.ApplicationStarted.Register(() => Print(app.Urls.FirstOrDefault() ?? "http://localhost:5080"));
        }
    }

    private static void Print(string url)
    {
        Console.WriteLine($"""

            Paste into another terminal (demo keys, for Development only):

            curl -i {url}/governance/health  # 200 OK, no key needed
            curl -i {url}/governance/report -H 'Authorization: Bearer {RestrictedKey}' -H 'X-Forwarded-For: 203.0.113.7'  # 200 OK, from an address on the key's list
            curl -i {url}/governance/report -H 'Authorization: Bearer {RestrictedKey}' -H 'X-Forwarded-For: 198.51.100.9'  # 403 IP address not allowed
            curl -i {url}/governance/report -H 'Authorization: Bearer {UnrestrictedKey}'  # 200 OK, a key without a list
            curl -i {url}/governance/report -H 'Authorization: Bearer {WrongKey}'  # 401 Invalid or expired API key
            curl -i {url}/governance/report  # 401 Invalid or expired API key, there is none

            """);
    }
}
