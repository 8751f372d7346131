namespace MinimalApi;

/// <summary>Prints commands to paste, each with its expected status. Not needed in your own application.</summary>
internal static class DemoCurlLines
{
    // These keys are public. appsettings.Development.json marks them as Demo, which other environments refuse.
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

    // The expected status is on a line of its own, as an argument of ":", which does nothing in any shell. An interactive zsh does not
    // support comments: it would treat text behind "#" as arguments, and an apostrophe there would open a quote.
    private static void Print(string url)
    {
        Console.WriteLine($"""

            Paste into another terminal (demo keys, for Development only):

            : '200 OK, no key needed'
            curl -i {url}/governance/health
            : '200 OK, from an address on the list of the key'
            curl -i {url}/governance/report -H 'Authorization: Bearer {RestrictedKey}' -H 'X-Forwarded-For: 203.0.113.7'
            : '403 IP address not allowed'
            curl -i {url}/governance/report -H 'Authorization: Bearer {RestrictedKey}' -H 'X-Forwarded-For: 198.51.100.9'
            : '200 OK, a key without a list'
            curl -i {url}/governance/report -H 'Authorization: Bearer {UnrestrictedKey}'
            : '401 Invalid or expired API key'
            curl -i {url}/governance/report -H 'Authorization: Bearer {WrongKey}'
            : '401 Invalid or expired API key, there is none'
            curl -i {url}/governance/report

            """);
    }
}
