using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace KeyConsole;

/// <summary>
/// One person to sign in as, with a random password that is printed at each start. Replace it with your own sign-in.
/// </summary>
internal sealed class DevelopmentAdministrator(IHostEnvironment environment)
{
    private readonly byte[] _passwordHash = new byte[SHA256.HashSizeInBytes];

    public void MapSignIn(WebApplication app)
    {
        if (!environment.IsDevelopment())
        {
            return;
        }

        string password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        SHA256.HashData(Encoding.ASCII.GetBytes(password), _passwordHash);
        app.Lifetime.ApplicationStarted.Register(
            () => Console.WriteLine($"Sign in as admin with the password {password} (valid until this process ends)"));

        app.MapPost("/sign-in", SignInAsync);
        app.MapPost("/sign-out", () => Results.SignOut(authenticationSchemes: [CookieAuthenticationDefaults.AuthenticationScheme]));
    }

    private async Task<IResult> SignInAsync(SignIn signIn, HttpContext context)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(signIn.Password ?? ""));
        if (signIn.User != "admin" || !CryptographicOperations.FixedTimeEquals(hash, _passwordHash))
        {
            return Results.Problem(statusCode: StatusCodes.Status401Unauthorized, title: "Wrong user or password");
        }

        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.NameIdentifier, "admin"), new Claim(ClaimTypes.Name, "admin"), new Claim(ClaimTypes.Role, "admin")],
            CookieAuthenticationDefaults.AuthenticationScheme);
        await context.SignInAsync(new ClaimsPrincipal(identity));
        return Results.NoContent();
    }

    private sealed record SignIn(string? User, string? Password);
}
