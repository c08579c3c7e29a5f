using Migrator.Copying;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Streaming;

namespace Migrator.Cutover;

/// <summary>
/// What a pause in mode online brings over and compares behind the closed guard, in a cutover and in its rehearsal.
/// </summary>
/// <param name="Feed">The stream, which ends with the last change.</param>
/// <param name="Keyless">Rows that no stream can name.</param>
/// <param name="Highest">The highest values of the sequences before the pause.</param>
/// <param name="Parts">Where to note how long each part takes.</param>
public sealed record LastChanges(
    PromotionRun Run,
    ChangeFeed Feed,
    KeylessRows Keyless,
    IReadOnlyDictionary<TableName, long> Highest,
    PauseParts Parts
)
{
    /// <summary>Afterwards the isolated database has the tenant's rows as they stand still in the shared one.</summary>
    public async Task BringAsync(CancellationToken cancellationToken)
    {
        await Parts.MeasureAsync(
            PauseParts.Changes,
            () => Feed.WaitForLastChangeAsync(Run.Databases.Shared, cancellationToken)
        );
        await Task.WhenAll(
            // The flip is itself a change of the shared database, and must not reach the isolated one.
            Parts.MeasureAsync(PauseParts.End, () => Feed.DisposeAsync().AsTask()),
            Parts.MeasureAsync(PauseParts.Looks, () => LookAsync(cancellationToken)),
            Parts.MeasureAsync(
                PauseParts.Compare,
                () =>
                    CutoverLoop.RecheckAsync(
                        Run,
                        StreamDirection.Forward(Run.Stream),
                        Run.Touched,
                        null,
                        cancellationToken
                    )
            ),
            Parts.MeasureAsync(
                PauseParts.Sequences,
                () => SequenceSetter.SetAsync(Run.Databases, Run.Scope, Run.Id, Highest, cancellationToken)
            )
        );
        await Parts.MeasureAsync(PauseParts.Keyless, () => Keyless.CatchUpAsync(cancellationToken));
    }

    async Task LookAsync(CancellationToken cancellationToken)
    {
        await Flip.RequireSameSchemaAsync(Run, cancellationToken);
        await Run.Guard.RequireStandingAsync(cancellationToken);
    }
}
