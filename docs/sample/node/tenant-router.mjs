// Runs an application's transactions in the database that owns the tenant, also while the tenant moves to another one.
// To be copied and adapted; docs/applications.md says why each part is there.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const SHORTEST_DELAY = 5;
const LONGEST_DELAY = 100;
const HEARTBEAT = 5_000;

// The guard (25006); serialization failure, deadlock; the database is gone, restarts, or ends our session.
const REPEATED = new Set(["25006", "40001", "40P01", "57P01", "57P02", "57P03"]);

// No such database, no CONNECT on it. Anywhere else these are mistakes, which no retry mends.
const REPEATED_ON_CONNECTING = new Set(["3D000", "42501"]);

const LOST = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** Nobody knows whether a transaction was committed. Repeat it only if a unique key refuses the second time. */
export class OutcomeUnknownError extends Error {}

export class TenantRouter {
  #shared;
  #sharedPool;
  #isolated;
  #timeout;
  #pools = new Map();
  #routes = new Map();
  #drops = 0;
  #listening = false;
  #stop = new AbortController();
  #listener = Promise.resolve();

  /**
   * @param shared The shared database as pg wants it. Reached directly: LISTEN does not pass a pooler.
   * @param isolated From the name of an isolated database to the same; the application knows the server.
   * @param timeout How long a transaction is repeated, in ms; longer than the longest pause of a move.
   */
  constructor(shared, isolated, timeout = 30_000) {
    this.#shared = shared;
    this.#sharedPool = poolOf(shared);
    this.#isolated = isolated;
    this.#timeout = timeout;
  }

  /** Begins to listen for changed routes. Until then each transaction looks its route up. */
  start() {
    this.#listener = this.#listen();
  }

  async stop() {
    this.#stop.abort();
    await this.#listener;
    await Promise.all([this.#sharedPool, ...this.#pools.values()].map((pool) => pool.end()));
  }

  /**
   * Runs the work in one transaction of the tenant and commits. The work may run several times: it does nothing but use the
   * client, and lets the errors of its statements through.
   */
  async run(tenant, work) {
    const began = performance.now();
    for (let delay = SHORTEST_DELAY; ; delay = Math.min(2 * delay, LONGEST_DELAY)) {
      const attempt = { stage: "resolving" };
      try {
        return await this.#attempt(tenant, work, attempt);
      } catch (error) {
        if (attempt.stage === "committing" && !isRefusal(error))
          throw new OutcomeUnknownError(`The connection was lost during COMMIT of tenant ${tenant}.`, { cause: error });
        if (!mayRepeat(error, attempt.stage) || performance.now() - began + delay > this.#timeout) throw error;
        this.#drop((slug, key) => key === tenant);
      }
      // Not all at the same moment.
      await sleep(delay * (0.5 + Math.random() / 2));
    }
  }

  async #attempt(tenant, work, attempt) {
    const pool = await this.#resolve(tenant);
    attempt.stage = "opening";
    const client = await pool.connect();
    let done = false;
    try {
      attempt.stage = "working";
      const result = await within(client, tenant, work);
      attempt.stage = "committing";
      const { command } = await client.query("COMMIT");
      done = true;
      if (command !== "COMMIT") {
        attempt.stage = "rolled back";
        throw new Error("The work went on after an error of a statement: nothing was committed.");
      }
      return result;
    } finally {
      // True closes the connection, and with it a transaction that is still open.
      client.release(!done);
    }
  }

  async #resolve(tenant) {
    const known = this.#routes.get(tenant);
    if (known) return known.pool;
    const seen = this.#drops;
    const route = await this.#readRoute(tenant);
    // What was dropped while we read may be what we have read.
    if (this.#listening && seen === this.#drops) this.#routes.set(tenant, route);
    return route.pool;
  }

  async #readRoute(tenant) {
    const client = await this.#sharedPool.connect();
    let done = false;
    try {
      const { rows } = await within(client, tenant, () =>
        client.query(
          "SELECT slug, isolation_mode, settings -> 'isolation' ->> 'isolated_db_name' AS name FROM tenants WHERE id = $1",
          [tenant],
        ),
      );
      await client.query("COMMIT");
      done = true;
      if (rows.length === 0) throw new Error(`There is no tenant ${tenant}.`);
      const [{ slug, isolation_mode, name }] = rows;
      return { slug, pool: isolation_mode === "isolated" ? this.#poolOf(name) : this.#sharedPool };
    } finally {
      client.release(!done);
    }
  }

  #poolOf(name) {
    if (!this.#pools.has(name)) this.#pools.set(name, poolOf(this.#isolated(name)));
    return this.#pools.get(name);
  }

  #drop(which) {
    this.#drops++;
    for (const [tenant, { slug }] of this.#routes) if (which(slug, tenant)) this.#routes.delete(tenant);
  }

  // What changed while nobody listened is unknown.
  #setListening(value) {
    this.#listening = value;
    this.#drop(() => true);
  }

  async #listen() {
    while (!this.#stop.signal.aborted) {
      const client = new pg.Client({ ...this.#shared, query_timeout: HEARTBEAT, connectionTimeoutMillis: HEARTBEAT });
      client.on("error", () => this.#setListening(false));
      client.on("notification", ({ payload }) => this.#drop((slug) => slug === payload));
      try {
        await client.connect();
        await client.query("LISTEN tenant_routing");
        this.#setListening(true);
        // A network that went silent looks like a route that never changes.
        while (true) {
          await sleep(HEARTBEAT, undefined, { signal: this.#stop.signal });
          await client.query("SELECT 1");
        }
      } catch {
        // Whatever it was: while nobody listens nothing is cached, and that is right, only slower.
        this.#setListening(false);
        client.end().catch(() => {});
        if (!this.#stop.signal.aborted) await sleep(500);
      }
    }
  }
}

// Idle connections close after idleTimeoutMillis (10 s), also those to a database that the tenant has left.
function poolOf(config) {
  const pool = new pg.Pool(config);
  pool.on("error", () => {});
  // A session that ends between two statements: the next statement fails, and tells who waits for it.
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

async function within(client, tenant, work) {
  await client.query("BEGIN");
  // True: until the end of the transaction. The connection goes back to the pool without it.
  await client.query("SELECT set_config('app.current_tenant_id', $1, true)", [tenant]);
  return work(client);
}

// The server answers a COMMIT that it refuses with an error. Anything else says nothing about what became of it.
function isRefusal(error) {
  return error instanceof pg.DatabaseError && !error.code.startsWith("57P");
}

function mayRepeat(error, stage) {
  if (error instanceof pg.DatabaseError)
    return REPEATED.has(error.code) || (stage === "opening" && REPEATED_ON_CONNECTING.has(error.code));
  // A lost connection: before COMMIT nothing has happened.
  return LOST.has(error.code) || /^Connection terminated/.test(error.message);
}
