using Migrator.Model;

namespace Migrator.Settings;

/// <summary>What <c>tables</c> of tenancy.json says of one table: how its rows are chosen.</summary>
public abstract record TableRule;

/// <summary>The row names its tenant in this column.</summary>
/// <param name="NullIsGlobal">A row that names nobody is everybody's.</param>
public sealed record TenantRule(string Column, bool NullIsGlobal = false) : TableRule;

/// <summary>The row is its parent's tenant's, with or without a foreign key that says so.</summary>
/// <param name="By">
/// The row's columns and the parent's columns that they equal; empty where one foreign key leads to the parent.
/// </param>
public sealed record BelongsToRule(TableName Parent, IReadOnlyDictionary<string, string> By) : TableRule;

/// <summary>The row is the tenant's by any of several rules.</summary>
public sealed record AnyOfRule(IReadOnlyList<TableRule> Rules) : TableRule;

/// <summary>The row is the tenant's by one row of several tables, as a column of type tells.</summary>
/// <param name="To">For each value of the type the table whose key the id is.</param>
public sealed record ByTypeRule(string Type, string Id, IReadOnlyDictionary<string, TableName> To) : TableRule;

/// <summary>The row is the tenant's when an SQL condition on its own columns says so.</summary>
/// <param name="Condition">With <c>:tenant</c> for the tenant's key and <c>:slug</c> for its slug.</param>
public sealed record WhereRule(string Condition) : TableRule;

/// <summary>A column of another table, which names rows of this one by their key.</summary>
public readonly record struct NamingColumn(TableName Table, string Column);

/// <summary>The row is the tenant's as long as a row of the tenant names it.</summary>
public sealed record NamedByRule(IReadOnlyList<NamingColumn> Names) : TableRule;

/// <summary>The row is nobody's own, and copied for the tenant as long as a row of the tenant names it.</summary>
/// <param name="Blank">Columns that are not copied.</param>
public sealed record SharedThroughRule(IReadOnlyList<NamingColumn> Names, IReadOnlyList<string> Blank) : TableRule;
