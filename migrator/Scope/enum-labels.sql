-- The labels of every enum that the columns of these relations are made of, through arrays, domains, ranges and composites.
WITH RECURSIVE named (relid) AS (
    SELECT unnest(CAST(@relations AS oid[]))
),
\ir column-types.sql
SELECT format_type(e.enumtypid, NULL) AS "Type", e.enumlabel AS "Label"
FROM used JOIN pg_enum e ON e.enumtypid = used.type
ORDER BY 1, e.enumsortorder
