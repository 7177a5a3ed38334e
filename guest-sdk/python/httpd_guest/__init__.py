"""Write a request handler for httpd-host as one function.

The handler of a lean guest is a plain function in a module `app`:

    from httpd_guest import Request, Response

    def handle(request: Request) -> Response:
        return Response.text(f"Hello, {request.query_param('name') or 'world'}!")

That of a wasi guest is an ``async def``, and its request's body a stream, `Body`. Lines of the
module `logging`, and what is printed, land in the host's log under the request's id. An exception
is logged and becomes a 500, `HttpError` the status it carries.
"""

from .body import Body
from .error import HttpError
from .request import Request
from .response import Response

__all__ = ["Body", "HttpError", "Request", "Response"]
