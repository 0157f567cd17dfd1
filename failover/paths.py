"""Where the checkout has what failover reads of it: templates, hooks, the stack."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "templates"
HOOKS = ROOT / "hooks"
STACK = ROOT / "terraform"
DRILLS = ROOT / ".lab" / "drills"  # `./inv drill` keeps its last reports there (docs/reports.md)
IMPORTS_FILE = "adopt.imports.tf"  # beside the stack, of one adoption: no zip and no commit carries it
