CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN moods AS mood[];
CREATE TABLE orders (
    id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, amount integer NOT NULL, feel moods);
CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint REFERENCES orders, note text);
CREATE TABLE logs (id bigserial PRIMARY KEY, tenant_id bigint REFERENCES tenants, event text);
CREATE TABLE traces (tenant_id bigint, event text);
INSERT INTO orders (tenant_id, amount, feel) SELECT 1 + n % 2, n, '{calm}' FROM generate_series(1, 20) n;
INSERT INTO lines SELECT id, id, 'line' FROM orders;
INSERT INTO logs (tenant_id, event) SELECT 1 + n % 2, 'event' FROM generate_series(1, 6) n;
INSERT INTO traces SELECT 1 + n % 2, 'trace' FROM generate_series(1, 6) n;
