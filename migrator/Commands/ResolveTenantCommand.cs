using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>
/// Tells a workflow which tenant a pull request asks for: by the label <c>promote-tenant:acme-corp</c>, else by a title
/// <c>[TENANT: acme-corp] …</c> under the label <c>promote-tenant</c>, else by a line <c>Tenant: acme-corp</c> of its
/// text, else the default. The labels <c>rehearse-tenant</c> name a tenant as well.
/// </summary>
/// <remarks>
/// Anybody can write titles and texts. What comes out is a slug of a committed stack or nothing, and places that name
/// different tenants are a refusal, never a choice.
/// https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
/// </remarks>
sealed partial class ResolveTenantCommand : MigratorCommand
{
    const string Label = "promote-tenant";

    static readonly string[] Labels = [Label, "rehearse-tenant"];

    readonly Option<FileInfo> payload;
    readonly Option<string?> otherwise;
    readonly Option<DirectoryInfo> registry;

    public ResolveTenantCommand()
        : base("resolve-tenant", "Tell which tenant a pull request asks to promote or to rehearse.")
    {
        payload = Add<FileInfo>(
            new("--event") { Description = "The event as GitHub wrote it ($GITHUB_EVENT_PATH).", Required = true }
        );
        otherwise = Add<string?>(new("--default") { Description = "The tenant when the pull request names none." });
        registry = Add<DirectoryInfo>(
            new("--registry")
            {
                Description = "Folder of the committed stacks, Pulumi.<slug>.yaml (default: the working folder).",
                DefaultValueFactory = _ => new DirectoryInfo("."),
            }
        );
    }

    protected override async Task<ExitCode> RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        CancellationToken cancellationToken
    )
    {
        var mentions = await ReadAsync(parsed.GetValue(payload)!, cancellationToken);
        var (source, slug) = Resolve(mentions, parsed.GetValue(otherwise), parsed.GetValue(registry)!);
        if (terminal.Json)
            terminal.WriteJson(
                new ResolveTenantDocument(slug.Text, source, [$"migrator promote --tenant-slug={slug} --dry-run"])
            );
        else
            Console.Out.WriteLine($"slug={slug}");
        return ExitCode.Done;
    }

    /// <summary>Where the event names a tenant, the most explicit place first.</summary>
    static async Task<IReadOnlyList<(string Source, string Text)>> ReadAsync(
        FileInfo file,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var stream = file.OpenRead();
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellationToken);
            return Mentions(document.RootElement);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
            )
        {
            throw PullRequestMessages.EventUnreadable(file.Name, e);
        }
    }

    static List<(string Source, string Text)> Mentions(JsonElement root)
    {
        if (!root.TryGetProperty("pull_request", out var request) && !root.TryGetProperty("issue", out request))
            return [];
        var labels = request
            .GetProperty("labels")
            .EnumerateArray()
            .Select(label => label.GetProperty("name").GetString() ?? "")
            .ToList();
        var mentions = new List<(string Source, string Text)>();
        foreach (var label in labels)
            if (Labels.FirstOrDefault(one => label.StartsWith($"{one}:", StringComparison.Ordinal)) is { } ours)
                mentions.Add(("label", label[(ours.Length + 1)..]));
        if (labels.Intersect(Labels).Any() || mentions.Count > 0)
            foreach (Match match in InTitle().Matches(request.GetProperty("title").GetString() ?? ""))
                mentions.Add(("title", match.Groups[1].Value.Trim()));
        if (request.TryGetProperty("body", out var body) && body.GetString() is { } text)
            foreach (Match match in InBody().Matches(text))
                mentions.Add(("text", match.Groups[1].Value.Trim()));
        return mentions;
    }

    static (string Source, Slug Slug) Resolve(
        IReadOnlyList<(string Source, string Text)> mentions,
        string? otherwise,
        DirectoryInfo registry
    )
    {
        var named = mentions.Select(mention => (mention.Source, Slug: Parse(mention.Source, mention.Text))).ToList();
        if (named.DistinctBy(mention => mention.Slug).Count() > 1)
            throw PullRequestMessages.TenantsNamedDiffer(named);
        if (named.Count == 0)
            named = otherwise is null
                ? throw PullRequestMessages.NoTenantNamed(Label)
                : [("default", Parse("default", otherwise))];
        if (!File.Exists(Path.Combine(registry.FullName, $"Pulumi.{named[0].Slug}.yaml")))
            throw PullRequestMessages.StackNotCommitted(named[0].Slug);
        return named[0];
    }

    static Slug Parse(string source, string text) =>
        Slug.TryParse(text, out var slug) ? slug : throw PullRequestMessages.NamedTenantInvalid(source, text);

    [GeneratedRegex(@"\[TENANT:([^\]]*)\]", RegexOptions.IgnoreCase)]
    private static partial Regex InTitle();

    [GeneratedRegex(@"^Tenant:(.*)$", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex InBody();
}
