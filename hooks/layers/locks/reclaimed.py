"""NFSv4.0's part: a client that took its state back after a takeover is entered in nfsd's record again.

nfsd enters a client of NFSv4.0 when it confirms an open owner (OPEN_CONFIRM). A client that takes its state
back (CLAIM_PREVIOUS) confirms none, and with the end of the grace nfsdcld drops the record of before it. So
one that goes on with the files it has open stands in no record, and the next takeover refuses it its locks
(Linux 6.1, fs/nfsd: nfsd4_open, nfsd4_open_confirm, nfsd4_cld_grace_done). Clients of 4.1 and later say
RECLAIM_COMPLETE, and are entered by it.

A program beside nfsd mends it, outside of a grace: clients of 4.0 that have state are entered, and struck off
when nfsd has given them up. nfsd itself strikes off those alone that it has entered. For the seconds between
two looks the record may be behind.

All of this module is pure.
"""

from typing import Tuple

SERVICE = "nfs-failover-reclaimed.service"
UNIT = "/etc/systemd/system/" + SERVICE
PROGRAM = "/etc/nfs-failover/reclaimed.py"
WANTED = "[Unit]\nWants={}\n".format(SERVICE)  # nfsd's unit starts it
_PAUSE_SECONDS = 5
# nfsd's clients wait for the processor that its start would take: it begins when they have been served
_UNIT_TEXT = """[Unit]
Description=NFS failover: enters clients of NFSv4.0 that took their state back in nfsd's record
After=nfs-server.service
PartOf=nfs-server.service
[Service]
ExecStart=/bin/sh -c 'sleep 10; exec "$(command -v python3 || echo /usr/libexec/platform-python)" \\
{program} /proc/fs/nfsd {folder} {pause}'
Restart=always
RestartSec=5
"""
# reclaimed.py NFSD FOLDER PAUSE: nfsd's files in /proc, the folder of nfsdcld's record, seconds between two
# looks; one look alone where that is 0. Python 3.6 and later, standard library only.
TEXT = r"""import glob
import os
import re
import sqlite3
import sys
import time

NFSD, FOLDER, PAUSE = sys.argv[1], sys.argv[2], float(sys.argv[3])


def text(path, size=-1):
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read(size)
    except OSError:  # the client has gone meanwhile
        return ""


def clients():
    "Names of the clients of NFSv4.0, and of those that have state."
    names, busy = set(), set()
    for path in glob.glob(NFSD + "/clients/*/info"):
        info = text(path)
        name = re.search('^name: "(.*)"$', info, re.M)
        if name and re.search("^minor version: 0$", info, re.M):
            plain = re.sub(
                rb"\\x([0-9a-fA-F]{2})",
                lambda match: bytes([int(match.group(1), 16)]),
                os.fsencode(name.group(1)),
            )
            names.add(plain)
            if text(path[:-4] + "states", 1):
                busy.add(plain)
    return names, busy


def look(entered):
    names, busy = clients()
    if not names and not entered:
        return entered
    database = sqlite3.connect(FOLDER + "/main.sqlite", timeout=30)
    with database:  # one transaction
        (epoch,) = database.execute("SELECT current FROM grace").fetchone()
        table = '"rec-%016x"' % epoch
        known = {bytes(row[0]) for row in database.execute("SELECT id FROM " + table)}
        for name in busy - known:
            database.execute("INSERT OR IGNORE INTO " + table + " (id) VALUES (?)", (name,))
            print("entered", os.fsdecode(name), flush=True)
        entered |= names & (known | busy)
        for name in entered - names:
            database.execute("DELETE FROM " + table + " WHERE id = ?", (name,))
    database.close()
    return entered & names


entered = set()
while True:
    if text(NFSD + "/v4_end_grace", 1) == "Y":
        entered = look(entered)
    if not PAUSE:
        break
    time.sleep(PAUSE)
"""


def files(folder: str) -> Tuple[Tuple[str, str], ...]:
    """Path and text of the unit and of its program. `folder`: where nfsdcld has its record."""
    unit = _UNIT_TEXT.format(program=PROGRAM, folder=folder, pause=_PAUSE_SECONDS)
    return (UNIT, unit), (PROGRAM, TEXT)
