"""What holds for every test: a busy machine makes one slow, not wrong, so no example has a deadline."""

from hypothesis import settings

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
