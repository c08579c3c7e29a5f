using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>The input of every check, and the lists that receive its findings.</summary>
/// <param name="Shared">The shared database, in one read-only snapshot.</param>
/// <param name="Server">The isolated database's server.</param>
sealed record PreflightContext(
    Tenancy Tenancy,
    Databases Databases,
    Tenant Tenant,
    NpgsqlConnection Shared,
    NpgsqlConnection Server,
    Catalog Catalog,
    TenantScope Scope
)
{
    /// <summary>The snapshot of all reads, for other sessions.</summary>
    public required string Snapshot { get; init; }

    /// <summary>How many sessions may read side by side.</summary>
    public int Jobs { get; init; } = 1;

    public Slug Slug => Tenant.Slug;

    /// <summary>Findings that stop the promotion.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Other findings that the user should know.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>
    /// Whether a check may read a table while other checks may still refuse its owner: to read the table of a stranger runs the
    /// stranger's code.
    /// </summary>
    public bool IsRead(TableDefinition table) => !Catalog.IsStrangers(table, Tenancy.Table);

    /// <summary>What is copied of tables whose rows have no owner.</summary>
    public List<UnownedRows> Unowned { get; } = [];

    /// <summary>The condition under which a row, with the alias <paramref name="alias"/>, is the tenant's.</summary>
    public string Condition(ScopedTable table, string alias) => Scope.Condition(table, alias, Tenant.Id);

    /// <summary>The condition under which a row is copied.</summary>
    public string Copied(ScopedTable table, string alias) => Scope.Copied(table, alias, Tenant.Id);

    /// <summary>Asks several questions side by side, all of the one snapshot.</summary>
    /// <returns>The answers in the order of the questions.</returns>
    public async Task<IReadOnlyList<T>> SideBySideAsync<T>(
        IReadOnlyList<string> questions,
        CancellationToken cancellationToken
    )
    {
        var answers = new T[questions.Count];
        await Parallel.ForEachAsync(
            questions.Index(),
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (question, token) =>
            {
                await using var connection = await Databases.Shared.OpenConnectionAsync(token);
                await using var reading = await Snapshots.BeginAsync(connection, Snapshot, token);
                await connection.ExecuteAsync("SET TRANSACTION READ ONLY", token);
                answers[question.Index] = await connection.QuerySingleAsync<T>(question.Item, token);
            }
        );
        return answers;
    }

    /// <summary>A role that may only look may see the plan all the same.</summary>
    public async Task CheckWriteAccessAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (await WriteAccess.FindAsync(connection, cancellationToken) is not { } refusal)
            return;
        var list = refusal.OfRole ? Warnings : Faults;
        if (!list.Contains(refusal.Sentence))
            list.Add(refusal.Sentence);
    }
}
