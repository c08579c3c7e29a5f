using Migrator.Model;
using Migrator.Preflight;
using Migrator.Settings;

namespace Migrator.Tests.Support;

/// <summary>What the migrator does with a tenant, in this process; each verb is one call.</summary>
public static class TenantMoveVerbs
{
    /// <param name="stopBefore">A phase before which a person presses Ctrl-C.</param>
    /// <param name="validate">Run the validation after the flip.</param>
    /// <param name="maxPause">How long the tenant's writers may queue.</param>
    public static async Task PromoteAsync(
        this TenantMove move,
        string? stopBefore = null,
        bool validate = true,
        TimeSpan? maxPause = null
    )
    {
        var options = move.Options(validate, maxPause);
        if (stopBefore is null)
            await RunAsync(
                move,
                options,
                null,
                (promotion, cancellationToken) => promotion.PromoteAsync(cancellationToken)
            );
        else
        {
            var stopped = await Assert.ThrowsAsync<MigratorException>(() =>
                RunAsync(
                    move,
                    options,
                    stopBefore,
                    (promotion, cancellationToken) => promotion.PromoteAsync(cancellationToken)
                )
            );
            Assert.Equal(ExitCode.Interrupted, stopped.Code);
        }
    }

    /// <summary>What a person would ask of a promotion.</summary>
    /// <param name="validate">Run the validation after the flip.</param>
    /// <param name="maxPause">
    /// How long the tenant's writers may queue, and how long a cutover waits that is tried again: longer than any machine
    /// takes for a pause, if nothing else is said.
    /// </param>
    public static PromotionOptions Options(this TenantMove move, bool validate = false, TimeSpan? maxPause = null) =>
        new(move.Mode, Jobs: 2, maxPause ?? TimeSpan.FromMinutes(1), validate, []);

    /// <summary>Promotes as the options say.</summary>
    /// <param name="started">Called as each phase starts, which waits for it.</param>
    public static Task PromoteAsync(this TenantMove move, PromotionOptions options, Action<string>? started = null)
    {
        move.Watched = new(started);
        return TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            options,
            move.Watched,
            promotion => promotion.PromoteAsync(TestContext.Current.CancellationToken)
        );
    }

    /// <param name="maxPause">How long the tenant's writers may queue.</param>
    public static Task RollBackAsync(
        this TenantMove move,
        bool dropIsolated = false,
        bool force = false,
        TimeSpan? maxPause = null
    ) =>
        RunAsync(
            move,
            move.Options(maxPause: maxPause),
            null,
            (promotion, cancellationToken) => promotion.RollBackAsync(dropIsolated, force, cancellationToken)
        );

    /// <summary>Rolls back as the options say.</summary>
    /// <param name="started">Called as each phase starts, which waits for it.</param>
    public static Task RollBackAsync(this TenantMove move, PromotionOptions options, Action<string> started)
    {
        move.Watched = new(started);
        return TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            options,
            move.Watched,
            promotion => promotion.RollBackAsync(false, false, TestContext.Current.CancellationToken)
        );
    }

    /// <summary>Takes a finalized tenant out of the fence.</summary>
    public static Task ForgetAsync(this TenantMove move) =>
        RunAsync(
            move,
            move.Options(),
            null,
            (promotion, cancellationToken) => promotion.ForgetAsync(cancellationToken)
        );

    public static Task FinalizeAsync(this TenantMove move, int batchSize = 1_000, bool force = false) =>
        RunAsync(
            move,
            move.Options(),
            null,
            (promotion, cancellationToken) => promotion.FinalizeAsync(batchSize, force, cancellationToken)
        );

    public static async Task<PreflightResult> PreflightAsync(this TenantMove move, Tenancy? tenancy = null)
    {
        PreflightResult? result = null;
        await TenantMove.WithPromotionAsync(
            move.Settings with
            {
                Tenancy = tenancy ?? move.Tenancy,
            },
            move.Parsed,
            move.Options(),
            move.Watched = new(null),
            async promotion => result = await promotion.PreflightAsync(TestContext.Current.CancellationToken)
        );
        return result!;
    }

    static async Task RunAsync(
        TenantMove move,
        PromotionOptions options,
        string? stopBefore,
        Func<Promotion, CancellationToken, Task> verb
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        move.Watched = new(
            stopBefore is null
                ? null
                : phase =>
                {
                    if (phase == stopBefore)
                        stop.Cancel();
                }
        );
        await TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            options,
            move.Watched,
            promotion => verb(promotion, stop.Token)
        );
    }
}
