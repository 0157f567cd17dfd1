"""What an operation hands back, and how it becomes HTTP: JSON body, etag, opc-next-page."""

import base64
import binascii
import json
from dataclasses import dataclass, field

from lab.api.core.call import Call
from lab.api.core.errors import ApiError, invalid
from lab.api.core.store import Document, StoredResource

LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is sent; `body` is bytes as they go out."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """A resource whose change goes on in the background, under a work request."""

    resource: StoredResource | None
    work_request_id: str


Outcome = StoredResource | list[StoredResource] | list[Document] | Document | Accepted | Answer | None


def render(outcome: Outcome, call: Call) -> Answer:
    """The HTTP form of what an operation returned."""
    match outcome:
        case Answer():
            return outcome
        case Accepted(resource, work_request_id):
            plain = render(resource, call)
            return Answer(plain.status, plain.body, {**plain.headers, "opc-work-request-id": work_request_id})
        case None:
            return Answer(204)
        case StoredResource():
            return json_answer(outcome.body, headers={"etag": outcome.etag})
        case list():
            return _page(outcome, call)
        case _:
            return json_answer(outcome)


def refusal(error: ApiError) -> Answer:
    return json_answer({"code": error.code, "message": error.message}, error.status)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    sent = {"content-type": "application/json", **(headers or {})}
    return Answer(status, json.dumps(body).encode(), sent)


def _page(rows: list[StoredResource] | list[Document], call: Call) -> Answer:
    bodies = [row.body if isinstance(row, StoredResource) else row for row in rows]
    ordered = _sorted(bodies, call)
    start, limit = _start(call), _limit(call)
    end = start + limit
    headers = {"opc-next-page": _token(end)} if end < len(ordered) else {}
    return json_answer(ordered[start:end], headers=headers)


def _sorted(bodies: list[Document], call: Call) -> list[Document]:
    by = call.query.get("sortBy")
    if by is None:
        return bodies
    fields = {"TIMECREATED": "timeCreated", "DISPLAYNAME": "displayName"}
    if by not in fields:
        raise invalid(f"sortBy must be one of {', '.join(fields)}, not {by}")
    # OCI's default: names ascending, times newest first
    order = call.query.get("sortOrder") or ("ASC" if by == "DISPLAYNAME" else "DESC")
    return sorted(bodies, key=lambda body: str(body.get(fields[by])), reverse=order == "DESC")


def _limit(call: Call) -> int:
    text = call.query.get("limit", str(LARGEST_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise invalid(f"limit must be 1 to {LARGEST_PAGE}, not {text}")
    return int(text)


def _start(call: Call) -> int:
    if "page" not in call.query:
        return 0
    try:
        return int(base64.urlsafe_b64decode(call.query["page"]))
    except (binascii.Error, ValueError):
        raise invalid("page is not a token of this API") from None


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()
