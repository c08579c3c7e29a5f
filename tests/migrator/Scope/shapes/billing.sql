-- Billing: the column differs by table, fees hang on one of several things, settings and attachments are polymorphic.
---- tenancy
{
  "tenant_columns": ["organization_id", "tenant_id"],
  "tables": {
    "public.fees": { "any_of": [{ "belongs_to": "public.subscriptions" }, { "belongs_to": "public.charges" }] },
    "public.files": {
      "by_type": {
        "type": "record_type", "id": "record_id",
        "to": { "Invoice": "public.invoices", "Customer": "public.customers", "Plan": "public.plans" }
      }
    },
    "public.api_keys": { "any_of": [{ "tenant": "organization_id" }, { "belongs_to": "public.customers" }] },
    "public.tax_codes": { "tenant": "organization_id", "null": "global" },
    "public.currencies": "reference",
    "public.webhook_queue": "ignored"
  }
}
---- schema
CREATE TABLE currencies (code text PRIMARY KEY, digits int);
CREATE TABLE plans (id bigint PRIMARY KEY, organization_id bigint NOT NULL REFERENCES tenants, name text);
CREATE TABLE charges (id bigint PRIMARY KEY, plan_id bigint NOT NULL REFERENCES plans, amount numeric(12, 2));
CREATE TABLE customers (id bigint PRIMARY KEY, organization_id bigint NOT NULL REFERENCES tenants,
    currency text NOT NULL REFERENCES currencies, data jsonb);
CREATE TABLE subscriptions (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers,
    plan_id bigint NOT NULL REFERENCES plans, state text);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, number text,
    total numeric(12, 2) NOT NULL DEFAULT 0);
CREATE TABLE fees (id bigint PRIMARY KEY, subscription_id bigint REFERENCES subscriptions,
    charge_id bigint REFERENCES charges, amount numeric(12, 2));
CREATE TABLE credits (id bigint PRIMARY KEY, invoice_id bigint NOT NULL REFERENCES invoices, fee_id bigint
    REFERENCES fees);
CREATE TABLE payments (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, invoice_id bigint REFERENCES invoices,
    at timestamptz);
CREATE TABLE api_keys (id bigint PRIMARY KEY, organization_id bigint, customer_id bigint REFERENCES customers,
    digest text);
CREATE TABLE tax_codes (id bigint PRIMARY KEY, organization_id bigint, rate numeric(5, 2));
CREATE TABLE files (id bigint PRIMARY KEY, record_type text NOT NULL, record_id bigint NOT NULL, name text);
CREATE INDEX ON files (record_id);
CREATE TABLE webhook_queue (id bigint PRIMARY KEY, body text);
INSERT INTO currencies VALUES ('CHF', 2), ('JPY', 0);
INSERT INTO plans SELECT n, 1 + n % 2, 'p' FROM generate_series(1, 10) n;
INSERT INTO charges SELECT n, 1 + n % 10, n / 3.0 FROM generate_series(1, 20) n;
INSERT INTO customers SELECT n, 1 + n % 2, 'CHF', '{"a": 1}' FROM generate_series(1, 20) n;
INSERT INTO subscriptions SELECT n, 1 + n % 20, 1 + n % 10, 'active' FROM generate_series(1, 40) n;
INSERT INTO invoices SELECT n, 1 + n % 20, 'I-' || n, n FROM generate_series(1, 40) n;
INSERT INTO fees SELECT n, CASE n % 2 WHEN 0 THEN n END, CASE n % 2 WHEN 1 THEN 1 + n % 20 END, n
    FROM generate_series(1, 40) n;
INSERT INTO credits SELECT n, n, NULL FROM generate_series(1, 40) n;
INSERT INTO payments SELECT n, 1 + (1 + n % 20) % 2, n, '2025-01-01' FROM generate_series(1, 40) n;
INSERT INTO api_keys VALUES (1, 1, NULL, 'a'), (2, 2, NULL, 'b'), (3, NULL, 2, 'c'), (4, NULL, 3, 'd');
INSERT INTO tax_codes VALUES (1, NULL, 7.7), (2, 1, 2.5), (3, 2, 3.7);
INSERT INTO files SELECT n, 'Invoice', n, 'f' FROM generate_series(1, 40) n;
INSERT INTO files SELECT 100 + n, 'Customer', n, 'f' FROM generate_series(1, 20) n;
INSERT INTO webhook_queue VALUES (1, 'x');
---- mine
plans | organization_id = 1
charges | plan_id IN (SELECT id FROM plans WHERE organization_id = 1)
customers | organization_id = 1
subscriptions | customer_id IN (SELECT id FROM customers WHERE organization_id = 1)
invoices | customer_id IN (SELECT id FROM customers WHERE organization_id = 1)
fees | subscription_id IN (SELECT s.id FROM subscriptions s JOIN customers c ON c.id = s.customer_id
    AND c.organization_id = 1) OR charge_id IN (SELECT h.id FROM charges h JOIN plans p ON p.id = h.plan_id
    AND p.organization_id = 1)
credits | invoice_id IN (SELECT i.id FROM invoices i JOIN customers c ON c.id = i.customer_id
    AND c.organization_id = 1)
payments | tenant_id = 1
api_keys | organization_id = 1 OR customer_id IN (SELECT id FROM customers WHERE organization_id = 1)
tax_codes | organization_id = 1
files | (record_type = 'Invoice' AND record_id IN (SELECT i.id FROM invoices i
    JOIN customers c ON c.id = i.customer_id AND c.organization_id = 1)) OR (record_type = 'Customer'
    AND record_id IN (SELECT id FROM customers WHERE organization_id = 1))
    OR (record_type = 'Plan' AND record_id IN (SELECT id FROM plans WHERE organization_id = 1))
---- along
tax_codes | organization_id IS NULL
---- meanwhile
UPDATE customers SET data = '{"b": 2}' WHERE id = 2;
UPDATE fees SET amount = amount + 1 WHERE id IN (2, 4, 5, 7);
INSERT INTO invoices VALUES (100, 2, 'I-100'), (101, 1, 'I-101');
INSERT INTO files VALUES (200, 'Invoice', 100, 'new'), (201, 'Invoice', 101, 'new'), (202, 'Plan', 2, 'p');
INSERT INTO credits VALUES (100, 100, NULL); DELETE FROM credits WHERE id = 3;
UPDATE api_keys SET customer_id = NULL, organization_id = 1 WHERE id = 3;
UPDATE api_keys SET customer_id = 4 WHERE id = 4;
UPDATE tax_codes SET organization_id = 1 WHERE id = 3;
UPDATE webhook_queue SET body = 'y';
---- there
UPDATE invoices SET total = total * 2 WHERE id % 3 = 0; DELETE FROM files WHERE record_type = 'Customer';
INSERT INTO customers VALUES (300, 1, 'JPY'); INSERT INTO invoices VALUES (300, 300, 'there');
INSERT INTO payments VALUES (300, 1, 300, now()); INSERT INTO fees VALUES (300, NULL, (SELECT min(id) FROM charges),
    5);
