"""A response: status, fields, body. The host adds `date` and the framing."""

import json
from collections.abc import AsyncIterable
from typing import Any

from .body import Body
from .fields import Headers, first, pairs


class Response:
    """What a handler returns.

    The body is bytes or text; in the wasi lane also a `Body`, or an asynchronous generator of
    bytes, which is sent as it is made.
    """

    def __init__(
        self,
        body: "bytes | str | Body | AsyncIterable[bytes]" = b"",
        *,
        status: int = 200,
        headers: Headers = (),
        content_type: str | None = None,
    ):
        self.status = status
        self.headers = pairs(headers)
        """Pairs of name and value, sent in this order."""
        if content_type is not None and self.header("content-type") is None:
            self.headers.insert(0, ("content-type", content_type))
        self.body = body.encode() if isinstance(body, str) else body

    @classmethod
    def text(cls, text: str, **more: Any) -> "Response":
        """A response of plain text."""
        return cls(text, content_type="text/plain; charset=utf-8", **more)

    @classmethod
    def html(cls, html: str, **more: Any) -> "Response":
        """A response of HTML. What comes from a client has to be escaped by the caller."""
        return cls(html, content_type="text/html; charset=utf-8", **more)

    @classmethod
    def json(cls, value: Any, **more: Any) -> "Response":
        """A response of JSON."""
        return cls(json.dumps(value), content_type="application/json", **more)

    @classmethod
    def redirect(cls, location: str, status: int = 303) -> "Response":
        """A redirect: 303, so that the client goes on with GET, unless another status is given."""
        return cls(status=status, headers=[("location", location)])

    def header(self, name: str) -> str | None:
        """The first value of a field."""
        return first(self.headers, name)
