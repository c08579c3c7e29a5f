using System.CommandLine;
using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Migrator.Verification;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>
/// Digests of both sides. Before the flip they must be equal. After it the shared copy must be the one that was verified, and the isolated
/// side may have moved on.
/// </summary>
sealed class VerifyCommand : TenantCommand
{
    const int SampleSize = 10;

    readonly Option<int> jobs = PromoteCommand.Jobs();

    public VerifyCommand()
        : base("verify", "Compare both sides of a promoted tenant row by row, by digest.") => Options.Add(jobs);

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var record = await PromotionJournal.FindAsync(shared, tenant.Key, cancellationToken);
        if (record is null or { EndedAt: not null })
            throw VerificationMessages.NothingToVerify(slug);
        // While changes are on their way the sides meet at one exact point only, and only the promotion can take them there.
        if (record is { IsOnline: true, IsFlipped: false })
            throw VerificationMessages.VerifiesItself(slug);
        var scope = TenantScope.Classify(await Catalog.ReadAsync(shared, cancellationToken), settings.Tenancy);
        var comparison = new Comparison(databases, scope, tenant);
        var results = await comparison.DigestsAsync(parsed.GetValue(jobs), cancellationToken);
        var recorded = await PromotionJournal.DigestsAsync(shared, record.Id, cancellationToken);
        Show(terminal, slug, record, results, recorded);

        if (!record.IsFlipped)
            await comparison.RequireEqualAsync(results, slug, cancellationToken);
        // The tenant's own row was flipped after it had been verified.
        var changed = results
            .Where(result =>
                record.State == PromotionState.Isolated
                && result.Table.IsTenantData
                && result.Table.Scope != TableScope.Root
                && recorded.TryGetValue(result.Table.Name.ToString(), out var then)
                && then != result.Shared
            )
            .ToArray();
        if (changed.Length > 0)
            throw VerificationMessages.SharedCopyChanged(slug, changed.Select(result => result.Table.Name));
    }

    static void Show(
        ConsoleOutput terminal,
        Slug slug,
        PromotionRecord record,
        IReadOnlyList<TableComparison> results,
        IReadOnlyDictionary<string, Digest> recorded
    )
    {
        if (terminal.Json)
        {
            ConsoleOutput.WriteJson(
                new JsonObject
                {
                    ["tenant_slug"] = slug.Text,
                    ["state"] = record.State,
                    ["equal"] = results.All(result => result.IsEqual),
                    ["tables"] = new JsonArray([
                        .. results.Select(result => new JsonObject
                        {
                            ["table"] = result.Table.Name.ToString(),
                            ["equal"] = result.IsEqual,
                            ["shared"] = new JsonObject
                            {
                                ["rows"] = result.Shared.Rows,
                                ["digest"] = result.Shared.Sum,
                            },
                            ["isolated"] = new JsonObject
                            {
                                ["rows"] = result.Isolated.Rows,
                                ["digest"] = result.Isolated.Sum,
                            },
                            ["recorded"] = recorded.TryGetValue(result.Table.Name.ToString(), out var then)
                                ? new JsonObject { ["rows"] = then.Rows, ["digest"] = then.Sum }
                                : null,
                        }),
                    ]),
                    ["next_steps"] = new JsonArray($"migrator status --tenant-slug={slug}"),
                }
            );
            return;
        }
        var table = new Spectre.Console.Table().AddColumns("table", "rows shared", "rows isolated", "").RoundedBorder();
        table.Columns[1].RightAligned();
        table.Columns[2].RightAligned();
        foreach (var result in results)
            table.AddRow(
                Markup.Escape(result.Table.Name.ToString()),
                result.Shared.Rows.ToString("N0"),
                result.Isolated.Rows.ToString("N0"),
                result.IsEqual ? "[green]equal[/]"
                    : record.IsFlipped ? "[yellow]moved on[/]"
                    : "[red]different[/]"
            );
        terminal.Out.Write(table);
    }
}
