"""Go durations ("1h15m0s"), the form of Terraform's timeouts, in seconds."""

import re

from lab.provider.place import ProviderError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(duration: str) -> float:
    """Seconds of a Go duration. Raises ProviderError when it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ProviderError(
            f'duration "{duration}" is not understood: expected a form such as "20m" or "1h15m0s"'
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
