-- Expressions of these tables that call functions of the application. Those of indexes first: the planner may look into
-- them for any statement. Reads: a table that a validated CHECK's function reads.
WITH expression AS (
    SELECT 1 AS place, 'index' AS kind, x.relname AS name, i.indrelid AS relation, 'pg_class'::regclass AS class, i.indexrelid AS object,
           concat_ws(', ', pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)) AS text, false AS valid
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL
    SELECT 2, 'column', a.attname, d.adrelid, 'pg_attrdef'::regclass, d.oid, pg_get_expr(d.adbin, d.adrelid), false
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attgenerated <> ''
    UNION ALL
    SELECT 3, 'constraint', c.conname, c.conrelid, 'pg_constraint'::regclass, c.oid, pg_get_expr(c.conbin, c.conrelid), c.convalidated
    FROM pg_constraint c
    WHERE c.contype = 'c'
)
SELECT n.nspname::text AS "Schema", r.relname::text AS "Table", e.kind AS "Kind", e.name::text AS "Name", e.text AS "Text",
       coalesce(array_agg(format('%I.%I(%s)', pn.nspname, p.proname, pg_get_function_identity_arguments(p.oid)))
                FILTER (WHERE NOT coalesce(p.proconfig::text LIKE '%search_path=%', false)), '{}') AS "Functions",
       min((SELECT min(tn.nspname || '.' || t.relname)
            FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace
            WHERE e.valid AND t.relkind IN ('r', 'p') AND tn.nspname !~ '^(pg_|information_schema|tenant_promotion)'
              AND (EXISTS (SELECT FROM pg_depend b WHERE b.classid = 'pg_proc'::regclass AND b.objid = p.oid
                             AND b.refclassid = 'pg_class'::regclass AND b.refobjid = t.oid AND p.prosqlbody IS NOT NULL)
                   OR (p.prosrc ~* '\m(from|join)\M' AND p.prosrc ~* ('\m(from|join)\s+(only\s+)?("?\w+"?\.)?"?'
                       || regexp_replace(t.relname, '([^[:alnum:]_])', '\\\1', 'g') || '"?\M'))))) AS "Reads"
FROM expression e
JOIN pg_class r ON r.oid = e.relation
JOIN pg_namespace n ON n.oid = r.relnamespace
JOIN pg_depend d ON d.classid = e.class AND d.objid = e.object AND d.refclassid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.refobjid AND p.oid >= 16384
JOIN pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
JOIN pg_namespace pn ON pn.oid = p.pronamespace
WHERE e.relation = ANY (CAST(@tables AS oid[]))
GROUP BY n.nspname, r.relname, e.place, e.kind, e.name, e.text
ORDER BY 1, 2, e.place, 4
