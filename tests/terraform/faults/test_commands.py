"""Each row of the table of commands in docs/faults.md: that client is unknown, and the others answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import sources
from tests.terraform.faults.commands import ROWS, CommandRow, with_commands
from tests.terraform.faults.document import FILE
from tests.terraform.faults.kinds import KINDS
from tests.terraform.sites.run_command_site import RunCommandSite, run_command_site

pytestmark = pytest.mark.checked(sources.SDK)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunCommandSite]:
    with run_command_site(tmp_path_factory.mktemp("commands")) as made:
        yield made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_one_client_is_unknown_and_the_others_answer(
    row: CommandRow, site: RunCommandSite, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = "" if row.every else site.instances["gpu-002"]
    site.whole.cloud.inject(operation=row.operation, resource=resource, **KINDS[row.kind])
    try:
        assert site.clients("check") == 0, "no client decides over the others"
    finally:
        site.whole.cloud.clear_faults()
    (check,) = [
        c for c in json.loads(capsys.readouterr().out.splitlines()[-1])["checks"] if c["name"] == "clients"
    ]
    assert check["outcome"] == "warning"
    assert f"{1 if row.every else 3} of 4 answer" in check["actual"], check
    assert "gpu-002: " in check["actual"]
    assert row.text in check["actual"] + check["remedy"]


def test_the_document_shows_this_table() -> None:
    assert FILE.read_text() == with_commands(FILE.read_text()), (
        "the table has changed: rewrite it with `python -m tests.terraform.faults.commands`"
    )
