"""Waiting for a host: what passes while it boots, and what does not."""

from __future__ import annotations

import pytest

from failover import deadline
from failover.hosts.ssh import LoginRefused, Silent, wait_until_answers
from failover.model.outcome import Unknown


class Booting:
    """A host that answers each call with the next of these."""

    name, address = "nfs-cli", "10.0.0.21"
    way = "SSH"

    def __init__(self, *answers):
        self.answers = list(answers)

    def boot_id(self, deadline_seconds):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        pass


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(deadline.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(deadline.time, "sleep", lambda _: None)


def test_the_old_boot_silence_and_a_refused_login_pass():
    host = Booting("old", Silent("no route"), LoginRefused("going down"), LoginRefused("booting"), "new")
    assert wait_until_answers(host, 100, not_boot="old") == "new"


def test_a_login_that_stays_refused_is_what_is_told_in_the_end():
    with pytest.raises(LoginRefused, match="not this key"):
        wait_until_answers(Booting(LoginRefused("not this key")), 20)


def test_another_host_key_is_not_waited_out():
    with pytest.raises(Unknown, match="another host key"):
        wait_until_answers(Booting(Unknown("another host key"), "boot"), 20)


def test_silence_to_the_end_is_unknown():
    with pytest.raises(Unknown, match="did not answer SSH"):
        wait_until_answers(Booting(Silent("no route")), 20)
