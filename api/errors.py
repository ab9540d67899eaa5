"""Which HTTP status does an error get, and how is it told (RFC 9457)?"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from api.absent import tell_absent
from api.refusals import tell_refusal
from api.store.errors import AccessError, StaleError, StaleGridError, StatusError, StoreError
from spatial.errors import CancelledError, InfeasibleError, InputError, MissingError, SpatialError

PROBLEM = "application/problem+json"


class PlanUnavailableError(SpatialError):
    """The plan folder that is served was broken or removed while the server ran."""


STATUS: dict[type[SpatialError], HTTPStatus] = {
    MissingError: HTTPStatus.NOT_FOUND,
    InputError: HTTPStatus.BAD_REQUEST,
    InfeasibleError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StatusError: HTTPStatus.CONFLICT,
    StaleError: HTTPStatus.PRECONDITION_FAILED,
    StaleGridError: HTTPStatus.PRECONDITION_FAILED,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    AccessError: HTTPStatus.FORBIDDEN,
    CancelledError: HTTPStatus.SERVICE_UNAVAILABLE,
    PlanUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    SpatialError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Status by error class; a class that is not named takes that of its nearest parent."""


def status_of(error: SpatialError) -> HTTPStatus:
    """Return the status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(request: Request, status: int, detail: str, **members: Any) -> Response:
    """Return a problem document: what went wrong, in one sentence."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "instance": request.url.path,
        **members,
    }
    return Response(orjson.dumps(body), status_code=int(status), media_type=PROBLEM)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ALL_PARTS = frozenset({"folder", "store", "map"})


def add_error_handlers(app: FastAPI, parts: frozenset[str] = _ALL_PARTS) -> None:
    """Make an application tell every error as a problem document; ``parts`` are those that are served, of all."""

    @app.exception_handler(SpatialError)
    def _spatial(request: Request, error: SpatialError) -> Response:
        if isinstance(error, StaleError | StaleGridError):
            return problem(request, status_of(error), str(error), error=type(error).__name__, **error.to_dict())
        if isinstance(error, AccessError) and not error.known:
            answer = problem(request, HTTPStatus.UNAUTHORIZED, str(error), error="AccessError")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        return problem(request, status_of(error), str(error), error=type(error).__name__)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        return problem(request, HTTPStatus.BAD_REQUEST, tell_refusal(error.errors()[0]))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the router tells those of the first route alone
            headers["Allow"] = _methods_at(app, request) or headers.get("Allow", "")
        answer = problem(request, error.status_code, _explain(request, error, headers, parts))
        answer.headers.update(headers)
        return answer

    @app.exception_handler(ClientDisconnect)
    def _left(request: Request, error: ClientDisconnect) -> Response:
        """Nobody reads it; without it the log had a hundred lines for each client that leaves while it sends."""
        return problem(request, HTTPStatus.BAD_REQUEST, "the client left before all of its body had come in")

    @app.exception_handler(Exception)
    def _unforeseen(request: Request, error: Exception) -> Response:
        return problem(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed in a way nobody foresaw; see its log"
        )


def _explain(request: Request, error: HTTPException, headers: Mapping[str, str], parts: frozenset[str]) -> str:
    """Return what an error tells, and more where it is but the name of its status."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return tell_absent(request.url.path, parts)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and headers["Allow"]:
        return f"found {request.method}, needed one of {headers['Allow']}"
    return str(error.detail)


def _methods_at(app: FastAPI, request: Request) -> str:
    """Return the methods of all routes at the address of a request; "" where it was a route that refused it."""

    def has(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in app.routes)

    known = {method for method in _METHODS if has(method)}
    known |= {"HEAD"} if "GET" in known else set()  # answered as GET without a body, on every address
    return "" if has(request.method) else ", ".join(method for method in _METHODS if method in known)
