namespace Migrator.Schema;

/// <summary>The parts of a schema, in the order in which they are restored.</summary>
public enum SchemaPart
{
    /// <summary>
    /// Schemas and who may use them: later parts give tables to owners that must be allowed to create in them.
    /// </summary>
    Schemas,

    /// <summary>Extensions, types, tables, sequences, functions, views.</summary>
    PreData,

    /// <summary>Who may use them: only when the tables refuse the tenant's writes.</summary>
    Grants,

    /// <summary>Primary keys and replica identities: by them the change stream finds its rows.</summary>
    PrimaryKeys,

    /// <summary>Indexes, unique, check and foreign keys, statistics.</summary>
    PostData,

    /// <summary>Triggers, policies, row security: what must not run while rows are loaded.</summary>
    TriggersAndPolicies,

    /// <summary>Rules, which rewrite statements and cannot be kept out of one that upserts.</summary>
    Rules,
}
