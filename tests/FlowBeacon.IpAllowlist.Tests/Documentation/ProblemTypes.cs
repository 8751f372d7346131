using System.Text.RegularExpressions;
using FlowBeacon.IpAllowlist.Tests.Architecture;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace FlowBeacon.IpAllowlist.Tests.Documentation;

/// <summary>A problem type that the library answers, with the status and title beside it.</summary>
internal sealed record ProblemType(string Name, int? Status, string? Title);

/// <summary>The problem types in the library's sources, found with the compiler's semantic model.</summary>
/// <remarks>
/// A type is written in one of three ways: as a constant that is the whole type, as constant JSON, or as an argument of a method that puts
/// the common prefix in front of its parameter. Every other use of the prefix is an error, because it could hide a type.
/// </remarks>
internal static partial class ProblemTypes
{
    private const string Prefix = "urn:flowbeacon:problems/";

    /// <summary>Finds every problem type.</summary>
    /// <param name="planted">Further sources by their path below the project.</param>
    /// <exception cref="InvalidOperationException">A type is not a constant, so it cannot be determined.</exception>
    public static IReadOnlyList<ProblemType> Find(params (string Path, string Text)[] planted)
    {
        IReadOnlyList<SemanticModel> models = LibrarySources.Models(planted);
        IParameterSymbol[] parameters = [.. models.SelectMany(ParametersBehindThePrefix)];
        IEnumerable<ProblemType> found = models.SelectMany(InJson)
            .Concat(models.SelectMany(InInitializers))
            .Concat(models.SelectMany(model => InArguments(model, parameters)))
            .Distinct();

        // A constant may have its name in one place, and its status and title where it is used.
        return
        [
            .. from type in found
               group type by type.Name into uses
               from use in uses.Where(one => one.Status is not null).DefaultIfEmpty(uses.First())
               orderby use.Name
               select use,
        ];
    }

    private static IEnumerable<(ExpressionSyntax Expression, string Text)> Constants(SemanticModel model) =>
        from expression in model.SyntaxTree.GetRoot().DescendantNodes().OfType<ExpressionSyntax>()
        where !expression.Ancestors().OfType<AttributeSyntax>().Any()
        let value = expression is LiteralExpressionSyntax literal ? literal.Token.Value : model.GetConstantValue(expression).Value
        where value is string
        select (expression, (string)value!);

    private static IEnumerable<ProblemType> InJson(SemanticModel model) =>
        from constant in Constants(model)
        from Match json in Json().Matches(constant.Text)
        select new ProblemType(json.Groups["name"].Value, int.Parse(json.Groups["status"].Value, null), json.Groups["title"].Value);

    private static IEnumerable<ProblemType> InInitializers(SemanticModel model)
    {
        foreach ((ExpressionSyntax expression, string text) in Constants(model))
        {
            bool isWhole = text.Length > Prefix.Length && expression.Parent is not BinaryExpressionSyntax;
            if (!isWhole || !text.StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            // The members beside it, of an object that is being made.
            IEnumerable<AssignmentExpressionSyntax> beside =
                expression.Parent is AssignmentExpressionSyntax { Parent: InitializerExpressionSyntax initializer }
                    ? initializer.Expressions.OfType<AssignmentExpressionSyntax>()
                    : [];
            object?[] ValuesOf(string member) =>
                [.. beside.Where(one => one.Left.ToString() == member).Select(one => model.GetConstantValue(one.Right).Value)];
            yield return new ProblemType(
                text[Prefix.Length..], ValuesOf("Status").FirstOrDefault() as int?, ValuesOf("Title").FirstOrDefault() as string);
        }
    }

    private static IEnumerable<ProblemType> InArguments(SemanticModel model, IParameterSymbol[] parameters)
    {
        string[] methods = [.. parameters.Select(parameter => parameter.ContainingSymbol.Name)];
        foreach (InvocationExpressionSyntax call in model.SyntaxTree.GetRoot().DescendantNodes().OfType<InvocationExpressionSyntax>())
        {
            bool mayBeOne = call.Expression is SimpleNameSyntax simple ? methods.Contains(simple.Identifier.ValueText)
                : call.Expression is MemberAccessExpressionSyntax member && methods.Contains(member.Name.Identifier.ValueText);
            if (!mayBeOne || model.GetOperation(call) is not IInvocationOperation operation)
            {
                continue;
            }

            Optional<object?> ValueOf(string parameter) =>
                operation.Arguments.FirstOrDefault(one => one.Parameter?.Name == parameter)?.Value.ConstantValue ?? default;
            foreach (IParameterSymbol parameter in parameters.Where(
                one => SymbolEqualityComparer.Default.Equals(one.ContainingSymbol, operation.TargetMethod.OriginalDefinition)))
            {
                yield return ValueOf(parameter.Name).Value is string name
                    ? new ProblemType(name, ValueOf("status").Value as int?, ValueOf("title").Value as string)
                    : throw CannotTell(call);
            }
        }
    }

    /// <summary>The parameters of methods that put the prefix in front of them.</summary>
    private static IEnumerable<IParameterSymbol> ParametersBehindThePrefix(SemanticModel model)
    {
        foreach ((ExpressionSyntax expression, string text) in Constants(model))
        {
            SyntaxNode use = expression;
            while (use.Parent is MemberAccessExpressionSyntax or ParenthesizedExpressionSyntax or InterpolationSyntax)
            {
                use = use.Parent;
            }

            bool isConstant = text != Prefix || expression.Parent is MemberAccessExpressionSyntax or EqualsValueClauseSyntax
                || (use.Parent is ExpressionSyntax whole && model.GetConstantValue(whole).HasValue);
            if (isConstant)
            {
                continue;
            }

            yield return use.Parent is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum
                && model.GetSymbolInfo(sum.Right).Symbol is IParameterSymbol parameter
                    ? parameter
                    : throw CannotTell(use.Parent ?? use);
        }
    }

    private static InvalidOperationException CannotTell(SyntaxNode node) =>
        new($"{node.SyntaxTree.FilePath}: which problem type is this? {node}");

    [GeneratedRegex("\"type\":\"urn:flowbeacon:problems/(?<name>[^\"]+)\",\"title\":\"(?<title>[^\"]+)\",\"status\":(?<status>[0-9]{3})")]
    private static partial Regex Json();
}
