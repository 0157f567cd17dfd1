"""One Terraform command as a process: a deadline, an environment of its own, a gentle end."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from typing import IO, Any

from python_terraform import Terraform

from failover.cloud import profile
from failover.model.outcome import Unknown
from failover.model.site import Site

# A 404 may mean "not authorized": the provider must not drop a resource from the state because of it.
_ENVIRONMENT = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_PRESERVE_STATE_ON_404": "true",
    "CHECKPOINT_DISABLE": "1",
}
# What a run decides by itself, in each plan: an operator's shell must not. Arguments from there (-target,
# -destroy) would be met between the fence and the switch.
_ARGUMENTS = "TF_CLI_ARGS"
_DECIDED = ("TF_VAR_active_server", "TF_VAR_fence", "TF_VAR_launch", "TF_VAR_launch_only", "TF_VAR_switch")
QUICK_SECONDS = 300.0
_FORCED_SECONDS = 10.0


def set_aside(environment: Iterable[str]) -> tuple[str, ...]:
    """The variables of an operator's environment that a run does not hand on to Terraform."""
    return tuple(sorted(name for name in environment if name.startswith(_ARGUMENTS) or name in _DECIDED))


class Command(Terraform):
    """python-terraform's command builder, with a deadline and an environment of its own."""

    def __init__(self, site: Site) -> None:
        super().__init__(working_dir=str(site.terraform.directory))
        # The provider's HTTP client has no time-out of its own.
        timeout = {"HTTP_REQUEST_TIMEOUT": f"{max(1, round(site.deadlines.api))}s"}
        aside = set_aside(os.environ)
        own = {name: value for name, value in os.environ.items() if name not in aside}
        self.environment = {**own, **_ENVIRONMENT, **timeout, **profile.provider_environment(site)}
        self.environment |= site.terraform.environment
        self.deadline_seconds = QUICK_SECONDS
        self._grace_seconds = site.deadlines.interrupt

    def read_state_file(self, file_path: str | None = None) -> None:
        """Not of a file: the state may be kept elsewhere, and `state pull` reads it wherever it is."""

    def cmd(self, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        """Run one terraform command; returns (code, stdout, stderr). Raises Unknown at the deadline."""
        for ours in ("capture_output", "raise_on_error", "synchronous"):
            kwargs.pop(ours, None)
        argv = self.generate_cmd_string(cmd, *args, **kwargs)
        # Files, not pipes: when we are killed, a pipe would kill Terraform at its next word (SIGPIPE), with
        # its state unwritten. A session of its own: Ctrl-C does not reach it.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                argv,
                cwd=self.working_dir,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                self._finish(process, cmd)
            finally:
                self.temp_var_files.clean_up()
            return process.returncode, _text(out), _text(err)

    def _finish(self, process: subprocess.Popen[bytes], cmd: str) -> None:
        try:
            process.wait(self.deadline_seconds)
        except subprocess.TimeoutExpired:
            _interrupt(process, self._grace_seconds)
            raise Unknown(
                f"terraform {cmd} did not end within {self.deadline_seconds:.0f} s and was interrupted",
                "look at what is slow in the console; then run the same command again",
            ) from None
        except KeyboardInterrupt:
            _interrupt(process, self._grace_seconds)
            raise


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _interrupt(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask Terraform to stop: it waits for the calls under way and writes its state. (SIGINT may be ignored.)

    After the grace once more, on which it gives those calls up; then it is killed.
    """
    for seconds in (grace_seconds, _FORCED_SECONDS):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()
