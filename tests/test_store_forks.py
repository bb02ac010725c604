"""Children of a process that uses the database: they find it as free as anybody else does."""

import subprocess
import sys

FORKED_DURING_A_TRANSACTION = """
import os, sys, threading, time
from sqlalchemy import text
from docproc.settings import Settings
from docproc.store import database

settings = Settings(database_url=sys.argv[1])
mine, begun = database.Database(settings), threading.Event()

def write(opened, seconds=0.0):
    with opened.write() as session:
        session.execute(text("DELETE FROM users"))
        begun.set()
        time.sleep(seconds)

writer = threading.Thread(target=write, args=(mine, 0.3))
writer.start()
begun.wait()
database.WAIT = 1.0
child = os.fork()
if child == 0:
    write(database.Database(settings))
    write(mine)
    os._exit(0)
writer.join()
ended = os.waitpid(child, 0)[1]
write(mine)
sys.exit(ended)
"""


def test_a_child_forked_during_a_transaction_can_write(database):
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "ignore", "-c", FORKED_DURING_A_TRANSACTION, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
