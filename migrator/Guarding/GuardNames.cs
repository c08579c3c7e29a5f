using Migrator.Model;

namespace Migrator.Guarding;

/// <summary>
/// What a tenant's guard has of its own in the schema <c>tenant_promotion</c>, besides a row in the guard's table.
/// </summary>
/// <remarks>
/// Only the owner of a table may lock it, apart from superusers; any login can take an advisory lock.
/// https://www.postgresql.org/docs/current/sql-lock.html
/// </remarks>
sealed class GuardNames(Tenant tenant)
{
    readonly string prefix = WriteGuard.PrefixOf(tenant.Key);

    /// <summary>
    /// An empty table. Each write locks it until its transaction ends; whoever pauses the writes locks it alone.
    /// </summary>
    public string Gate => prefix + GateSuffix;

    public const string GateSuffix = "_gate";

    /// <summary>
    /// An empty table. The run that has closed the guard keeps it locked: a write can tell whether that run lives.
    /// </summary>
    public string Run => prefix + "_run";

    /// <summary>
    /// A sequence, because its value is no matter of snapshots. <see cref="Calm"/> says that the guard is open and that
    /// the tenant has never left, anything else that a write has to look at the guard's row. A write of many rows would
    /// pay for that look with each of them.
    /// </summary>
    public string Attention => prefix + AttentionSuffix;

    public const string AttentionSuffix = "_attention";

    public const int Calm = 1;
    public const int Look = 2;

    /// <summary>
    /// The tenant has left, and its rows may have changed elsewhere. Does not become <see cref="Calm"/> again: a
    /// transaction with a snapshot from before must find that the guard's row has changed.
    /// </summary>
    public const int Left = 3;

    /// <summary>
    /// A table of changes to rows without a key, which no stream can name: each row as it was or has become, and the
    /// transaction that changed it. See <see cref="GuardTriggers.Notes"/>.
    /// </summary>
    public string Log => prefix + "_log";

    /// <summary>
    /// A sequence, which has a value as soon as a row has changed its tenant; no end of a transaction takes that back.
    /// See <see cref="UnseenWriters"/>.
    /// </summary>
    public string Travelled => prefix + "_travelled";

    /// <summary>The condition that <see cref="Travelled"/> has a value.</summary>
    public string HasTravelled => $"pg_sequence_last_value({Sql.Literal(Quoted(Travelled))}::regclass) IS NOT NULL";

    /// <summary>The function that lets a write pass.</summary>
    public string Pass => prefix + "_pass";

    /// <summary>The trigger function of the tables whose rows name the tenant, for INSERT and UPDATE.</summary>
    public string New => prefix + "_new";

    /// <summary>
    /// The same for DELETE. A function that asks for the operation would cost more than a second function does.
    /// </summary>
    public string Old => prefix + "_old";

    /// <summary>
    /// The trigger function of the tenant's own row. The flip locks that row's table, so a write of the row does not
    /// wait for the flip.
    /// </summary>
    public string Root => prefix + "_root";

    /// <summary>What <see cref="Pass"/> is for writes of the tenants' table, where a tenant is a tree of its rows.</summary>
    public string PassAtOnce => prefix + "_pass_at_once";

    /// <summary>The statements that create <see cref="PassAtOnce"/>; safe to repeat.</summary>
    public string CreatePassAtOnce() =>
        Function(PassAtOnce, "void", LockGateAtOnce, "RETURN;", skip: "") + SqlFile.Read("own-rights.sql");

