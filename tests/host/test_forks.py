"""Tests that a process can be forked whatever its other threads are doing."""

from __future__ import annotations

from pathlib import Path

from ..support.scripts import run_python

#: The main thread forks while another one is within a transaction; then both processes write.
CODE = """
import os, sys, threading
from pathlib import Path
from flask_pocketping.chat.sessions import open_session
from tests.support.servers import make_app

app = make_app(Path(sys.argv[1]), sys.argv[2], worker="off")
db = app.extensions["pocketping"].db
begun, end = threading.Event(), threading.Event()

def write():
    with db.transaction():
        begun.set()
        end.wait(20)

threading.Thread(target=write).start()
begun.wait()
# It forks at once, or waits for the transaction.
threading.Timer(0.5, end.set).start()
pid = os.fork()
if pid == 0:
    try:
        open_session(db)
    except BaseException as error:
        print(type(error).__name__, error, file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
open_session(db)
sys.exit(1 if os.waitpid(pid, 0)[1] else 0)
"""


def test_a_process_forked_while_another_thread_writes_can_write(sqlite: str, tmp_path: Path) -> None:
    """SQLite would take the transaction of that thread for one of the child's, which never ends."""
    run_python(CODE, str(tmp_path), sqlite)
