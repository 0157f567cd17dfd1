"""HTTP in and out: signature's presence, routing, faults, retry tokens, if-match, the log of requests."""

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Request, Response

from lab.api.core.answer import Answer, refusal, render
from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import ApiError, invalid, not_modelled
from lab.api.core.faults import ConnectionDroppedError, Fault, Faults
from lab.api.http.controls import Controls
from lab.api.http.idempotency import earlier_answer, remember_answer
from lab.api.http.urls import Operation, url_map

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NOT_AUTHENTICATED = (
    "The required information to complete authentication was not provided or was incorrect:"
    " use the configuration in RUN/oci/config"
)


class ApiApplication:
    """The WSGI application."""

    def __init__(self, cloud: Tenancy, controls: Controls) -> None:
        self._cloud = cloud
        self._controls = controls
        self._faults: Faults = controls.faults
        self._urls = url_map()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        request_id = request.headers.get("opc-request-id") or secrets.token_hex(16).upper()
        try:
            answer = self._answer(request)
        except ConnectionDroppedError:
            # the socket is cut under the response, so the client sees no answer at all
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            answer = Answer(500)
        response = Response(answer.body, answer.status, {**answer.headers, "opc-request-id": request_id})
        return response(environ, start_response)

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/lab/"):
            return _refusing(lambda: self._controls.answer(request.method, request.path, _document(request)))
        started, name, answer = time.time(), "unknown", Answer(0)
        try:
            operation, path = self._match(request)
            name = operation.name
            answer = _refusing(lambda: self._operate(operation, path, request))
        except ApiError as error:
            answer = refusal(error)
        finally:
            self._log(request, name, answer, time.time() - started)
        return answer

    def _match(self, request: Request) -> tuple[Operation, dict[str, str]]:
        try:
            endpoint, path = self._urls.bind_to_environ(request.environ).match()
        except (NotFound, MethodNotAllowed, RequestRedirect):
            raise not_modelled(f"{request.method} {request.path}") from None
        return endpoint, dict(path)

    def _operate(self, operation: Operation, path: dict[str, str], request: Request) -> Answer:
        self._check_signed(request)
        mentioned = request.full_path + request.get_data(as_text=True)
        fault = self._faults.meet(operation.name, mentioned)
        if fault and not fault.after:
            self._faults.act(fault)
        answer = self._carry_out(operation, path, request, fault)
        if fault and fault.after:
            self._faults.act(fault)
        return answer

    def _check_signed(self, request: Request) -> None:
        """Who calls is checked by the key's name; the signature itself is not verified."""
        who = f'keyId="{self._cloud.world.tenancy_id}/{self._cloud.world.user_id}/'
        header = request.headers.get("authorization", "")
        if not header.startswith("Signature ") or who not in header:
            raise ApiError(401, "NotAuthenticated", NOT_AUTHENTICATED)

    def _carry_out(
        self, operation: Operation, path: dict[str, str], request: Request, fault: Fault | None
    ) -> Answer:
        call = Call(path, request.args.to_dict(), _document(request), request.headers.get("if-match"))
        with self._cloud.store.transaction() as store:
            earlier = earlier_answer(store, request)
            if earlier:
                return earlier
            self._check_etag(call, operation)
            answer = render(operation.handler(replace(self._cloud, fault=fault), call), call)
            remember_answer(store, request, answer)
            return answer

    def _check_etag(self, call: Call, operation: Operation) -> None:
        if call.if_match is None or operation.method == "GET" or "id" not in call.path:
            return
        resource = self._cloud.store.get(call.path["id"])
        if resource and resource.etag != call.if_match:
            raise ApiError(412, "NoEtagMatch", f"{resource.id} has etag {resource.etag}, not {call.if_match}")

    def _log(self, request: Request, operation: str, answer: Answer, seconds: float) -> None:
        code = json.loads(answer.body)["code"] if answer.status >= 400 else ""
        token = request.headers.get("opc-retry-token", "")
        values: tuple[Any, ...] = (time.time(), request.method, request.full_path.rstrip("?"), operation)
        self._cloud.store.execute(
            "INSERT INTO requests (time, method, path, operation, status, code, seconds, retry_token)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(*values, answer.status, code, seconds, token),
        )


def _refusing(answer: Callable[[], Answer]) -> Answer:
    try:
        return answer()
    except ApiError as error:
        return refusal(error)


def _document(request: Request) -> dict[str, Any]:
    """The JSON object of the body; {} when there is none."""
    raw = request.get_data()
    if not raw:
        return {}
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise ApiError(400, "CannotParseRequest", f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise invalid("the body must be a JSON object")
    return document
