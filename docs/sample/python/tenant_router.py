"""Runs an application's transactions in the database that owns the tenant, also while the tenant moves to another one.

To be copied and adapted; docs/applications.md says why each part is there. Needs psycopg 3.1.
"""

import random
import select
import threading
import time
from collections import deque

import psycopg
from psycopg.pq import TransactionStatus

SHORTEST_DELAY = 0.005
LONGEST_DELAY = 0.1
HEARTBEAT = 5

# The guard (25006); serialization failure, deadlock; the database is gone, restarts, or ends our session.
REPEATED = {"25006", "40001", "40P01", "57P01", "57P02", "57P03"}


class OutcomeUnknown(Exception):
    """Nobody knows whether a transaction was committed. Repeat it only if a unique key refuses the second time."""


class Database:
    """The idle connections to one database."""

    def __init__(self, conninfo):
        self.conninfo = conninfo
        self.idle = deque()

    def take(self):
        try:
            return self.idle.pop()
        except IndexError:
            return psycopg.connect(self.conninfo)

    def give_back(self, connection):
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        else:
            self.idle.append(connection)

    def clear(self):
        while self.idle:
            self.idle.pop().close()


class TenantRouter:
    def __init__(self, shared, isolated, timeout=30.0):
        """
        shared: how to connect to the shared database. Reached directly: LISTEN does not pass a pooler.
        isolated: from the name of an isolated database to the same; the application knows the server.
        timeout: how long a transaction is repeated; longer than the longest pause of a move.
        """
        self.shared = Database(shared)
        self.isolated = isolated
        self.timeout = timeout
        self.databases = {}
        self.routes = {}
        self.drops = 0
        self.listening = False
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.listener = threading.Thread(target=self._listen, daemon=True)

    def start(self):
        """Begins to listen for changed routes. Until then each transaction looks its route up."""
        self.listener.start()

    def stop(self):
        self.stopped.set()
        if self.listener.is_alive():
            self.listener.join()
        for database in [self.shared, *self.databases.values()]:
            database.clear()

    def run(self, tenant, work):
        """
        Runs the work in one transaction of the tenant and commits. The work may run several times: it does nothing but use
        the connection, and lets the errors of its statements through.
        """
        began, delay = time.monotonic(), SHORTEST_DELAY
        while True:
            stage = ["opening"]
            try:
                return self._attempt(tenant, work, stage)
            except psycopg.Error as error:
                # The server answers a COMMIT that it refuses with an error. Anything else says nothing about its outcome.
                if stage == ["committing"] and (error.sqlstate or "57P").startswith("57P"):
                    raise OutcomeUnknown(f"The connection was lost during COMMIT of tenant {tenant}.") from error
                if not self._may_repeat(error) or time.monotonic() - began + delay > self.timeout:
                    raise
            self._drop(lambda slug, key: key == tenant)
            # Not all at the same moment.
            time.sleep(delay * random.uniform(0.5, 1))
            delay = min(2 * delay, LONGEST_DELAY)

    def _attempt(self, tenant, work, stage):
        database = self._resolve(tenant)
        connection = database.take()
        try:
            stage[:] = ["working"]
            set_tenant(connection, tenant)
            result = work(connection)
            if connection.info.transaction_status == TransactionStatus.INERROR:
                raise RuntimeError("The work went on after an error of a statement: nothing can be committed.")
            stage[:] = ["committing"]
            connection.commit()
            return result
        finally:
            # Closes the connection if its transaction is still open.
            database.give_back(connection)

    @staticmethod
    def _may_repeat(error):
        # Without a code: no connection (no such database, no CONNECT on it), or a lost one. Before COMMIT nothing has happened.
        return error.sqlstate in REPEATED or (error.sqlstate is None and isinstance(error, psycopg.OperationalError))

    def _resolve(self, tenant):
        with self.lock:
            if tenant in self.routes:
                return self.routes[tenant][1]
            seen = self.drops
        slug, database = self._read_route(tenant)
        with self.lock:
            # What was dropped while we read may be what we have read.
            if self.listening and seen == self.drops:
                self.routes[tenant] = slug, database
        return database

    def _read_route(self, tenant):
        connection = self.shared.take()
        try:
            set_tenant(connection, tenant)
            row = connection.execute(
                "SELECT slug, isolation_mode, settings -> 'isolation' ->> 'isolated_db_name' FROM tenants WHERE id = %s",
                [tenant],
            ).fetchone()
            connection.commit()
        finally:
            self.shared.give_back(connection)
        if row is None:
            raise KeyError(f"There is no tenant {tenant}.")
        slug, mode, name = row
        return slug, self._database(name) if mode == "isolated" else self.shared

    def _database(self, name):
        with self.lock:
            if name not in self.databases:
                self.databases[name] = Database(self.isolated(name))
            return self.databases[name]

    def _drop(self, which):
        with self.lock:
            self.drops += 1
            for tenant, (slug, database) in list(self.routes.items()):
                if which(slug, tenant):
                    del self.routes[tenant]
                    # Idle connections would be in the way of whoever drops that database.
                    if database is not self.shared:
                        database.clear()

    def _set_listening(self, value):
        self.listening = value
        # What changed while nobody listened is unknown.
        self._drop(lambda slug, key: True)

    def _listen(self):
        while not self.stopped.is_set():
            try:
                with psycopg.connect(
                    self.shared.conninfo, autocommit=True, connect_timeout=HEARTBEAT, tcp_user_timeout=HEARTBEAT * 1000
                ) as connection:
                    connection.add_notify_handler(lambda n: self._drop(lambda slug, key: slug == n.payload))
                    connection.execute("LISTEN tenant_routing")
                    self._set_listening(True)
                    while not self.stopped.is_set():
                        select.select([connection.fileno()], [], [], 1)
                        # Takes what has arrived. A network that went silent looks like a route that never changes.
                        connection.execute("SELECT 1")
            except (psycopg.Error, OSError):
                # Whatever it was: while nobody listens nothing is cached, and that is right, only slower.
                pass
            self._set_listening(False)
            self.stopped.wait(0.5)


def set_tenant(connection, tenant):
    # True: until the end of the transaction. The connection is used again without it.
    connection.execute("SELECT set_config('app.current_tenant_id', %s, true)", [tenant])
