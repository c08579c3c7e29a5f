namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Tables of what PostgreSQL 18 brought, and what a tenant does to them: {0} begins its keys, {1} is the tenant.
/// </summary>
static class NewerTables
{
    // The key of 1000 + n is the tenant's where n is even.
    public const string Temporal = """
        CREATE EXTENSION btree_gist;
        CREATE TABLE contracts (
            id bigint, valid_at daterange, tenant_id bigint NOT NULL REFERENCES tenants, body text,
            PRIMARY KEY (id, valid_at WITHOUT OVERLAPS));
        CREATE TABLE terms (
            contract_id bigint, valid_at daterange, body text,
            PRIMARY KEY (contract_id, valid_at WITHOUT OVERLAPS),
            FOREIGN KEY (contract_id, PERIOD valid_at) REFERENCES contracts (id, PERIOD valid_at));
        INSERT INTO contracts
        SELECT 1000 + n, daterange(day::date, (day + '1 month')::date), 1 + n % 2, 'contract'
        FROM generate_series(1, 20) n, generate_series('2024-01-01', '2024-06-01', interval '1 month') day;
        INSERT INTO terms
        SELECT 1000 + n, '[2024-01-15,2024-03-15)', 'term' FROM generate_series(1, 20) n;
        """;

    public const string Changes = """
        INSERT INTO contracts VALUES ({0}1, '[2030-01-01,2030-02-01)', {1}, 'first');
        DELETE FROM contracts WHERE id = {0}1;
        INSERT INTO contracts VALUES ({0}1, '[2030-01-15,2030-03-01)', {1}, 'second');
        UPDATE contracts SET valid_at = '[2030-01-15,2030-02-15)' WHERE id = {0}1;
        INSERT INTO contracts VALUES ({0}1, '[2030-02-15,2031-01-01)', {1}, 'third');
        INSERT INTO terms VALUES ({0}1, '[2030-02-01,2030-04-01)', 'over two');
        UPDATE contracts SET body = body || '!' WHERE tenant_id = {1} AND lower(valid_at) = '2024-02-01';
        UPDATE terms SET valid_at = '[2024-01-15,2024-02-15)' WHERE contract_id IN (1002, 1004);
        DELETE FROM terms WHERE contract_id = 1006
        """;

    public const string Rest = """
        CREATE TABLE items (
            id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, price int,
            twice int GENERATED ALWAYS AS (price * 2) VIRTUAL, thrice int GENERATED ALWAYS AS (price * 3) STORED,
            CONSTRAINT positive CHECK (price > 0) NOT ENFORCED);
        CREATE TABLE notes (
            id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            item_id bigint REFERENCES items NOT ENFORCED, body text CONSTRAINT body_is_there NOT NULL);
        CREATE TABLE late (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text, UNIQUE (body));
        COMMENT ON CONSTRAINT body_is_there ON notes IS 'named';
        INSERT INTO items SELECT n, 1 + n % 2, n - 10 FROM generate_series(1, 20) n;
        INSERT INTO notes SELECT n, 1 + n % 2, n + 10, 'note' FROM generate_series(1, 20) n;
        INSERT INTO late SELECT n, 1 + n % 2, NULLIF(n % 10, 0) || 'x' || n FROM generate_series(1, 20) n;
        ALTER TABLE late ADD CONSTRAINT late_body NOT NULL body NOT VALID;
        ALTER TABLE late REPLICA IDENTITY FULL;
        """;

    public const string RestChanges = """
        INSERT INTO items VALUES ({0}1, {1}, -1), ({0}2, {1}, 5);
        UPDATE items SET price = price - 100 WHERE tenant_id = {1} AND id % 3 = 0;
        INSERT INTO notes VALUES ({0}1, {1}, {0}9, 'of nothing');
        UPDATE notes SET item_id = {0}8 WHERE tenant_id = {1} AND id % 3 = 1;
        DELETE FROM items WHERE tenant_id = {1} AND id % 5 = 0;
        INSERT INTO late VALUES ({0}1, {1}, 'new{0}');
        UPDATE late SET body = body || '!' WHERE tenant_id = {1} AND body IS NOT NULL
        """;
}
