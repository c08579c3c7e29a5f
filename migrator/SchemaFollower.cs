using Migrator.Connections;
using Migrator.Cutover;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;

namespace Migrator;

/// <summary>
/// DDL in the shared database while a tenant moves. What does the tenant no harm is made in the isolated database too, or
/// ignored. What concerns single tables costs the copy of these tables (<see cref="SchemaRebuild"/>). Anything else stops
/// the promotion within a minute.
/// </summary>
static class SchemaFollower
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // The watch takes at most a twentieth of one of the server's processors.
    const int RestPerWork = 20;

    /// <summary>Runs phases; looks at the shared schema meanwhile.</summary>
    /// <exception cref="SchemaMovedException">It has changed, and the change is not one to ignore.</exception>
    public static async Task GuardAsync(
        PromotionRun run,
        Func<CancellationToken, Task> work,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await Watched.RunAsync(token => WatchAsync(run, token), work, cancellationToken);
        }
        catch (Exception e) when (IsOfAServer(e) && !cancellationToken.IsCancellationRequested)
        {
            // A row that has no place in the isolated database may be the first to tell of the change.
            await Flip.RequireSameSchemaAsync(run, cancellationToken);
            throw;
        }
    }

    static bool IsOfAServer(Exception e) => e is PostgresException || e.InnerException is PostgresException;

    /// <summary>Brings the isolated database up to the shared schema, before phases run.</summary>
    /// <param name="moved">Why the attempt before ended.</param>
    /// <returns>The schema has changed since it was recorded, and maybe since the run has read it: only a new run knows it.</returns>
    /// <exception cref="MigratorException">The copy cannot follow; the message names the objects.</exception>
    public static async Task<bool> FollowAsync(
        PromotionRun run,
        SchemaMovedException? moved,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var changes = await SchemaRecord.ChangesAsync(shared, run.Id, cancellationToken);
        var verdict = await SchemaVerdict.OfAsync(shared, run.Tenancy, changes, cancellationToken);
        if (verdict.Stopping.Count > 0 || (verdict.Rebuilt.Count > 0 && !run.Record.IsOnline))
            throw PromotionMessages.SchemaChanged(run.Tenant.Slug, $"{verdict}");
        if (changes.Count == 0 && moved is not null)
            throw PromotionMessages.SchemaChanged(run.Tenant.Slug, moved.Message);
        if (changes.Count == 0)
            return false;
        if (verdict.Rebuilt.Count > 0)
            await SchemaRebuild.RunAsync(run, verdict.RebuiltRelations, cancellationToken);
        if (verdict.Rebuilt.Count + verdict.Followed.Count > 0 && run.Record.IsDone(PhaseName.CloneSchema))
            await MakeAsync(run, verdict, cancellationToken);
        if (verdict.Rebuilt.Count > 0 && run.Record.IsDone(PhaseName.InstallGuard))
            await run.Guard.InstallAsync(GuardState.Open, cancellationToken);
        await AcceptAsync(run, changes, cancellationToken);
        if (!verdict.IsHarmless)
            run.Progress.Info(PromotionMessages.SchemaFollowed($"{verdict}", verdict.RebuiltRelations));
        return true;
    }

    static async Task MakeAsync(PromotionRun run, SchemaVerdict verdict, CancellationToken cancellationToken)
    {
        await using (var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken))
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            // What is made anew comes whole.
            var added = verdict.Followed.Where(change => !verdict.RebuiltRelations.Any(one => one == change.Table));
            await SchemaAdditions.AddAsync(shared, isolated, [.. added], cancellationToken);
        }
        var archive = await run.ArchiveAsync(cancellationToken);
        await archive.RestoreNewAsync(run.Databases, cancellationToken);
        // A function that takes a row of a table that is made anew went with the table, and is new as well.
        await ReplaceFunctionsAsync(run, verdict.Followed, cancellationToken);
        await IsolatedDatabase.CloseAsync(run, cancellationToken);
        // The phases that come again after a rebuild build all of it: rows that foreign keys look for are not there yet.
        if (verdict.Rebuilt.Count == 0)
            await BuildAsync(run, archive, verdict.Followed, cancellationToken);
    }

    static async Task BuildAsync(
        PromotionRun run,
        SchemaArchive archive,
        IReadOnlyList<SchemaChange> followed,
        CancellationToken cancellationToken
    )
    {
        SchemaPart[] built =
            run.Record.IsDone(PhaseName.BuildSchema) ? [SchemaPart.PrimaryKeys, SchemaPart.PostData]
            : run.Record.IsDone(PhaseName.CatchUp) ? [SchemaPart.PrimaryKeys]
            : [];
        if (built.Length > 0)
            await archive.RestoreAsync(built, run.Databases, 1, cancellationToken);
        if (run.Record.IsDone(PhaseName.CloneTriggersAndPolicies))
            await ConstraintDeferral.SuspendAsync(run.Stream, cancellationToken);
        // A partition has the guard's row triggers from its table, and the others from here.
        if (
            run.Record.IsDone(PhaseName.InstallGuard)
            && followed.Any(change => change is { IsRelation: true, IsWhole: false })
        )
            await run.Guard.InstallAsync(GuardState.Open, cancellationToken);
    }

    // CREATE OR REPLACE leaves owners and grants alone, and takes no other result type. Only what then is the shared
    // definition, its owner included, is committed: somebody else may have made another function of that name, and here the
    // former owner would run its body.
    static async Task ReplaceFunctionsAsync(
        PromotionRun run,
        IReadOnlyList<SchemaChange> followed,
        CancellationToken cancellationToken
    )
    {
        SchemaChange[] functions = [.. followed.Where(change => change is { Kind: "function", IsNew: false })];
        if (functions.Length == 0)
            return;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
        try
        {
            await SchemaAdditions.ReplaceFunctionsAsync(shared, isolated, functions, cancellationToken);
        }
        catch (PostgresException e)
        {
            throw PromotionMessages.SchemaChanged(run.Tenant.Slug, $"{string.Join("; ", functions)}: {e.MessageText}");
        }
        var differing = await SchemaRecord.DifferingAsync(isolated, functions, cancellationToken);
        if (differing.Count > 0)
            throw PromotionMessages.SchemaChanged(run.Tenant.Slug, string.Join(", ", differing));
        await transaction.CommitAsync(cancellationToken);
    }

    static async Task WatchAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var rest = Interval;
        while (true)
        {
            await Task.Delay(rest, run.Clock, cancellationToken);
            var began = run.Clock.GetTimestamp();
            var changes = await SchemaRecord.ChangesAsync(shared, run.Id, cancellationToken);
            var took = run.Clock.GetElapsedTime(began);
            rest = TimeSpan.FromSeconds(Math.Clamp(took.TotalSeconds * RestPerWork, Interval.TotalSeconds, 45));
            if (changes.Count == 0)
                continue;
            var verdict = await SchemaVerdict.OfAsync(shared, run.Tenancy, changes, cancellationToken);
            if (!verdict.IsHarmless)
                throw PromotionMessages.SchemaMoved($"{verdict}");
            if (verdict.Ignored.Count > 0)
                await AcceptAsync(run, verdict.Ignored, cancellationToken);
        }
    }

    static async Task AcceptAsync(
        PromotionRun run,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken
    )
    {
        // In this order: after a kill in between, the changes are found again.
        await run.RecordSchemaAsync(cancellationToken);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var transaction = await shared.BeginTransactionAsync(cancellationToken);
        await run.RequireCurrentRunAsync(shared, cancellationToken);
        await SchemaRecord.AcceptAsync(shared, run.Id, changes, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
