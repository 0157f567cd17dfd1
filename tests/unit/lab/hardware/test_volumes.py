"""Portals rotate, and the connections to cut are read rightly from tgtadm."""

import pytest

from lab.hardware.volumes import PORTALS, VolumeRecord, live_connections, next_portal
from lab.system.errors import HardwareError

SHOWN = """\
Session: 3
    Connection: 0
        Initiator: iqn.1988-12.com.oracle:998718153fb9
        IP Address: 10.0.0.11
Session: 12
    Connection: 1
        Initiator: iqn.1988-12.com.oracle:0123456789ab alias: nfs-cli
        IP Address: 10.0.0.21
"""


def test_every_connection_is_found_with_its_initiator():
    assert live_connections(SHOWN) == [("3", "0", "10.0.0.11"), ("12", "1", "10.0.0.21")]
    assert live_connections("") == []


def test_a_volume_never_comes_back_at_the_address_it_had():
    volume = VolumeRecord("bv1", 1, "iqn", 50, portal=PORTALS[0])
    assert next_portal(volume, {PORTALS[0]}) == PORTALS[1]
    assert next_portal(volume, {PORTALS[0], PORTALS[1]}) == PORTALS[2]
    last = VolumeRecord("bv1", 1, "iqn", 50, portal=PORTALS[-1])
    assert next_portal(last, {PORTALS[-1]}) == PORTALS[0]
    with pytest.raises(HardwareError, match="portals are taken"):
        next_portal(volume, set(PORTALS))
