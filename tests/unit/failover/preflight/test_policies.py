"""Every call has its policy statement, and every refused one a remedy."""

import inspect
import re

import pytest

from failover.cloud import inventory
from failover.preflight import policies


def test_every_read_has_its_policy() -> None:
    called = set(re.findall(r'\b(?:called|listed)\(\s*"(\w+)"', inspect.getsource(inventory)))
    assert called == set(policies.READS)
    for operation in (*policies.READS, *policies.ACTS):
        for statement in policies.statements(operation, "ocid1.compartment.c"):
            verb, where = "(inspect|read|use|manage) [a-z-]+", r"(tenancy|compartment id ocid1\S+)"
            assert re.fullmatch(f"allow group <group> to {verb} in {where}", statement)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "allow group <group> to read instance-images in compartment id c"),
        (403, "allow group"),
        (401, "clock"),
        (429, "throttling"),
        (500, "service's status"),
        (None, "silence"),
    ],
)
def test_the_remedy_fits_the_answer(status: int | None, said: str) -> None:
    assert said in policies.remedy("GetImage", status, "c")
