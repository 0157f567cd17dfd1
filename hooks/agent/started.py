"""Has the hooks with the pinned SHA-256 on this host, runs them detached, and answers in pieces.

Its source travels alone in the 4,096 bytes of a command, so it imports nothing of ours. The hooks come from
this host's disk, from the data (.nfs-failover/ of an export, mounted for a moment), or from a URL. They
outlive the command: an agent that is restarted, or ends it at its time-out, does not cut a mount in two.
"""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from typing import Any, Dict

FOLDER, STATE = "/opt/nfs-failover", "/run/nfs-failover/agent"
PIECE, PIECES, OLD_SECONDS, LARGEST = 900, 10, 86400, 4 << 20
CUTS = (10**6, 600, 300, 150, 80, 40, 20)
RUN = '"$@" >"$0.out" 2>"$0.err"; echo $? >"$0.new"; mv "$0.new" "$0.code"'


def main(given: Dict[str, Any], folder: str = FOLDER, state: str = STATE) -> int:
    """Prints a piece of the packed answer: `code` and `result` of the hooks, `error`, or `running`.

    `given`: id, seconds, offset; to begin a run also action, more, spec, sha256, exports, url. Ends with 0.
    """
    base = os.path.join(state, given["id"])
    try:
        if not os.path.exists(base + ".out"):
            begin(given, base, folder, state)
        answer = ended(base, given["seconds"])
    except (OSError, ValueError) as error:
        answer = {"error": str(error)}
    text = packed(answer)
    start = given["offset"]
    print("nfs-failover-answer %d %s" % (len(text), text[start : start + PIECE]))
    return 0


def begin(given: Dict[str, Any], base: str, folder: str, state: str) -> None:
    """Begin the run of the hooks, which does not end with this command. Raises OSError, ValueError."""
    if "action" not in given:
        raise OSError("that run is not here: it was never begun, or the host was rebooted")
    os.makedirs(state, 0o700, exist_ok=True)
    for name in os.listdir(state):
        path = os.path.join(state, name)
        if os.path.isfile(path) and time.time() - os.stat(path).st_mtime > OLD_SECONDS:
            os.unlink(path)
    path = had(given, folder, os.path.join(state, "data"))
    argv = ["sh", "-c", RUN, base, sys.executable, path, given["action"], "--spec", "-"] + given["more"]
    null = subprocess.DEVNULL
    reading, writing = os.pipe()  # a spec has less than the 64 KB that a pipe takes at once
    subprocess.Popen(argv, stdin=reading, stdout=null, stderr=null, start_new_session=True)
    os.close(reading)
    os.write(writing, given["spec"].encode())
    os.close(writing)


def ended(base: str, seconds: float) -> Dict[str, Any]:
    """What the run came to; `running` when it has not ended after so many seconds. Raises OSError."""
    end = time.time() + seconds
    while not os.path.exists(base + ".code"):
        if time.time() > end:
            with open(base + ".out"):
                return {"running": True}
        time.sleep(0.2)
    answer = {"code": int(text_of(base + ".code")), "error": text_of(base + ".err")[-300:]}
    for line in text_of(base + ".out").splitlines():
        if line.startswith("{"):
            answer = {"code": answer["code"], "result": json.loads(line)}
    return answer


def text_of(path: str) -> str:
    """A file's text."""
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def had(given: Dict[str, Any], folder: str, point: str) -> str:
    """The path of the hooks on this host's disk, fetched now unless they are there. Raises OSError."""
    path, tried = os.path.join(folder, "hooks-" + given["sha256"][:16] + ".pyz"), [""][1:]
    if right(path, given):
        return path
    os.makedirs(folder, 0o755, exist_ok=True)
    os.makedirs(point, exist_ok=True)
    for source in given["exports"]:
        made = 1
        try:
            socket.create_connection((source.rsplit(":", 1)[0].strip("[]"), 2049), 3).close()
            made = subprocess.call(
                ["timeout", "30", "mount", "-t", "nfs", "-o"]
                + ["ro,soft,timeo=50,retrans=1,retry=0,nolock", source, point]
            )
            inner = os.path.join(point, ".nfs-failover", os.path.basename(path))
            if made == 0 and right(inner, given):
                with open(inner, "rb") as file:
                    return put(path, file.read())
            tried.append(source + (": not mounted" if made else ": no copy that may be read"))
        except OSError as error:
            tried.append("%s: %s" % (source, error))
        finally:
            if made == 0:
                subprocess.call(["umount", "-l", point])
    if given["url"]:
        try:
            content = urllib.request.urlopen(given["url"], timeout=30).read(LARGEST)  # noqa: S310
            if hashlib.sha256(content).hexdigest() == given["sha256"]:
                return put(path, content)
            tried.append("hooks_url: another SHA-256")
        except OSError as error:
            tried.append("hooks_url: %s" % error)
    raise OSError("the hooks are not here: " + ("; ".join(tried) or "no source of them is known"))


def right(path: str, given: Dict[str, Any]) -> bool:
    """Whether these are the pinned bytes."""
    try:
        with open(path, "rb") as file:
            return bool(hashlib.sha256(file.read(LARGEST)).hexdigest() == given["sha256"])
    except OSError:
        return False


def put(path: str, content: bytes) -> str:
    """Beside, synced, renamed over."""
    with open(path + ".new", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)
    return path


def packed(answer: Dict[str, Any]) -> str:
    """The answer as text of at most PIECES pieces: long texts and lists are cut until it fits."""
    text = ""
    for most in CUTS:
        text = base64.b85encode(zlib.compress(json.dumps(cut(answer, most)).encode(), 9)).decode()
        if len(text) <= PIECE * PIECES:
            return text
    return base64.b85encode(zlib.compress(b'{"error": "the answer does not fit"}')).decode()


def cut(value: Any, most: int) -> Any:
    """The same with no text longer than this, and lists in proportion."""
    if isinstance(value, str):
        return value if len(value) <= most else value[:most] + "..."
    if isinstance(value, list):
        return [cut(one, most) for one in value[: 1 + most // 20]]
    if isinstance(value, dict):
        return {key: cut(one, most) for key, one in value.items()}
    return value
