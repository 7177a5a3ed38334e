"""The handler: one function from a request to its response."""

from httpd_guest import Request, Response


def handle(request: Request) -> Response:
    return echo(request) if request.path.endswith("/echo") else hello(request)


def hello(request: Request) -> Response:
    name = request.query_param("name")
    return Response.text("Hello world!" if name is None else f"Hello, {name}!")


def echo(request: Request) -> Response:
    """Sends the body back, under the type it came with."""
    media_type = request.header("content-type") or "application/octet-stream"
    return Response(request.body, content_type=media_type)
