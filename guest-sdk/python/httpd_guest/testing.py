"""The world of a test: calls handlers of the wasi lane without a component around them."""

import asyncio
from collections.abc import Awaitable, Callable

from .body import Body
from .request import Request
from .response import Response


def call(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """Runs a handler to the end of its response's body, and returns it with all of that body.

    A request's body may be given as bytes. What the handler raises is raised.
    """

    async def run() -> Response:
        if not isinstance(request.body, Body):
            request.body = Body([request.body] if request.body else [])
        response = await handle(request)
        if not isinstance(response.body, bytes):
            response.body = b"".join([piece async for piece in response.body])
        return response

    return asyncio.run(run())
