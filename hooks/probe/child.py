"""Runs a function in a child process, so that a dead server or disk holds only that."""

import json
import os
import select
import signal
from typing import Any, Callable

from hooks.host.host import CommandFailed, HookError, Host, OutOfTime

_MOST_DESCRIPTORS = 4096


def run_in_child(host: Host, what: str, work: Callable[[], object], seconds: float) -> Any:
    """What `work` returns (values of JSON), within so many seconds and the host's deadline.

    Raises CommandFailed with what the work raised, and OutOfTime when it did not end: the child is killed,
    and left behind if the kernel will not let go of it (a hard NFS mount, nfs(5)).
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        host.on_step = lambda step: None  # the lock's file, in which it notes its steps, is the parent's
        _live(work, theirs)
    os.close(theirs)
    with open(ours, "rb") as answer:
        if not select.select([ours], [], [], max(0.0, min(seconds, host.left())))[0]:
            os.kill(child, signal.SIGKILL)
            raise OutOfTime("{}: no answer within {:.0f} s".format(what, seconds))
        result = answer.read().decode() or '[null, "its process ended without an answer"]'
    os.waitpid(child, 0)
    value, error = json.loads(result)
    if error is not None:
        raise CommandFailed("{}: {}".format(what, error))
    return value


def _live(work: Callable[[], object], answer: int) -> None:
    """The child's whole life. It keeps no file of its parent open: neither the lock nor SSH waits for it."""
    try:
        os.setsid()
        os.dup2(answer, 3)
        os.closerange(4, _MOST_DESCRIPTORS)
        null_device = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null_device, number)
        os.close(null_device)
        try:
            result = [work(), None]
        except (HookError, OSError) as error:
            result = [None, str(error)]
        os.write(3, json.dumps(result).encode())
    finally:
        os._exit(0)
