"""Writes through the sample until standard input ends, and prints what the database has acknowledged.

Arguments: the tenant. The servers are in the environment: PGHOST and so on, ISOLATED_PORT and ISOLATED_PASSWORD.
"""

import json
import os
import sys
import threading
import time
import traceback
import uuid

from tenant_router import TenantRouter

tenant = sys.argv[1]
acknowledged = {}
errors = []
stopped = threading.Event()
port, password = os.environ["ISOLATED_PORT"], os.environ["ISOLATED_PASSWORD"]
router = TenantRouter("", lambda name: f"dbname={name} port={port} password={password}", timeout=600)
router.start()


def write():
    note = str(uuid.uuid4())
    router.run(
        tenant,
        lambda connection: connection.execute("INSERT INTO notes (id, tenant_id, n) VALUES (%s, %s, 1)", [note, tenant]),
    )
    acknowledged[note] = 1
    while not stopped.is_set() and acknowledged[note] < 20:
        router.run(tenant, lambda connection: connection.execute("UPDATE notes SET n = n + 1 WHERE id = %s", [note]))
        acknowledged[note] += 1
        time.sleep(0.01)


def work():
    while not stopped.is_set():
        try:
            write()
        except Exception:
            errors.append(traceback.format_exc())
            stopped.set()


workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
for worker in workers:
    worker.join()
router.stop()
print(json.dumps({"acknowledged": acknowledged, "errors": errors}), flush=True)
# The thread that reads may still be waiting.
os._exit(0)
