using System.Text.Json;
using System.Text.RegularExpressions;
using Pulumi;

namespace Infra;

/// <summary>
/// Reads settings and gathers what is wrong with them, so that a person sees every fault of a stack's file at once. An
/// empty text, an empty list and a -1 mean "not set": <c>Pulumi.yaml</c> declares them as the defaults of optional
/// keys, because the CLI requires a declared key that has no default.
/// </summary>
/// <param name="stack">The stack's name, for the remedy in a message.</param>
/// <param name="config">The stack's settings.</param>
/// <param name="platform">Outputs of the platform stack, which stand in for keys that the stack does not set
/// itself.</param>
sealed class ConfigReader(string stack, Config config, Func<string, object?> platform)
{
    /// <summary>Stands for an output of the platform stack that is a secret, which no plain setting may be.</summary>
    public const string SecretOutput = "\0secret";

    readonly string project = Deployment.Instance.ProjectName;
    readonly List<string> faults = [];

    /// <summary>Adds a fault that concerns more than one key.</summary>
    public void Fault(string key, string problem, string remedy) => faults.Add($"{project}:{key} {problem}. {remedy}.");

    /// <summary>Ends the program with all faults, if there are any.</summary>
    public void ThrowIfFaulty()
    {
        if (faults.Count > 0)
            throw new ConfigFaultException(stack, faults);
    }

    public string Text(string key, string pattern, string expected, string? fallback = null) =>
        Checked(
            key,
            Setting(key) ?? fallback,
            pattern,
            expected,
            $"Run 'pulumi config set {key} <value> --stack {stack}'"
        );

    /// <summary>A fact that the platform stack or, failing that, the stack's own file gives.</summary>
    public string Platform(string key, string pattern, string expected, string? fallback = null) =>
        Checked(
            key,
            Setting(key) ?? Blank(platform(key)?.ToString()) ?? fallback,
            pattern,
            expected,
            $"Set it in Pulumi.{stack}.yaml, or name in platformStack a stack that has it as an output"
        );

    public IReadOnlyList<string> PlatformList(string key, string pattern, string expected)
    {
        var remedy = $"Set it in Pulumi.{stack}.yaml, or name in platformStack a stack that has it as an output";
        var items = Setting(key) is { } json ? Parse(json) : Items(platform(key));
        if (items is null)
            Fault(key, "is not a list of texts", remedy);
        else if (items.Count == 0)
            Fault(key, $"is missing: {expected}", remedy);

        foreach (var item in items ?? [])
            Checked(key, item, pattern, expected, remedy);

        return items ?? [];

        static IReadOnlyList<string> Items(object? value) =>
            value is System.Collections.IEnumerable and not string
                ? [.. ((System.Collections.IEnumerable)value).Cast<object>().Select(item => item.ToString()!)]
                : [];
    }

    /// <summary>A list of texts of the stack's own file; empty when it is not set.</summary>
    public IReadOnlyList<string> List(string key, string pattern, string expected)
    {
        var remedy = $"Set it in Pulumi.{stack}.yaml";
        var items = Setting(key) is { } json ? Parse(json) : [];
        if (items is null)
            Fault(key, "is not a list of texts", remedy);

        foreach (var item in items ?? [])
            Checked(key, item, pattern, expected, remedy);

        return items ?? [];
    }

    public string Choice(string key, string fallback, params string[] allowed)
    {
        var value = Setting(key) ?? fallback;
        if (!allowed.Contains(value))
            Fault(
                key,
                $"is '{value}', allowed are {string.Join(", ", allowed)}",
                $"Run 'pulumi config set {key} {fallback} --stack {stack}'"
            );

        return value;
    }

    public int Integer(string key, int fallback, int min, int max)
    {
        if (Setting(key) is not { } text)
            return fallback;

        if (int.TryParse(text, out var value) && value >= min && value <= max)
            return value;

        Fault(
            key,
            $"is '{text}', allowed are whole numbers from {min} to {max}",
            $"Run 'pulumi config set {key} {fallback} --stack {stack}'"
        );
        return fallback;
    }

    public bool Flag(string key, bool fallback)
    {
        switch (Setting(key))
        {
            case null:
                return fallback;
            case "true":
                return true;
            case "false":
                return false;
            case var text:
                Fault(
                    key,
                    $"is '{text}', allowed are true and false",
                    $"Run 'pulumi config set {key} {(fallback ? "true" : "false")} --stack {stack}'"
                );
                return fallback;
        }
    }

    /// <summary>A secret; its text never enters a message.</summary>
    public Output<string> Secret(string key, int minLength, Func<string, string?>? objection = null)
    {
        var text = Setting(key);
        if (text is null)
            Fault(key, "is missing", $"Run 'pulumi config set --secret {key} --stack {stack}'");
        else if (
            (text.Length < minLength ? $"is shorter than {minLength} characters" : objection?.Invoke(text)) is
            { } problem
        )
            Fault(key, problem, $"Run 'pulumi config set --secret {key} --stack {stack}' with a generated one");

        return Output.CreateSecret(text ?? "");
    }

    static IReadOnlyList<string>? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<List<string>>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // A faulty value reads as empty, and so does one that falls back on it: one cause, one fault.
    string Checked(string key, string? value, string pattern, string expected, string remedy)
    {
        if (value is null)
            Fault(key, $"is missing: {expected}", remedy);
        else if (value == SecretOutput)
            Fault(key, "is a secret output of the platform stack", "Make it a plain one there");
        else if (value == "" || Regex.IsMatch(value, $@"\A(?:{pattern})\z"))
            return value;
        else
            Fault(key, $"is '{value}', expected {expected}", remedy);

        return "";
    }

    string? Setting(string key) => Blank(config.Get(key));

    static string? Blank(string? text) => text is "" or "[]" or "-1" ? null : text;
}

/// <summary>Everything that is wrong with a stack's settings; ends the program without a stack trace.</summary>
public sealed class ConfigFaultException(string stack, IReadOnlyList<string> faults)
    : RunException(
        $"Stack '{stack}' cannot be deployed, nothing was changed:\n"
            + string.Join('\n', faults.Select(fault => $"  - {fault}"))
    );
