using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>What every check looks at, and where it puts what it finds.</summary>
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
    public Slug Slug => Tenant.Slug;

    /// <summary>What stops the promotion.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>What a person should know besides.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The condition that a row, seen as <paramref name="alias"/>, is the tenant's.</summary>
    public string Condition(ScopedTable table, string alias) => Scope.Condition(table, alias, Tenant.Key);
}
