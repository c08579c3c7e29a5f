-- Surveys: names in capitals, only the project knows the organization, everything else hangs four levels below.
---- tenancy
{
  "tenant_columns": ["organizationId"],
  "tables": {
    "public.User": { "shared_through": ["public.Membership.userId", "public.Response.reviewerId"] },
    "public.ApiKey": { "any_of": [{ "tenant": "organizationId" }, { "belongs_to": "public.Project" }] },
    "public.Language": { "belongs_to": "public.Project" },
    "public.Action": { "where": "(payload ->> 'org')::bigint = :tenant" },
    "public.Account": "ignored"
  }
}
---- schema
CREATE TABLE "User" (id text PRIMARY KEY, email text UNIQUE);
CREATE TABLE "Account" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "User", token text);
CREATE TABLE "Membership" ("organizationId" bigint NOT NULL REFERENCES tenants, "userId" text NOT NULL
    REFERENCES "User",
    role text, PRIMARY KEY ("organizationId", "userId"));
CREATE TABLE "Project" (id text PRIMARY KEY, "organizationId" bigint NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name text);
CREATE TABLE "Environment" (id text PRIMARY KEY, "projectId" text NOT NULL REFERENCES "Project" ON DELETE CASCADE,
    kind text);
CREATE TABLE "Language" (id text PRIMARY KEY, "projectId" text REFERENCES "Project", code text);
CREATE TABLE "Survey" (id text PRIMARY KEY, "environmentId" text NOT NULL REFERENCES "Environment" ON DELETE CASCADE,
    questions jsonb, made timestamptz NOT NULL DEFAULT '2025-01-01');
CREATE TABLE "Contact" (id text PRIMARY KEY, "environmentId" text NOT NULL
    REFERENCES "Environment" ON DELETE CASCADE);
CREATE TABLE "Response" (id text PRIMARY KEY, "surveyId" text NOT NULL REFERENCES "Survey" ON DELETE CASCADE,
    "contactId" text REFERENCES "Contact" ON DELETE SET NULL, "reviewerId" text REFERENCES "User", data jsonb);
CREATE TABLE "Tag" (id text PRIMARY KEY, "environmentId" text NOT NULL REFERENCES "Environment", name text,
    UNIQUE ("environmentId", name));
CREATE TABLE "TagsOnResponses" ("responseId" text REFERENCES "Response" ON DELETE CASCADE, "tagId" text
    REFERENCES "Tag",
    PRIMARY KEY ("responseId", "tagId"));
CREATE TABLE "ApiKey" (id text PRIMARY KEY, "organizationId" bigint REFERENCES tenants, "projectId" text
    REFERENCES "Project");
CREATE TABLE "Action" (id bigint PRIMARY KEY, payload jsonb NOT NULL);
INSERT INTO "User" SELECT 'u' || n, 'e' || n FROM generate_series(1, 20) n;
INSERT INTO "Account" SELECT 'a' || id, id FROM "User";
INSERT INTO "Membership" SELECT 1 + n % 2, 'u' || n FROM generate_series(1, 16) n;
INSERT INTO "Membership" VALUES (1, 'u3'), (2, 'u4');
INSERT INTO "Project" SELECT 'p' || n, 1 + n % 2 FROM generate_series(1, 6) n;
INSERT INTO "Environment" SELECT 'e' || n, 'p' || n FROM generate_series(1, 6) n;
INSERT INTO "Language" SELECT 'l' || n, 'p' || n FROM generate_series(1, 6) n;
INSERT INTO "Survey" SELECT 's' || n, 'e' || 1 + n % 6, '[]' FROM generate_series(1, 12) n;
INSERT INTO "Contact" SELECT 'c' || n, 'e' || 1 + n % 6 FROM generate_series(1, 12) n;
INSERT INTO "Response" SELECT 'r' || n, 's' || 1 + n % 12, 'c' || 1 + n % 12, 'u' || 1 + (n + 1) % 16, '{}'
    FROM generate_series(1, 48) n;
INSERT INTO "Tag" SELECT 't' || n, 'e' || n, 'x' FROM generate_series(1, 6) n;
INSERT INTO "TagsOnResponses" SELECT 'r' || n, 't' || 1 + (1 + n % 12) % 6 FROM generate_series(1, 48) n;
INSERT INTO "ApiKey" VALUES ('k1', 1, NULL), ('k2', 2, NULL), ('k3', NULL, 'p2'), ('k4', NULL, 'p1');
INSERT INTO "Action" SELECT n, jsonb_build_object('org', 1 + n % 2, 'n', n) FROM generate_series(1, 40) n;
---- mine
"Membership" | "organizationId" = 1
"Project" | "organizationId" = 1
"Environment" | "projectId" IN (SELECT id FROM "Project" WHERE "organizationId" = 1)
"Language" | "projectId" IN (SELECT id FROM "Project" WHERE "organizationId" = 1)
"Survey" | "environmentId" IN (SELECT e.id FROM "Environment" e JOIN "Project" p ON p.id = e."projectId"
    AND p."organizationId" = 1)
"Contact" | "environmentId" IN (SELECT e.id FROM "Environment" e JOIN "Project" p ON p.id = e."projectId"
    AND p."organizationId" = 1)
"Response" | "surveyId" IN (SELECT s.id FROM "Survey" s JOIN "Environment" e ON e.id = s."environmentId"
    JOIN "Project" p ON p.id = e."projectId" AND p."organizationId" = 1)
"Tag" | "environmentId" IN (SELECT e.id FROM "Environment" e JOIN "Project" p ON p.id = e."projectId"
    AND p."organizationId" = 1)
"TagsOnResponses" | "tagId" IN (SELECT t.id FROM "Tag" t JOIN "Environment" e ON e.id = t."environmentId"
    JOIN "Project" p ON p.id = e."projectId" AND p."organizationId" = 1)
"ApiKey" | "organizationId" = 1 OR "projectId" IN (SELECT id FROM "Project" WHERE "organizationId" = 1)
"Action" | payload ->> 'org' = '1'
---- meanwhile
INSERT INTO "Project" VALUES ('p10', 1), ('p11', 2); INSERT INTO "Environment" VALUES ('e10', 'p10'), ('e11', 'p11');
INSERT INTO "Survey" VALUES ('s100', 'e10', '[1]'), ('s101', 'e11', '[1]');
INSERT INTO "Response" VALUES ('r100', 's100', NULL, 'u2', '{"a": 1}'), ('r101', 's101', NULL, 'u1', '{}');
UPDATE "Response" SET data = '{"changed": true}' WHERE id IN ('r1', 'r2', 'r3', 'r4');
DELETE FROM "Response" WHERE id IN ('r5', 'r6');
UPDATE "Action" SET payload = '{"org": 2}' WHERE id = 2; UPDATE "Action" SET payload = '{"org": 1}' WHERE id = 3;
UPDATE "ApiKey" SET "projectId" = 'p4' WHERE id = 'k4';
INSERT INTO "Membership" VALUES (1, 'u17'); DELETE FROM "Membership" WHERE "userId" = 'u3';
---- there
UPDATE "Response" SET data = '{"there": true}' WHERE id LIKE '%1'; DELETE
    FROM "TagsOnResponses" WHERE "responseId" LIKE '%2';
INSERT INTO "Survey" SELECT 's300', min(id), '[3]' FROM "Environment"; INSERT INTO "Response" VALUES ('r300', 's300');
INSERT INTO "Action" VALUES (300, '{"org": 1}');
