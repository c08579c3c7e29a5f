-- Every type that a user column may be made of: domains know their base, arrays their element, composites their fields.
SELECT t.oid                        AS "Oid",
       t.typname                    AS "Name",
       t.typnamespace = 'pg_catalog'::regnamespace AS "BuiltIn",
       t.typtype::text              AS "Kind",
       t.typbasetype                AS "Base",
       CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END AS "Element",
       t.typsend <> 0 AND t.typreceive <> 0 AS "Binary",
       coalesce((SELECT array_agg(a.atttypid) FROM pg_attribute a
                 WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS "Fields"
FROM pg_type t
