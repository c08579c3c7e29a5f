-- One number for the definition of everything a promotion depends on. The guard's own triggers are not part of it.
SELECT md5(string_agg(line, E'\n' ORDER BY line COLLATE "C"))
FROM (
    SELECT 'column ' || a.attrelid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || ' ' || a.attnotnull::text || a.attgenerated::text || a.attidentity::text AS line
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|tenant_promotion)'
    UNION ALL
    SELECT 'constraint ' || con.conrelid::regclass || ' ' || con.conname || ' ' || pg_get_constraintdef(con.oid)
    FROM pg_constraint con
    WHERE con.conrelid <> 0 AND con.contype <> 't' AND con.connamespace::regnamespace::text !~ '^(pg_|information_schema|tenant_promotion)'
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|tenant_promotion)'
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(t.oid) || t.tgenabled::text
    FROM pg_trigger t
    WHERE NOT t.tgisinternal AND t.tgname NOT LIKE '~tenant\_promotion%'
    UNION ALL
    SELECT 'policy ' || p.polrelid::regclass || ' ' || p.polname || ' ' || p.polcmd::text
           || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM pg_policy p
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ' ' || md5(coalesce(p.prosrc, ''))
    FROM pg_proc p
    WHERE p.pronamespace::regnamespace::text !~ '^(pg_|information_schema|tenant_promotion)'
) definition
