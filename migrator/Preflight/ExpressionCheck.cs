using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>
/// The application's functions in CHECKs, generated columns and indexes. They run in sessions of the migrator and of
/// pg_restore, whose search path is not the application's, and while other tables are still empty.
/// </summary>
sealed class ExpressionCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var expressions = await context.Shared.QueryAsync<Expression>(
            SqlFile.Read("expressions.sql"),
            // What strangers have made is refused for its owner, and not computed.
            new
            {
                tables = context
                    .Scope.CopiedTables.Where(table => table.Table.Owned)
                    .Select(table => (long)table.Table.Oid)
                    .ToArray(),
            },
            cancellationToken
        );
        foreach (var table in expressions.GroupBy(expression => new TableName(expression.Schema, expression.Table)))
        {
            foreach (var expression in table.Where(expression => expression.Reads is not null))
                context.Faults.Add(
                    ObjectMessages.CheckReadsTable(table.Key, expression.Name, expression.Reads!, expression.Text)
                );
            foreach (var expression in table)
                if (await FailureAsync(table.Key, expression, cancellationToken) is { } failure)
                {
                    context.Faults.Add(
                        ObjectMessages.FunctionNeedsSearchPath(
                            table.Key,
                            $"{expression.Kind} {expression.Name}",
                            failure,
                            expression.Functions,
                            await SearchPathAsync(cancellationToken)
                        )
                    );
                    // The planner looks at an index's expressions for every statement on its table.
                    break;
                }
        }
    }

    // What the expression gives for one row, as our sessions would compute it.
    async Task<string?> FailureAsync(TableName table, Expression expression, CancellationToken cancellationToken)
    {
        await context.Shared.ExecuteAsync("SAVEPOINT expression", cancellationToken);
        try
        {
            await context.Shared.ExecuteAsync(
                $"SELECT {expression.Text} FROM {table.Quoted} LIMIT 1",
                cancellationToken
            );
            return null;
        }
        catch (PostgresException e)
            when (e.SqlState
                    is PostgresErrorCodes.UndefinedFunction
                        or PostgresErrorCodes.UndefinedTable
                        or PostgresErrorCodes.UndefinedObject
                        or PostgresErrorCodes.InvalidSchemaName
            )
        {
            return e.MessageText;
        }
        finally
        {
            await context.Shared.ExecuteAsync("ROLLBACK TO SAVEPOINT expression", cancellationToken);
        }
    }

    // As the application's sessions have it: the role's own setting before the database's.
    async Task<string> SearchPathAsync(CancellationToken cancellationToken) =>
        await context.Shared.ExecuteScalarAsync<string?>(
            """
            SELECT substr(setting, length('search_path=') + 1)
            FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
            WHERE starts_with(setting, 'search_path=')
              AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
              AND s.setrole IN (0, coalesce(to_regrole(@role)::oid, 0))
            ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1
            """,
            new { role = Sql.Identifier(context.Tenancy.ApplicationRole) },
            cancellationToken
        ) ?? "public";

    sealed class Expression
    {
        public string Schema { get; init; } = "";
        public string Table { get; init; } = "";
        public string Kind { get; init; } = "";
        public string Name { get; init; } = "";
        public string Text { get; init; } = "";
        public string[] Functions { get; init; } = [];
        public string? Reads { get; init; }
    }
}
