using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Migrator.Verification;
using Npgsql;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>
/// Digests of both sides. Before the flip they must be equal. After the flip the shared copy must be the one that was
/// verified, and the isolated side may have moved on.
/// </summary>
sealed class VerifyCommand : TenantCommand
{
    readonly Option<int> jobs;
    readonly Option<bool> explain;
    readonly Option<bool> showValues;

    public VerifyCommand()
        : base("verify", "Compare both sides of a promoted tenant row by row, by digest.")
    {
        jobs = Add(CommonOptions.Jobs());
        explain = Add<bool>(
            new("--explain")
            {
                Description =
                    "Name rows that differ, the columns, and which transaction wrote each side last; reads each table "
                    + "that differs again.",
            }
        );
        showValues = Add<bool>(
            new("--show-values") { Description = "With --explain: the values too, which are the tenant's data." }
        );
        Validators.Add(result =>
        {
            if (result.GetValue(showValues) && !result.GetValue(explain))
                result.AddError(ExplanationMessages.ValuesOfWhat);
        });
    }

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
        var record = Comparable(await JournalReader.FindAsync(shared, tenant.Key, cancellationToken), slug);
        var scope = (await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken)).Readable();
        (scope, var common) = await IsolatedDatabase.ScopesAsync(databases, record, scope, cancellationToken);
        var comparison = new Comparison(databases, common, tenant);
        var jobsAsked = parsed.GetValue(jobs);
        var results = await comparison.DigestsAsync(jobsAsked, cancellationToken);
        var recorded = await JournalReader.RecordedAsync(shared, record.Id, cancellationToken);
        var explained = parsed.GetValue(explain)
            ? await new Explanation(databases, common, tenant, recorded).OfAsync(
                results,
                parsed.GetValue(showValues),
                cancellationToken
            )
            : null;
        var document = Describe(slug, record, results, recorded, explained);
        if (!terminal.Json)
            Show(terminal.Out, record, results);
        if (!terminal.Json && explained is not null)
            ShownDifferences.Write(terminal.Out, explained, parsed.GetValue(showValues));
        await ReportAsync(
            terminal,
            document,
            () =>
                record.IsFlipped
                    ? RequireUntouchedAsync(
                        terminal,
                        record,
                        shared,
                        (databases, scope, tenant),
                        jobsAsked,
                        cancellationToken
                    )
                    : comparison.RequireEqualAsync(results, slug, cancellationToken)
        );
    }

    /// <summary>The promotion, if it has two sides that can be compared now.</summary>
    static PromotionRecord Comparable(PromotionRecord? record, Slug slug)
    {
        if (record is { State: PromotionState.Finalized })
            throw VerificationMessages.Finalized(slug);
        if (record is null or { EndedAt: not null })
            throw VerificationMessages.NothingToVerify(slug);
        // While changes stream the sides are equal at a consistent point only, and only the promotion has one.
        if (record is { IsOnline: true, IsFlipped: false })
            throw VerificationMessages.VerifiesItself(slug);
        if (!record.IsFlipped && record.Phase(PhaseName.CopyData)?.EndedAt is null)
            throw VerificationMessages.NothingCopied(slug);
        return record;
    }

    // One document tells the tables and what is wrong with them.
    static async Task ReportAsync(ConsoleOutput terminal, VerifyDocument document, Func<Task> requireRightRows)
    {
        try
        {
            await requireRightRows();
        }
        catch (MigratorException different) when (terminal.Json)
        {
            terminal.WriteJson(
                document with
                {
                    Error = different.Message,
                    ExitCode = (int)different.Code,
                    NextSteps = ConsoleOutput.CommandsIn(different.Message),
                }
            );
            throw new MigratorException(different.Code, different.Message, different.InnerException)
            {
                IsInDocument = true,
            };
        }
        if (terminal.Json)
            terminal.WriteJson(document);
    }

    // After the flip the shared copy must be the one that was verified, until a rollback writes to it.
    static async Task RequireUntouchedAsync(
        ConsoleOutput terminal,
        PromotionRecord record,
        NpgsqlConnection shared,
        (Databases Databases, TenantScope Scope, Tenant Tenant) of,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        var slug = of.Tenant.Slug;
        if (record.State != PromotionState.Isolated)
            return;
        if (record.HasRollbackWritten)
        {
            terminal.Error.MarkupLineInterpolated($"[yellow]![/] {VerificationMessages.RollbackBegan(slug)}");
            return;
        }
        var then = await JournalReader.RecordedAsync(shared, record.Id, cancellationToken);
        var flipped = new FlippedRows(of.Databases, of.Scope, of.Tenant, then);
        var changed = (await flipped.CheckAsync(jobs, cancellationToken)).Where(check => !check.IsUntouched).ToArray();
        if (changed.Length > 0)
            throw VerificationMessages.SharedCopyChanged(slug, changed.Select(check => check.Table.Name));
    }

    static VerifyDocument Describe(
        Slug slug,
        PromotionRecord record,
        IReadOnlyList<TableComparison> results,
        IReadOnlyDictionary<string, RecordedTable> recorded,
        IReadOnlyList<ExplainedTable>? explained
    )
    {
        VerifyDocument.TableEntry Entry(TableComparison result)
        {
            var name = result.Table.Name.ToString();
            return new(
                name,
                result.IsEqual,
                VerifyDocument.Side.Of(result.Shared),
                VerifyDocument.Side.Of(result.Isolated),
                recorded.TryGetValue(name, out var then) ? VerifyDocument.Side.Of(then.Digest) : null
            );
        }
        return new(
            slug.Text,
            record.State,
            results.All(result => result.IsEqual),
            [.. results.Select(Entry)],
            [$"migrator status --tenant-slug={slug}"]
        )
        {
            Differences = explained is null ? null : [.. explained.SelectMany(DifferenceEntry.Of)],
            NotKnown = explained is null ? null : ExplanationMessages.NotKnown(ShownDifferences.HaveTimes(explained)),
        };
    }

    static void Show(IAnsiConsole console, PromotionRecord record, IReadOnlyList<TableComparison> results)
    {
        var table = new Table().AddColumns("table", "rows shared", "rows isolated", "").RoundedBorder();
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
        console.Write(table);
    }
}
