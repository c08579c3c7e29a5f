namespace Migrator.Model;

/// <summary>
/// The identity of a database. A copy by dump and restore, or by CREATE DATABASE … TEMPLATE, has another
/// identity.
/// </summary>
/// <param name="System">The cluster's system identifier, as decimal text.</param>
/// <param name="Oid">The database's object id in its cluster.</param>
/// <param name="Name">The name, for messages only: a renamed database is still the same.</param>
/// <remarks>https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA</remarks>
public sealed record DatabaseIdentity(string System, long Oid, string Name)
{
    public bool IsSameAs(DatabaseIdentity other) => System == other.System && Oid == other.Oid;
}
