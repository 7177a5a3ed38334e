"""The entry of a wasi component: `wasi:http/handler` 0.3, made of the module `app`."""

import logging
import sys
from urllib.parse import unquote

import app
import componentize_py_async_support
import wit_world
from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import wasi_http_types as types

from . import output
from .answer import answer_async, log
from .body import Body
from .error import HttpError
from .fields import from_bytes, to_bytes
from .request import Request
from .response import Response

# As much as is read at once.
PIECE = 64 * 1024

# What the host tells of a request in fields that a client cannot set; captures are
# percent-encoded.
ID, CLIENT, CAPTURE = "httpd-request-id", "httpd-client", "httpd-capture-"

# The bindings name a kind of future after the type of what it brings.
trailers_future = wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future
result_future = wit_world.result_unit_wasi_http_types_error_code_future


def write_line(level: int, line: str) -> None:
    """The host logs what comes of standard error as a warning, and other output as information."""
    print(line, file=sys.stderr if level >= logging.WARNING else sys.stdout, flush=True)


lines = output.Handler(write_line)
logging.basicConfig(level=logging.NOTSET, format="%(levelname)s %(message)s", handlers=[lines])


class Handler(exports.Handler):
    async def handle(self, request: types.Request) -> types.Response:
        return lower(await answer_async(app.handle, lift(request)))


class Incoming(Body):
    """A request's body. Nobody reads of it before the handler does."""

    def __init__(self, request: types.Request):
        self._request = request
        self._stream = None
        self._trailers = None

    async def next(self) -> bytes | None:
        self._open()
        while not self._stream.writer_dropped:
            # An empty piece says nothing but that the end may have come.
            if piece := await self._stream.read(PIECE):
                return piece
        await self._end()
        return None

    def pass_on(self):
        """The stream and the trailers of what was not read, for a response."""
        self._open()
        stream, self._request = self._stream, None
        return stream, self._trailers

    def _open(self) -> None:
        if self._request is None:
            raise ValueError("this body was passed on")
        if self._stream is None:
            done = result_future(lambda: Ok(None))[1]
            self._stream, self._trailers = types.Request.consume_body(self._request, done)

    async def _end(self) -> None:
        """A body that breaks off looks like one that ends, but for what comes in its trailers."""
        trailers, self._trailers = self._trailers, None
        if trailers is not None and isinstance(await trailers.read(), Err):
            raise HttpError(400, "the body broke off")


def lift(raw: types.Request) -> Request:
    headers, captures, told = [], {}, {}
    for name, value in raw.get_headers().copy_all():
        value = from_bytes(value)
        if name in (ID, CLIENT):
            told[name] = value
        elif name.startswith(CAPTURE):
            captures[name.removeprefix(CAPTURE)] = unquote(value)
        else:
            headers.append((name, value))
    return Request(
        method(raw.get_method()),
        raw.get_path_with_query() or "/",
        headers=headers,
        body=Incoming(raw),
        captures=captures,
        id=told.get(ID, ""),
        client=told.get(CLIENT, ""),
        scheme="https" if isinstance(raw.get_scheme(), types.Scheme_Https) else "http",
        authority=raw.get_authority(),
    )


def method(raw: types.Method) -> str:
    if isinstance(raw, types.Method_Other):
        return raw.value
    return type(raw).__name__.removeprefix("Method_").upper()


def lower(response: Response) -> types.Response:
    fields = types.Fields.from_list(
        [(name, to_bytes(name, value)) for name, value in response.headers]
    )
    if isinstance(response.body, Incoming):
        stream, trailers = response.body.pass_on()
    else:
        stream, trailers = begin(response.body)
    raw, _sent = types.Response.new(fields, stream, trailers)
    raw.set_status_code(response.status)
    return raw


def begin(body):
    """The readable ends of a body that is written while the response is on its way."""
    body_tx, stream = wit_world.byte_stream()
    trailers_tx, trailers = trailers_future(lambda: Err(types.ErrorCode_InternalError(None)))
    componentize_py_async_support.spawn(write(body, body_tx, trailers_tx))
    return stream, trailers


async def write(body, body_tx, trailers_tx) -> None:
    """A body that fails is cut short: its client must not take it for a whole one."""
    try:
        with body_tx:
            if isinstance(body, bytes):
                await body_tx.write_all(body)
            else:
                async for piece in body:
                    await body_tx.write_all(piece)
                    if body_tx.reader_dropped:
                        break
        outcome = Ok(None)
    except Exception as error:
        log.error("the response's body failed", exc_info=error)
        outcome = Err(types.ErrorCode_InternalError(None))
    await trailers_tx.write(outcome)
