"""Words of the journal that are written by a run and read by its report."""

from __future__ import annotations

UNPROVEN = "the operator's --unplanned: the detach is the fence"