    /// <summary>The statements that create them; safe to repeat.</summary>
    public string Create() =>
        $"""
            CREATE TABLE IF NOT EXISTS {Quoted(Gate)} () WITH (autovacuum_enabled = off);
            CREATE TABLE IF NOT EXISTS {Quoted(Run)} () WITH (autovacuum_enabled = off);
            CREATE SEQUENCE IF NOT EXISTS {Quoted(Attention)};
            CREATE SEQUENCE IF NOT EXISTS {Quoted(Travelled)};
            CREATE TABLE IF NOT EXISTS {Quoted(Log)} (
                relation text NOT NULL, row text NOT NULL, change int NOT NULL,
                xid xid8 NOT NULL DEFAULT pg_current_xact_id());
            DO $$ BEGIN
                IF (SELECT relreplident FROM pg_class WHERE oid = {Sql.Literal(Quoted(Log))}::regclass) <> 'f' THEN
                    ALTER TABLE {Quoted(Log)} REPLICA IDENTITY FULL;
                END IF;
            END $$;
            {Function(Pass, "void", LockGate, "RETURN;", skip: "")}
            {Function(New, "trigger", LockGate, "RETURN NEW;", TriggerSql.Skip(Key))}
            {Function(Old, "trigger", LockGate, "RETURN OLD;", TriggerSql.Skip(Key))}
            {Function(Root, "trigger", LockGateAtOnce, Result, TriggerSql.Skip(Key))}
            {SqlFile.Read("own-rights.sql")}
            """;

    /// <summary>The statements that create <see cref="Attention"/>; safe to repeat.</summary>
    public string CreateAttention() =>
        $"""
            CREATE SEQUENCE IF NOT EXISTS {Quoted(Attention)};
            {SqlFile.Read("own-rights.sql")}
            """;

    /// <summary>
    /// The statements that remove the tables, each on its own; the functions go before, and <see cref="Attention"/> with the
    /// fence.
    /// </summary>
    public IEnumerable<string> DropTables() =>
        [
            .. ((string[])[Gate, Run, Log]).Select(table => $"DROP TABLE IF EXISTS {Quoted(table)}"),
            $"DROP SEQUENCE IF EXISTS {Quoted(Travelled)}",
        ];

    /// <summary>The statements by which the tables forget what they know, should they stay.</summary>
    public string Forget() =>
        $"""
            SELECT setval(name, 1, false) FROM to_regclass({Sql.Literal(
                Quoted(Travelled)
            )}) name WHERE name IS NOT NULL;
            DO $$ BEGIN
                IF to_regclass({Sql.Literal(Quoted(Log))}) IS NOT NULL THEN
                    DELETE FROM {Quoted(Log)};
                END IF;
            END $$
            """;

    public static string Quoted(string name) => $"tenant_promotion.{Sql.Identifier(name)}";

    /// <summary>The statement by which a write holds the gate until its transaction ends.</summary>
    public string LockGate => $"LOCK TABLE {Quoted(Gate)} IN ROW SHARE MODE;";

    /// <summary>The tenant's key, a literal that reads alike whatever standard_conforming_strings is.</summary>
    public string Key => "E" + Sql.Literal(tenant.Key.Replace("\\", "\\\\"));

    /// <summary>The condition, behind the gate, that a write need not look at the guard's row.</summary>
    public string IsCalm =>
        $"pg_catalog.pg_sequence_last_value({Sql.Literal(Quoted(Attention))}::pg_catalog.regclass) "
        + $"OPERATOR(pg_catalog.=) {Calm}";

    /// <summary>The statement, behind the gate, that lets a write pass, or not, by what the guard's row says.</summary>
    public string Hold => $"PERFORM tenant_promotion.hold({Key});";

    const string Result = "IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;";

    /// <summary>The same where the write has a lock that the flip needs: it fails in the place of waiting.</summary>
    public string LockGateAtOnce =>
        $"""
            BEGIN
                LOCK TABLE {Quoted(Gate)} IN ROW SHARE MODE NOWAIT;
            EXCEPTION WHEN lock_not_available THEN
                PERFORM tenant_promotion.refuse({Sql.Literal(tenant.Slug.Text)});
            END;
            """;

    // Settings of the function's own would cost more than all the rest: every name and operator says its schema.
    string Function(string name, string type, string lockGate, string result, string skip)
    {
        var body = $"""
            BEGIN
                {lockGate}
                IF {IsCalm} THEN
                    {result}
                END IF;
                {skip}
                {Hold}
                {result}
            END
            """;
        return $"""
            CREATE OR REPLACE FUNCTION {Quoted(name)}() RETURNS {type} LANGUAGE plpgsql
                SECURITY DEFINER AS {Sql.Literal(body)};
            """;
    }
}
