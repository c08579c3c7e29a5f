// Writes through the sample until standard input ends, and prints what the database has acknowledged.
// Arguments: the tenant. The servers are in the environment: PGHOST and so on, ISOLATED_PORT and ISOLATED_PASSWORD.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { TenantRouter } from "./tenant-router.mjs";

const [tenant] = process.argv.slice(2);
const acknowledged = {};
const errors = [];
let stopped = false;
process.stdin.resume().on("end", () => (stopped = true));

const router = new TenantRouter(
  { database: process.env.PGDATABASE },
  (database) => ({
    database,
    port: Number(process.env.ISOLATED_PORT),
    password: process.env.ISOLATED_PASSWORD,
  }),
  600_000,
);
router.start();

async function write() {
  const id = randomUUID();
  await router.run(tenant, (client) =>
    client.query("INSERT INTO notes (id, tenant_id, n) VALUES ($1, $2, 1)", [id, tenant]),
  );
  for (acknowledged[id] = 1; !stopped && acknowledged[id] < 20; acknowledged[id]++) {
    await router.run(tenant, (client) => client.query("UPDATE notes SET n = n + 1 WHERE id = $1", [id]));
    await sleep(10);
  }
}

async function worker() {
  while (!stopped)
    try {
      await write();
    } catch (error) {
      errors.push(String(error.stack));
      stopped = true;
    }
}

await Promise.all([worker(), worker(), worker(), worker()]);
await router.stop();
process.stdin.destroy();
console.log(JSON.stringify({ acknowledged, errors }));
