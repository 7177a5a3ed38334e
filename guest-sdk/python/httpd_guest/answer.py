"""What a handler's answer or failure comes to, in both lanes."""

import inspect
import logging
from collections.abc import Awaitable, Callable

from .error import HttpError
from .fields import to_bytes
from .request import Request
from .response import Response

log = logging.getLogger("httpd_guest")


def answer(handle: Callable[[Request], Response], request: Request) -> Response:
    """Calls a lean handler."""
    try:
        response = checked(handle(request))
        if isinstance(response.body, bytes):
            return response
        kind = type(response.body).__name__
        raise TypeError(f"a lean response's body is bytes or text, not {kind}")
    except Exception as error:
        return failed(error)


async def answer_async(
    handle: Callable[[Request], Awaitable[Response]], request: Request
) -> Response:
    """Calls a handler of the wasi lane."""
    try:
        response = handle(request)
        return checked(await response if inspect.isawaitable(response) else response)
    except Exception as error:
        return failed(error)


def checked(response: object) -> Response:
    """Raises `TypeError` or `ValueError` for what a handler must not return."""
    if isinstance(response, Response):
        for name, value in response.headers:
            to_bytes(name, value)
        return response
    hint = ""
    if inspect.iscoroutine(response):
        response.close()
        hint = ": the lean lane is synchronous (see --lane wasi)"
    raise TypeError(f"a handler must return a Response, not {type(response).__name__}{hint}")


def failed(error: Exception) -> Response:
    """The response for an exception."""
    if isinstance(error, HttpError) and 400 <= error.status < 500:
        return Response.text(f"{error}\n", status=error.status)
    log.error("the handler failed", exc_info=error)
    status = error.status if isinstance(error, HttpError) else 500
    return Response.text("Internal Server Error\n", status=status)
