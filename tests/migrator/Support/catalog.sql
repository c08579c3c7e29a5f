-- A database's schema, a line an object, in the server's own words: for two servers of which pg_dump can read only one.
WITH relations AS (
    SELECT c.*, c.oid::regclass::text AS name FROM pg_catalog.pg_class c
    WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'tenant_promotion')
        AND c.relnamespace::regnamespace::text !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
),
own_functions AS (
    SELECT p.* FROM pg_catalog.pg_proc p
    WHERE p.pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'tenant_promotion')
        AND p.pronamespace::regnamespace::text !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
),
own_types AS (
    SELECT t.* FROM pg_catalog.pg_type t
    WHERE t.typnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'tenant_promotion')
        AND t.typnamespace::regnamespace::text !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
)
SELECT format('schema %s owner %s acl %s', oid::regnamespace, nspowner::regrole, nspacl) FROM pg_catalog.pg_namespace
    WHERE nspname NOT IN ('information_schema', 'tenant_promotion', 'public') AND nspname !~ '^pg_'
UNION ALL SELECT format('extension %s in %s', extname, extnamespace::regnamespace) FROM pg_catalog.pg_extension
UNION ALL SELECT format('relation %s kind %s owner %s acl %s options %s rls %s force %s identity %s bound %s key %s',
    name, relkind, relowner::regrole,
        -- What PostgreSQL 17 added to everybody's default does not count.
        ARRAY(SELECT format('%s from %s: %s%s', grantee::regrole, grantor::regrole, privilege_type,
            CASE WHEN is_grantable THEN '*' END)
            FROM aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)))
            WHERE privilege_type <> 'MAINTAIN' ORDER BY 1),
        reloptions, relrowsecurity, relforcerowsecurity, relreplident, pg_get_expr(relpartbound, oid),
        pg_get_partkeydef(oid))
    FROM relations WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL SELECT format('column %s.%s %s not null %s identity %s generated %s default %s collation %s storage %s '
        || 'acl %s options %s statistics %s', r.name,
        a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid),
        NULLIF(a.attcollation, 0)::regcollation, a.attstorage, a.attacl, a.attoptions, NULLIF(a.attstattarget, -1))
    FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'v', 'm', 'c')
UNION ALL SELECT format('column order %s %s', r.name, array_agg(a.attname ORDER BY a.attnum))
    FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
        WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'c')
    GROUP BY r.name
UNION ALL SELECT format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(c.oid))
    FROM pg_catalog.pg_constraint c JOIN relations r ON r.oid = c.conrelid WHERE contype <> 'n'
UNION ALL SELECT format('index %s clustered %s', pg_get_indexdef(indexrelid), indisclustered)
    FROM pg_catalog.pg_index i JOIN relations r ON r.oid = i.indrelid WHERE r.relkind <> 't'
UNION ALL SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled)
    FROM pg_catalog.pg_trigger t JOIN relations r ON r.oid = t.tgrelid
        WHERE NOT tgisinternal AND tgparentid = 0 AND tgname !~ '^~?tenant_promotion'
UNION ALL SELECT format('rule %s enabled %s', pg_get_ruledef(w.oid), ev_enabled)
    FROM pg_catalog.pg_rewrite w JOIN relations r ON r.oid = w.ev_class
    WHERE rulename <> '_RETURN'
UNION ALL SELECT format('view %s %s', name, pg_get_viewdef(oid)) FROM relations WHERE relkind IN ('v', 'm')
UNION ALL SELECT format('policy %s on %s %s permissive %s roles %s using %s check %s', polname, r.name, polcmd,
    polpermissive,
        ARRAY(SELECT CASE role WHEN 0 THEN 'public' ELSE role::regrole::text END FROM unnest(polroles) AS role ORDER BY 1),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_catalog.pg_policy JOIN relations r ON r.oid = polrelid
UNION ALL SELECT format('sequence %s %s start %s increment %s min %s max %s cache %s cycle %s owned by %s', r.name,
    format_type(seqtypid, NULL), seqstart,
        seqincrement, seqmin, seqmax, seqcache, seqcycle, d.refobjid::regclass || '.' || d.refobjsubid)
    FROM pg_catalog.pg_sequence s JOIN relations r ON r.oid = s.seqrelid
    LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.seqrelid
        AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_catalog.pg_class'::regclass
UNION ALL SELECT format('function %s owner %s acl %s', pg_get_functiondef(oid), proowner::regrole, proacl)
    FROM own_functions WHERE prokind <> 'a'
UNION ALL SELECT format('aggregate %s owner %s', oid::regprocedure, proowner::regrole) FROM own_functions
    WHERE prokind = 'a'
UNION ALL SELECT format('type %s %s owner %s acl %s base %s default %s labels %s range %s', t.oid::regtype, typtype,
    typowner::regrole, typacl,
        CASE WHEN typbasetype <> 0 THEN format_type(typbasetype, typtypmod) END, typdefault,
        ARRAY(SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
        g.rngsubtype::regtype)
    FROM own_types t LEFT JOIN pg_catalog.pg_range g ON g.rngtypid = t.oid
        WHERE typtype NOT IN ('c', 'm') AND typcategory <> 'A'
UNION ALL SELECT format('domain %s %s', conname, pg_get_constraintdef(c.oid))
    FROM pg_catalog.pg_constraint c JOIN own_types t ON t.oid = c.contypid WHERE contype <> 'n'
UNION ALL SELECT format('statistics %s', pg_get_statisticsobjdef(oid)) FROM pg_catalog.pg_statistic_ext
UNION ALL SELECT format('default privileges %s %s %s %s', defaclrole::regrole, defaclnamespace::regnamespace,
    defaclobjtype, defaclacl) FROM pg_catalog.pg_default_acl
UNION ALL SELECT format('comment %s %s %s: %s', type, schema, identity, description)
    FROM pg_catalog.pg_description, pg_identify_object(classoid, objoid, objsubid)
    WHERE coalesce(schema, '') NOT IN ('pg_catalog', 'information_schema', 'tenant_promotion')
        AND identity !~ '~?tenant_promotion'
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = classoid AND d.objid = objoid AND d.deptype = 'e')
        AND objoid >= 16384;
