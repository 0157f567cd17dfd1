"""What becomes of one client when a call for its commands meets a fault, and of the others: the rows.

`python -m tests.terraform.faults.commands` rewrites their table in docs/faults.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.terraform.faults.document import FILE
from tests.terraform.faults.kinds import TOLD

BEGIN, END = "<!-- commands: begin -->\n", "<!-- commands: end -->\n"
_HEAD = "| call | meets | the client | the check says |\n|---|---|---|---|\n"
UNKNOWN, ANSWERS = "is unknown, and left alone", "answers"
_POLICY = "a policy is missing"


@dataclass(frozen=True)
class CommandRow:
    """One call for one client that meets a fault, and what its check comes to. `text`: of reason or remedy.

    `every`: the call is made for all of them, and so all meet it.
    """

    operation: str
    kind: str
    client: str
    text: str
    every: bool = False

    @property
    def id(self) -> str:
        """For a test's name."""
        return f"{self.operation}-{self.kind}"


ROWS = (
    CommandRow("ListInstances", "404", UNKNOWN, _POLICY, every=True),
    CommandRow("ListVnicAttachments", "401", UNKNOWN, "check the API key", every=True),
    CommandRow("GetInstance", "404", UNKNOWN, _POLICY),
    CommandRow("ListInstanceAgentPlugins", "404", UNKNOWN, _POLICY),
    CommandRow("ListInstanceAgentPlugins", "reset", UNKNOWN, "check the network"),
    CommandRow("CreateInstanceAgentCommand", "401", UNKNOWN, "check the API key"),
    CommandRow("CreateInstanceAgentCommand", "404", UNKNOWN, "manage instance-agent-command-family"),
    CommandRow("CreateInstanceAgentCommand", "409", UNKNOWN, "look for other commands on this instance"),
    CommandRow("CreateInstanceAgentCommand", "429", UNKNOWN, "look for other commands on this instance"),
    CommandRow("CreateInstanceAgentCommand", "500", UNKNOWN, "look at the service's status"),
    CommandRow("CreateInstanceAgentCommand", "lost", UNKNOWN, "check the network"),
    CommandRow("CreateInstanceAgentCommand", "stuck", UNKNOWN, "waits up to 30 minutes"),
    CommandRow("CreateInstanceAgentCommand", "broken", UNKNOWN, "delivery EXPIRED"),
    CommandRow("GetInstanceAgentCommandExecution", "401", UNKNOWN, "check the API key"),
    CommandRow("GetInstanceAgentCommandExecution", "404", UNKNOWN, "not shown (HTTP 404)"),
    CommandRow("GetInstanceAgentCommandExecution", "500", UNKNOWN, "look at the service's status"),
)
_TOLD = {**TOLD, "stuck": "no agent takes it", "broken": "it expires undelivered"}


def with_commands(text: str) -> str:
    """The document with this table as the rows are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [f"| {r.operation} | {_TOLD[r.kind]} | {r.client} | “{r.text}” |\n" for r in ROWS]
    return f"{before}{BEGIN}{_HEAD}{''.join(lines)}{END}{after}"


if __name__ == "__main__":
    FILE.write_text(with_commands(FILE.read_text()))
