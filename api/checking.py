"""What is checked before the body of a request is read? Else everybody could make the server hold and read theirs."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


def check_first(check: Callable[[Request], None], reading: type[Request] = Request) -> type[APIRoute]:
    """Return the class of routes of requests that pass a check before their bodies are read.

    A dependency would check after that. Bodies are read as the class ``reading`` reads them.
    """

    class CheckedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Any]:
            """Return what answers a request, after the check."""
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                """Check who asks, then answer."""
                await asyncio.to_thread(check, request)
                answer: Response = await handle(reading(request.scope, request.receive))
                return answer

            return checked

    return CheckedRoute
