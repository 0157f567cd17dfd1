"""opc-retry-token: a repeated call gets the first one's answer and changes nothing.

Source: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/usingapi.htm (retry tokens live for 24 hours)
"""

import hashlib
import json
import time

from werkzeug.wrappers import Request

from lab.api.core.answer import Answer
from lab.api.core.errors import ApiError
from lab.api.core.store import Store

LIFETIME_SECONDS = 24 * 3600.0


def earlier_answer(store: Store, request: Request) -> Answer | None:
    """What this token was answered before; 409 InvalidatedRetryToken if it came with another request then.

    Raises it as an ApiError.
    """
    token = request.headers.get("opc-retry-token")
    if not token:
        return None
    born_after = time.time() - LIFETIME_SECONDS
    rows = store.execute("SELECT * FROM answers WHERE token = ? AND time > ?", token, born_after)
    if not rows:
        return None
    if rows[0]["digest"] != _digest(request):
        raise ApiError(
            409, "InvalidatedRetryToken", f"retry token {token} was used before, for a different request"
        )
    return Answer(rows[0]["status"], rows[0]["body"], json.loads(rows[0]["headers"]))


def remember_answer(store: Store, request: Request, answer: Answer) -> None:
    """Keep a success for the token's next use; refusals are not kept: the retry is a new try."""
    token = request.headers.get("opc-retry-token")
    if token and answer.status < 300:
        store.execute(
            "INSERT OR REPLACE INTO answers (token, digest, status, body, headers, time)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(token, _digest(request), answer.status, answer.body, json.dumps(answer.headers), time.time()),
        )


def _digest(request: Request) -> str:
    # compared as a document: a client may write the same body in another order of keys
    body = json.dumps(json.loads(request.get_data() or b"null"), sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.full_path}\n{body}".encode()).hexdigest()
