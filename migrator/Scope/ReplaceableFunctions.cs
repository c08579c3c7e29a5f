using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>Functions that no stored value and no rule of the copy comes from: another body changes no row.</summary>
static class ReplaceableFunctions
{
    /// <summary>Their names, as definitions.sql has them.</summary>
    public static async Task<HashSet<string>> OfAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        CancellationToken cancellationToken
    ) =>
        // A condition of tenancy.json may call any function, and no catalog tells of that.
        tenancy.Rules.Values.Any(HasCondition)
            ? []
            : [.. await shared.QueryAsync<string>(SqlFile.Read("replaceable-functions.sql"), cancellationToken)];

    static bool HasCondition(TableRule rule) =>
        rule is WhereRule || (rule is AnyOfRule any && any.Rules.Any(HasCondition));
}
