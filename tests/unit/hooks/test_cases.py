"""Each layer on a host that answers as planned: facts in, commands and files out."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.hooks.scripted_host import Unplanned, cases, run_case


@pytest.mark.parametrize("case", cases().values(), ids=cases().keys())
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    run_case(case, str(tmp_path))


def test_an_unplanned_command_fails_a_case(tmp_path: Path) -> None:
    case = {"role": "server", "action": "check", "only": ["iscsi"], "layers": []}
    with pytest.raises(Unplanned):
        run_case(case, str(tmp_path))
