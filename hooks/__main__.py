"""Lets `python3 -m hooks` run what the zipapp runs."""

import sys

from hooks.cli import main

sys.exit(main(sys.argv[1:]))
