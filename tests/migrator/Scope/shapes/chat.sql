-- A support desk as frameworks without constraints make it: no foreign key at all, agents of several accounts.
---- tenancy
{
  "tenant_columns": ["account_id"],
  "tables": {
    "public.agents": {
      "shared_through": ["public.seats.agent_id", "public.threads.assignee_id"], "blank": ["current_account_id"]
    },
    "public.mail_channels": { "named_by": ["public.inboxes.channel_id"] },
    "public.messages": { "belongs_to": "public.threads", "by": { "thread_id": "id" } },
    "public.reactions": { "belongs_to": "public.messages", "by": { "message_id": "id" } },
    "public.uploads": {
      "by_type": {
        "type": "record_type", "id": "record_id", "to": { "Message": "public.messages", "Contact": "public.contacts" }
      }
    },
    "public.labelings": { "belongs_to": "public.labels", "by": { "label_id": "id" } },
    "public.canned_replies": { "tenant": "account_id", "null": "global" },
    "public.settings": "reference",
    "public.devices": "ignored"
  }
}
---- schema
CREATE TABLE agents (id bigint PRIMARY KEY, email text, current_account_id bigint);
CREATE TABLE seats (id bigint PRIMARY KEY, account_id bigint NOT NULL, agent_id bigint NOT NULL);
CREATE TABLE mail_channels (id bigint PRIMARY KEY, address text);
CREATE TABLE inboxes (id bigint PRIMARY KEY, account_id bigint NOT NULL, channel_id bigint);
CREATE TABLE contacts (id bigint PRIMARY KEY, account_id bigint NOT NULL, name text);
CREATE TABLE threads (id bigint PRIMARY KEY, account_id bigint NOT NULL, inbox_id bigint, contact_id bigint,
    assignee_id bigint);
CREATE TABLE messages (id bigint PRIMARY KEY, thread_id bigint, body text);
CREATE TABLE reactions (id bigint PRIMARY KEY, message_id bigint, emoji text);
CREATE TABLE uploads (id bigint PRIMARY KEY, record_type varchar(40), record_id bigint, name text);
CREATE TABLE labels (id bigint PRIMARY KEY, account_id bigint NOT NULL, name text);
CREATE TABLE labelings (label_id bigint, thread_id bigint, PRIMARY KEY (label_id, thread_id));
CREATE TABLE canned_replies (id bigint PRIMARY KEY, account_id bigint, body text);
CREATE TABLE settings (name text PRIMARY KEY, value text);
CREATE TABLE devices (id bigint PRIMARY KEY, agent_id bigint, token text);
CREATE INDEX ON messages (thread_id); CREATE INDEX ON reactions (message_id); CREATE INDEX ON uploads (record_id);
CREATE INDEX ON seats (agent_id); CREATE INDEX ON threads (assignee_id); CREATE INDEX ON inboxes (channel_id);
INSERT INTO agents SELECT n, 'a' || n, 1 + n % 2 FROM generate_series(1, 20) n;
INSERT INTO seats SELECT n, 1 + n % 2, n FROM generate_series(1, 16) n;
INSERT INTO seats VALUES (50, 1, 3), (51, 2, 4);
INSERT INTO mail_channels SELECT n, 'm' || n FROM generate_series(1, 6) n;
INSERT INTO inboxes SELECT n, 1 + n % 2, n FROM generate_series(1, 6) n;
INSERT INTO contacts SELECT n, 1 + n % 2, 'c' FROM generate_series(1, 20) n;
INSERT INTO threads SELECT n, 1 + n % 2, 1 + (n + 1) % 6, 1 + (n + 1) % 20, n FROM generate_series(1, 16) n;
INSERT INTO messages SELECT n, 1 + n % 16, 'm' FROM generate_series(1, 64) n;
INSERT INTO messages VALUES (900, 999, 'nobody''s');
INSERT INTO reactions SELECT n, n, '+' FROM generate_series(1, 64) n;
INSERT INTO uploads SELECT n, 'Message', n, 'u' FROM generate_series(1, 64) n;
INSERT INTO uploads SELECT 100 + n, 'Contact', n, 'u' FROM generate_series(1, 20) n;
INSERT INTO labels SELECT n, 1 + n % 2, 'l' FROM generate_series(1, 4) n;
INSERT INTO labelings SELECT 1 + (n + 1) % 4, n FROM generate_series(1, 16) n;
INSERT INTO canned_replies VALUES (1, NULL, 'hello'), (2, 1, 'ours'), (3, 2, 'theirs');
INSERT INTO settings VALUES ('version', '1'); INSERT INTO devices SELECT id, id, 't' FROM agents;
---- mine
seats | account_id = 1
mail_channels | id IN (SELECT channel_id FROM inboxes WHERE account_id = 1)
inboxes | account_id = 1
contacts | account_id = 1
threads | account_id = 1
messages | thread_id IN (SELECT id FROM threads WHERE account_id = 1)
reactions | message_id IN (SELECT m.id FROM messages m JOIN threads t ON t.id = m.thread_id AND t.account_id = 1)
uploads | (record_type = 'Message' AND record_id IN (SELECT m.id FROM messages m
    JOIN threads t ON t.id = m.thread_id AND t.account_id = 1)) OR (record_type = 'Contact'
    AND record_id IN (SELECT id FROM contacts WHERE account_id = 1))
labels | account_id = 1
labelings | label_id IN (SELECT id FROM labels WHERE account_id = 1)
canned_replies | account_id = 1
---- along
canned_replies | account_id IS NULL
---- meanwhile
INSERT INTO threads VALUES (100, 1, 2, 2, 6), (101, 2, 1, 1, 5);
INSERT INTO messages VALUES (100, 100, 'new'), (101, 101, 'new'), (102, 102, 'early');
INSERT INTO reactions VALUES (100, 100, '!'), (101, 101, '!'), (102, 102, '!');
INSERT INTO threads VALUES (102, 1, 2, 2, NULL);
UPDATE messages SET thread_id = 2 WHERE id = 2;
DELETE FROM threads WHERE id = 4;
UPDATE uploads SET record_type = 'Contact', record_id = 2 WHERE id = 5;
INSERT INTO mail_channels VALUES (10, 'm10'); INSERT INTO inboxes VALUES (10, 1, 10);
INSERT INTO seats VALUES (60, 1, 17); DELETE FROM seats WHERE id = 50;
UPDATE labels SET account_id = 1 WHERE id = 1;
---- there
UPDATE messages SET body = 'there' WHERE id % 5 = 0; DELETE FROM reactions WHERE id % 7 = 0;
INSERT INTO threads VALUES (300, 1, 2, 2, 2); INSERT INTO messages VALUES (300, 300, 'there');
INSERT INTO uploads VALUES (300, 'Message', 300, 'there');
INSERT INTO mail_channels VALUES (300, 'm300'); INSERT INTO inboxes VALUES (300, 1, 300);
