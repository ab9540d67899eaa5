"""Work that workers do in the tests: plain, endless, failing, deadly.

A worker is a new interpreter, and there are many of them: what types alone need is not imported.
"""

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from spatial.errors import InfeasibleError

if TYPE_CHECKING:
    from api.jobs.serving import Serving
    from api.jobs.telling import Teller


def echo(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    print("what a library prints is no frame")
    teller.progress("echoing", 0.5)
    teller.event("heard", {"words": inputs["words"]})
    return {"words": inputs["words"], "pid": os.getpid(), "nothing": float("nan")}


def endless(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    teller.event("pid", {"pid": os.getpid()})
    threading.Event().wait()
    return {}


def infeasible(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    raise InfeasibleError("nobody can walk there", proved=True, ids=("a", "b"))


def broken(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    return {"secret": {}[inputs["words"]]}


def deadly(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def greedy(inputs: Any, serving: "Serving", teller: "Teller") -> dict[str, Any]:
    return {"bytes": len(bytearray(2**33))}
