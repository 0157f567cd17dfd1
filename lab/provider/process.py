"""The provider as a process of one lab: started, found by Terraform, stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from lab.provider.place import ADDRESS, PID_FILE, REATTACH_FILE, host_overrides, lab_endpoint
from lab.system.paths import ROOT
from lab.system.programs import PROVIDER
from lab.system.waiting import until

_LOG_FILE = "provider.log"
_TAIL_LINES = 15


class ProviderProcessError(RuntimeError):
    """The provider does not start or does not stop."""


class ProviderProcess:
    """The stand-in provider of lab directory `run`, whose API must be up.

    It outlives its starter: another ProviderProcess for the same lab finds it by its pid file.
    keep_on_404: a 404 on refresh leaves the resource in the state (TF_PRESERVE_STATE_ON_404).
    """

    def __init__(self, run: Path, keep_on_404: bool = True) -> None:
        self._run = run.resolve()
        self._keep_on_404 = keep_on_404
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, deadline_seconds: float = 30.0) -> "ProviderProcess":
        """Serve; already serving is success. Raises ProviderProcessError with the log's tail."""
        if self.is_serving():
            return self
        self._clear_leftovers()
        with (self._run / _LOG_FILE).open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", PROVIDER, "--run", str(self._run)],
                cwd=ROOT,
                env={**os.environ, **self._variables()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_announcement(self._child, deadline_seconds)
        return self

    def stop(self, deadline_seconds: float = 10.0) -> None:
        """End the provider: SIGTERM, and SIGKILL at the deadline. Not serving is success."""
        pid = self._pid()
        if pid is not None:
            self._end(pid, deadline_seconds)
        self._clear_leftovers()

    def _end(self, pid: int, deadline_seconds: float) -> None:
        os.kill(pid, signal.SIGTERM)
        if not until(lambda: not self._alive(pid), deadline_seconds):
            os.kill(pid, signal.SIGKILL)
            raise ProviderProcessError(f"provider {pid} of {self._run} ignored SIGTERM and was killed")

    def is_serving(self) -> bool:
        """Whether Terraform would find it."""
        return self._pid() is not None and (self._run / REATTACH_FILE).exists()

    def environment(self) -> dict[str, str]:
        """What a terraform command needs in its environment, besides the caller's own."""
        reattach = (self._run / REATTACH_FILE).read_text(encoding="utf-8")
        return {**self._variables(), "TF_REATTACH_PROVIDERS": reattach}

    def _variables(self) -> dict[str, str]:
        return {
            "CLIENT_HOST_OVERRIDES": host_overrides(lab_endpoint(self._run)),
            "HTTP_REQUEST_TIMEOUT": "60s",
            "TF_PRESERVE_STATE_ON_404": "true" if self._keep_on_404 else "false",
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def _await_announcement(self, child: subprocess.Popen[bytes], deadline_seconds: float) -> None:
        announced = self._run / REATTACH_FILE
        until(lambda: announced.exists() or child.poll() is not None, deadline_seconds)
        if announced.exists():
            return
        if child.poll() is not None:
            raise ProviderProcessError(f"the provider ended with status {child.returncode}:\n{self._tail()}")
        child.kill()
        child.wait()
        raise ProviderProcessError(
            f"the provider did not serve within {deadline_seconds:.0f} s:\n{self._tail()}"
        )

    def _clear_leftovers(self) -> None:
        """What a provider that was killed left behind: its announcement, and its socket in /tmp."""
        reattach = self._run / REATTACH_FILE
        if reattach.exists():
            announced = json.loads(reattach.read_text(encoding="utf-8"))[ADDRESS]
            shutil.rmtree(Path(announced["Addr"]["String"]).parent, ignore_errors=True)
        reattach.unlink(missing_ok=True)
        (self._run / PID_FILE).unlink(missing_ok=True)

    def _tail(self) -> str:
        log = self._run / _LOG_FILE
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])

    def _pid(self) -> int | None:
        """The pid in the pid file, when it is really this lab's provider."""
        try:
            pid = int((self._run / PID_FILE).read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        ours = b"lab.provider" in command and str(self._run).encode() in command
        return pid if ours else None

    def _alive(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        return self._pid() == pid
