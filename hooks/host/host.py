"""The host as the layers see it: the only place that runs commands, and where every wait ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

COMMAND_SECONDS = 60.0
RELOAD_SECONDS = 120.0  # of systemd: it waits 90 s where fstab names a mount that hangs, whoever's that is
_AFTER_KILL_SECONDS = 2.0
_CONNECT_SECONDS = 3.0
SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_NO_CODES: Dict[int, str] = {}


class HookError(Exception):
    """A layer could not do its work; says what was found and what to do."""


class CommandFailed(HookError):
    """A command ended with a code that nobody tolerates."""


class HookRefused(HookError):
    """Going on could harm data or another service: a person has to decide."""


class OutOfTime(HookError):
    """A deadline passed; what it waited for may still happen."""


def refuse(reasons: Sequence[str]) -> None:
    """Raises HookRefused with all reasons; returns when there is none."""
    if reasons:
        raise HookRefused("; ".join(reasons))


class CommandOutcome(NamedTuple):
    code: int
    out: str
    err: str


class Host:
    """Runs commands and reads files under `root`, all before one deadline, in seconds from now."""

    def __init__(self, seconds: float, root: str = "/") -> None:
        self.root = root
        self._seconds = seconds
        self._lock = threading.Lock()
        self.on_step: Callable[[str], None] = lambda step: None
        # systemd is to read its files again, and to enable these units; a walk has it do so at its end, once
        self.reload_due = False
        self.enable_due: List[str] = []
        self._known: Optional[Dict[Tuple[str, ...], CommandOutcome]] = None
        self.renew()

    def renew(self) -> None:
        """The deadline begins anew."""
        self._end = self.now() + self._seconds

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def left(self) -> float:
        """Seconds until the deadline of the whole run."""
        return self._end - self.now()

    def note(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(text.rstrip("\n") + "\n")
            sys.stderr.flush()

    def _step(self, step: str) -> None:
        with self._lock:
            self.on_step(step)

    def run(
        self,
        *argv: str,
        tolerate: Dict[int, str] = _NO_CODES,
        seconds: float = COMMAND_SECONDS,
        masks: Sequence[str] = (),
        remedy: str = "",
    ) -> CommandOutcome:
        """Runs argv and gives its outcome; exit codes other than 0 and the tolerated raise CommandFailed.

        `tolerate` names each accepted code by what it means. Texts in `masks` never show. `remedy` ends the
        message of the failure. Raises OutOfTime when the command outlives `seconds` or the run's deadline: it
        is killed, and left behind if the kernel will not let go of it.
        """
        try:
            return self._run(argv, tolerate, seconds, masks, remedy)
        finally:
            self.look_anew()

    def look_anew(self) -> None:
        """Forgets the answers of `one_look`: something was changed, or may have changed by itself."""
        self._known = None if self._known is None else {}

    def query(
        self, *argv: str, tolerate: Dict[int, str] = _NO_CODES, seconds: float = COMMAND_SECONDS
    ) -> CommandOutcome:
        """As `run`, of a command that changes nothing. Within `one_look` its answer is kept until `run` is
        called."""
        kept = self._known
        if kept is not None and argv in kept:
            return kept[argv]
        outcome = self._run(argv, tolerate, seconds, (), "")
        if kept is not None:
            kept[argv] = outcome  # `run` in another thread has put another one in its place
        return outcome

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Between here and the first change the same question has the same answer."""
        self._known = {}
        try:
            yield
        finally:
            self._known = None

    def _run(
        self,
        argv: Sequence[str],
        tolerate: Dict[int, str],
        seconds: float,
        masks: Sequence[str],
        remedy: str,
    ) -> CommandOutcome:
        shown = _masked(" ".join(argv), masks)
        seconds = min(seconds, self.left())
        if seconds <= 0:
            raise OutOfTime("no time left to run `{}`".format(shown))
        began = self.now()
        self._step("runs `{}`".format(shown))
        outcome = self._execute(argv, seconds)
        if outcome is None:
            raise OutOfTime("`{}` did not end within {:.0f} s".format(shown, seconds))
        meaning = tolerate.get(outcome.code, "")
        message = (
            _masked(" ".join((outcome.err or outcome.out).split()), masks)[-600:] if outcome.code else ""
        )
        ending = " {} {}: {}".format(outcome.code, meaning, message) if outcome.code else ""
        self.note("+ {} ({:.2f} s){}".format(shown, self.now() - began, ending))
        if outcome.code and outcome.code not in tolerate:
            text = "`{}` ended with {}: {}{}"
            raise CommandFailed(text.format(shown, outcome.code, message or "(no message)", remedy))
        return outcome

    def reload_systemd(self) -> None:
        """Has systemd read fstab, exports and units again: seconds, in which no client needs to wait. Raises
        HookError."""
        self.run(*self.reload_command(), seconds=RELOAD_SECONDS)
        if self.enable_due:  # that was systemctl's word; this looks at the files
            self.run("systemctl", "is-enabled", *self.enable_due)
        self.reload_due, self.enable_due = False, []

    def reload_command(self) -> Tuple[str, ...]:
        """systemctl(1): to enable reloads as well."""
        verb = "enable" if self.enable_due else "daemon-reload"
        return ("systemctl", verb, *self.enable_due)

    def _execute(self, argv: Sequence[str], seconds: float) -> Optional[CommandOutcome]:
        environment = dict(os.environ, LC_ALL="C", PATH=SBIN, LVM_SUPPRESS_FD_WARNINGS="1")
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError:
            raise CommandFailed(
                "{}: command not found; install the package that has it".format(argv[0])
            ) from None
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            return None
        return CommandOutcome(
            process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        )

    def reach(self, what: str, address: str, port: int, seconds: float, remedy: str) -> None:
        """Returns once this port takes a TCP connection; raises OutOfTime: silence is not absence."""
        end = self.now() + min(seconds, self.left())
        while True:
            message = self.connect(address, port)
            if not message:
                return
            if self.now() >= end:
                raise OutOfTime(
                    "{}: {} port {} is not reachable: {}{}".format(what, address, port, message, remedy)
                )
            self.sleep(0.5)

    def connect(self, address: str, port: int) -> str:
        """Why there is no connection; empty when there is one."""
        try:
            socket.create_connection((address, port), _CONNECT_SECONDS).close()
        except OSError as error:
            return str(error)
        return ""

    def resolve(self, name: str) -> List[str]:
        """The addresses that a name has on this host (getaddrinfo(3)); empty when it has none."""
        try:
            return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None)})
        except (OSError, UnicodeError):
            return []

    def metadata(self, path: str) -> Optional[str]:
        """What OCI's metadata service has at this path, None for a 404; raises CommandFailed."""
        from hooks.host import metadata_service  # noqa: PLC0415 - an HTTP client takes long to import

        try:
            return metadata_service.get(path)
        except metadata_service.Unreachable as error:
            raise CommandFailed(str(error)) from None

    def path(self, name: str) -> str:
        return os.path.join(self.root, name.lstrip("/"))

    def read(self, name: str) -> Optional[str]:
        """The text of a file, None when there is none."""
        try:
            with open(self.path(name), encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def real(self, name: str) -> Optional[str]:
        """Where a device's name leads in the end, None when it leads nowhere."""
        path = os.path.realpath(self.path(name))
        if not os.path.exists(path):
            return None
        return "/" + os.path.relpath(path, os.path.realpath(self.root))

    def wait(self, what: str, probe: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
        """Returns once the probe says yes; raises OutOfTime, naming `what`, after that many seconds."""
        seconds = min(seconds, self.left())
        end = self.now() + seconds
        self._step("waits for " + what)
        while not probe():
            if self.now() + every > end:
                raise OutOfTime("waited {:.0f} s for {}".format(max(0.0, seconds), what))
            self.sleep(every)
            self.look_anew()


def _masked(text: str, masks: Sequence[str]) -> str:
    for mask in masks:
        text = text.replace(mask, "***")
    return text


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_AFTER_KILL_SECONDS)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass  # gone already, or in uninterruptible sleep: nothing more can be done to it
