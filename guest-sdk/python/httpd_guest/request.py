"""A request: method, path, query, fields, the route's captures, body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from .body import Body
from .error import HttpError
from .fields import Headers, first, pairs


@dataclass(init=False)
class Request:
    """What a handler is given; tests make their own.

    The body is `bytes` in the lean lane and a `Body` in the wasi lane.
    """

    method: str
    """As sent: methods are case-sensitive."""
    path: str
    """Normalised by the host; percent-escapes that matter are kept."""
    query: str | None
    """What follows the first ``?``, not decoded."""
    headers: list[tuple[str, str]]
    """Names in lower case, in the order sent."""
    body: Any = field(repr=False)
    captures: dict[str, str]
    """What the route's pattern captured, by name."""
    id: str
    """Unique for this request; the same id is in the host's log."""
    client: str
    """The peer's address and port."""
    scheme: str
    authority: str | None
    """Host and optional port that the client asked for, if it named any."""

    def __init__(
        self,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        body: "bytes | str | Body" = b"",
        captures: Mapping[str, str] | None = None,
        id: str = "test",
        client: str = "192.0.2.1:49152",
        scheme: str = "http",
        authority: str | None = None,
    ):
        self.method = method
        self.path, mark, query = target.partition("?")
        self.query = query if mark else None
        self.headers = [(name.lower(), value) for name, value in pairs(headers)]
        self.body = body.encode() if isinstance(body, str) else body
        self.captures = dict(captures or {})
        self.id = id
        self.client = client
        self.scheme = scheme
        self.authority = authority

    def header(self, name: str) -> str | None:
        """The first value of a field."""
        return first(self.headers, name)

    def query_params(self) -> list[tuple[str, str]]:
        """The pairs of the query, decoded, in the order sent."""
        return decoded(self.query or "")

    def query_param(self, name: str) -> str | None:
        """The first value of this name in the query."""
        return next((value for given, value in self.query_params() if given == name), None)

    def text(self) -> str:
        """The body of a lean request as text. Raises a 400 when it is not UTF-8."""
        return as_text(self.body)

    def json(self) -> Any:
        """The body of a lean request as JSON. Raises a 400 when it is none."""
        return as_json(self.body)

    def form(self) -> list[tuple[str, str]]:
        """The pairs of a form in the body of a lean request."""
        return decoded(self.text())


def decoded(text: str) -> list[tuple[str, str]]:
    """The pairs of `application/x-www-form-urlencoded`."""
    return parse_qsl(text, keep_blank_values=True)


def as_text(body: bytes) -> str:
    """Raises a 400 when the bytes are not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise HttpError(400, "the body is not UTF-8") from None


def as_json(body: bytes) -> Any:
    """Raises a 400 when the bytes are not JSON."""
    try:
        return json.loads(as_text(body))
    except ValueError as error:
        raise HttpError(400, f"the body is not JSON: {error}") from None
