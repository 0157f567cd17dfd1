"""The metadata service, as a real server on the loopback: the spec, the portals, the waiting."""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hooks.boot import metadata
from hooks.boot.metadata import ATTACHMENTS_PATH, SPEC_PATH, AttachedVolumes, Unreachable, get, look, match
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec
from tests.unit.hooks.scripted_host import fixture

SPEC = json.loads(fixture("server-spec.json"))
BARE = dict(SPEC, volumes=[{"name": v["name"], "volume_id": v["volume_id"]} for v in SPEC["volumes"]])
ONE, TWO = (
    {"id": "a", "volumeId": v["volume_id"], "iqn": v["iqn"], "ipv4": v["address"], "port": 3260}
    for v in SPEC["volumes"]
)


class Imds(ThreadingHTTPServer):
    """Answers what a test tells it to, each list of answers from the front, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answerer)
        self.answers: dict[str, list[tuple[int, str]]] = {SPEC_PATH: [(200, json.dumps(BARE))]}
        self.asked: list[str] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def attached(self, *answers: object) -> None:
        self.answers[ATTACHMENTS_PATH] = [(200, json.dumps(answer)) for answer in answers]


class Answerer(BaseHTTPRequestHandler):
    server: Imds

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        planned = self.server.answers.get(self.path, [(404, "")])
        status, text = planned.pop(0) if len(planned) > 1 else planned[0]
        status = status if self.headers["Authorization"] == "Bearer Oracle" else 401
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def imds() -> Iterator[Imds]:
    with Imds() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_the_spec_as_terraform_packs_it(imds: Imds) -> None:
    packed = base64.b64encode(gzip.compress(json.dumps(BARE).encode())).decode()
    imds.answers[SPEC_PATH] = [(200, packed)]
    imds.attached([ONE, TWO])
    assert parse(look(imds.place).text) == parse(json.dumps(SPEC))


@pytest.mark.parametrize("broken", ["H4sIAAAA", "no base64!", "H4sIAAAAAAAA/6tWSk", "bm8ganNvbg=="])
def test_a_spec_that_was_cut_off_or_is_none(imds: Imds, broken: str) -> None:
    imds.answers[SPEC_PATH] = [(200, broken)]
    with pytest.raises(SpecError, match="metadata key nfs_failover: found no JSON"):
        look(imds.place)


def test_portals_are_filled_in_by_volume_id(imds: Imds) -> None:
    imds.attached([TWO, dict(ONE, ipv4="169.254.2.7")])
    seen = look(imds.place)
    assert (seen.attached, seen.total) == (2, 2)
    spec = parse(seen.text)
    assert isinstance(spec, ServerSpec)
    assert [volume.address for volume in spec.volumes] == ["169.254.2.7", "169.254.2.5"]


@pytest.mark.parametrize("attached", [[], [ONE]], ids=["none", "one of two"])
def test_a_part_of_the_volumes_is_no_spec(imds: Imds, attached: list[object]) -> None:
    imds.attached(attached)
    assert look(imds.place) == AttachedVolumes(len(attached), 2, "", "a" if attached else "")


def test_somebody_else_s_volume_is_not_ours(imds: Imds) -> None:
    imds.attached([dict(ONE, volumeId="ocid1.volume.other"), dict(TWO, volumeId="ocid1.volume.another")])
    assert look(imds.place).attached == 0


def test_without_volume_ids_only_a_complete_set_counts() -> None:
    entries = [{"iqn": item["iqn"], "ipv4": item["ipv4"], "port": 3260} for item in (TWO, ONE)]
    assert match(BARE["volumes"], entries[:1]) == {}
    assert set(match(BARE["volumes"], entries)) == {"bv1", "bv2"}


def test_an_error_is_unreachable_not_absent(imds: Imds) -> None:
    imds.answers[ATTACHMENTS_PATH] = [(500, "")]
    with pytest.raises(Unreachable, match="found HTTP 500, expected 200"):
        look(imds.place)


def test_an_instance_without_a_spec_is_a_bad_spec(imds: Imds) -> None:
    imds.answers[SPEC_PATH] = [(404, "")]
    with pytest.raises(SpecError, match="metadata key nfs_failover: found nothing"):
        look(imds.place)
    imds.answers[SPEC_PATH] = [(200, "not json")]
    with pytest.raises(SpecError, match="found no JSON"):
        look(imds.place)


def test_no_service_at_all(imds: Imds) -> None:
    place = imds.place
    imds.server_close()
    with pytest.raises(Unreachable):
        get(SPEC_PATH, place)


def test_no_proxy_is_asked(imds: Imds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert get(SPEC_PATH, imds.place)


def test_the_real_address() -> None:
    assert metadata.ADDRESS == "169.254.169.254"
