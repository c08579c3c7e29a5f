SELECT a.attrelid                                 AS "Relation",
       a.attnum                                   AS "Number",
       a.attname                                  AS "Name",
       a.atttypid                                 AS "Type",
       format_type(a.atttypid, a.atttypmod)       AS "TypeText",
       -- A constraint that is not valid (18) says nothing of older rows.
       a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint con
                                    WHERE con.conrelid = a.attrelid AND con.contype = 'n'
                                      AND con.conkey = ARRAY[a.attnum] AND NOT con.convalidated) AS "NotNull",
       a.attgenerated <> ''                       AS "Generated",
       a.attidentity = 'a'                        AS "AlwaysIdentity",
       -- The type's own equality, of its default btree operator class; null where that is one of pg_catalog's.
       (SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
        FROM pg_type t
        JOIN pg_opclass oc ON oc.opcintype = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END AND oc.opcdefault
        JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
        JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
             AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3
        JOIN pg_operator o ON o.oid = ao.amopopr
        JOIN pg_namespace n ON n.oid = o.oprnamespace AND n.nspname <> 'pg_catalog'
        WHERE t.oid = a.atttypid)                AS "Equality",
       coalesce((SELECT NOT co.collisdeterministic FROM pg_collation co WHERE co.oid = a.attcollation), false) AS "Nondeterministic"
FROM pg_attribute a
WHERE a.attrelid = ANY (CAST(@relations AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
