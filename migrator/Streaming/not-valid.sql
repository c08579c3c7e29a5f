-- Constraints that rows need not satisfy if they are older: of these tables, of what they inherit from and of what
-- inherits from them, and of the domains that their columns are made of. Domains first, then ancestors before heirs.
WITH RECURSIVE named (relid) AS (
    SELECT CAST(name AS regclass)::oid FROM unnest(@tables) name
), above (relid) AS (
    SELECT relid FROM named
    UNION
    SELECT i.inhparent FROM above JOIN pg_inherits i ON i.inhrelid = above.relid
), below (relid) AS (
    SELECT relid FROM named
    UNION
    SELECT i.inhrelid FROM below JOIN pg_inherits i ON i.inhparent = below.relid
), ancestry (relid, ancestor) AS (
    SELECT relid, relid FROM (SELECT relid FROM above UNION SELECT relid FROM below) kin
    UNION
    SELECT ancestry.relid, i.inhparent FROM ancestry JOIN pg_inherits i ON i.inhrelid = ancestry.ancestor
),
\ir column-types.sql
, owners (kind, oid, schema, name, depth) AS (
    SELECT 'TABLE', c.oid, c.relnamespace, c.relname, kin.depth
    FROM (SELECT relid, count(*) AS depth FROM ancestry GROUP BY relid) kin JOIN pg_class c ON c.oid = kin.relid
    UNION ALL
    SELECT 'DOMAIN', t.oid, t.typnamespace, t.typname, 0 FROM pg_type t WHERE t.oid IN (SELECT type FROM used)
)
SELECT format('%s %I.%I', o.kind, n.nspname, o.name) AS "Owner", format('%I', con.conname) AS "Name",
       pg_get_constraintdef(con.oid) AS "Definition", obj_description(con.oid, 'pg_constraint') AS "Comment"
FROM owners o
JOIN pg_constraint con ON o.oid = CASE o.kind WHEN 'TABLE' THEN con.conrelid ELSE con.contypid END
JOIN pg_namespace n ON n.oid = o.schema
WHERE NOT con.convalidated AND con.contype IN ('c', 'f', 'n') AND con.conparentid = 0
  AND (con.coninhcount = 0 OR con.conislocal) AND pg_get_constraintdef(con.oid) NOT LIKE '% NOT ENFORCED'
  AND (o.kind = 'DOMAIN' OR NOT @domainsOnly)
ORDER BY o.depth, con.oid
