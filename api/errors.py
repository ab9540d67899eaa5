"""Which HTTP status does an error get, and how is it told (RFC 9457)?"""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.store.errors import AccessError, StaleError, StatusError, StoreError
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


def add_error_handlers(app: FastAPI) -> None:
    """Make an application tell every error as a problem document."""

    @app.exception_handler(SpatialError)
    def _spatial(request: Request, error: SpatialError) -> Response:
        if isinstance(error, StaleError):
            return problem(request, status_of(error), str(error), error="StaleError", **error.to_dict())
        if isinstance(error, AccessError) and not error.known:
            answer = problem(request, HTTPStatus.UNAUTHORIZED, str(error), error="AccessError")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        return problem(request, status_of(error), str(error), error=type(error).__name__)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("query", "path"))
        return problem(request, HTTPStatus.BAD_REQUEST, f"parameter {place}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        answer = problem(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def _unforeseen(request: Request, error: Exception) -> Response:
        return problem(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed in a way nobody foresaw; see its log"
        )
