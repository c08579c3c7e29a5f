using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// The presets of <c>ALTER DATABASE … SET</c> and <c>ALTER ROLE … IN DATABASE … SET</c> in the shared database.
/// </summary>
public static class DatabaseSettings
{
    /// <summary>Copies the shared database's presets to the isolated one, for all roles or for one.</summary>
    public static async Task CopyAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var settings = await shared.QueryAsync<(string? Role, string Setting)>(
            """
            SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole)::text END, unnest(s.setconfig)
            FROM pg_db_role_setting s
            WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            cancellationToken
        );
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var database = Sql.Identifier(run.Tenant.Slug.DatabaseName);
        foreach (var (role, setting) in settings)
        {
            var (name, value) = (setting[..setting.IndexOf('=')], setting[(setting.IndexOf('=') + 1)..]);
            var parameter = string.Join('.', name.Split('.').Select(Sql.Identifier));
            try
            {
                await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
                await isolated.ExecuteAsync(
                    "SELECT set_config(@name, @value, true)",
                    new { name, value },
                    cancellationToken
                );
                await isolated.ExecuteAsync(
                    role is null
                        ? $"ALTER DATABASE {database} SET {parameter} FROM CURRENT"
                        : $"ALTER ROLE {Sql.Identifier(role)} IN DATABASE {database} SET {parameter} FROM CURRENT",
                    cancellationToken
                );
                await transaction.CommitAsync(cancellationToken);
            }
            catch (PostgresException e)
                when (e.SqlState
                        is PostgresErrorCodes.InsufficientPrivilege
                            or PostgresErrorCodes.UndefinedObject
                            or PostgresErrorCodes.InvalidParameterValue
                )
            {
                run.Progress.Warn(PromotionMessages.SettingNotCopied(name, ServerErrors.Text(e)));
            }
        }
    }
}
