"""What holds for every test: a busy machine makes one slow, not wrong, so no example has a deadline."""

import os

from hypothesis import settings

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
# Terraform's processes live for a second, and its garbage collector takes a sixth of their processor time
os.environ.setdefault("GOGC", "off")
