"""The entry of a lean component: what the world `handler` exports, made of the module `app`."""

import logging
import sys

import app
import wit_world
from wit_world.imports import log, types

from .answer import answer
from .fields import from_bytes, to_bytes
from .output import Handler, Printed
from .request import Request
from .response import Response

LEVELS = [
    (logging.ERROR, log.Level.ERROR),
    (logging.WARNING, log.Level.WARN),
    (logging.INFO, log.Level.INFO),
    (logging.DEBUG, log.Level.DEBUG),
]


def write(level: int, message: str) -> None:
    fitting = (given for least, given in LEVELS if level >= least)
    log.write(next(fitting, log.Level.TRACE), message)


# The host has a level of its own, below which it drops lines.
logging.basicConfig(level=logging.NOTSET, format="%(message)s", handlers=[Handler(write)])
# Lines of the standard streams would come without their level.
sys.stdout = Printed(lambda line: write(logging.INFO, line))
sys.stderr = Printed(lambda line: write(logging.WARNING, line))


class WitWorld(wit_world.WitWorld):
    def handle(self, request: types.Request) -> types.Response:
        response = answer(app.handle, lift(request))
        sys.stdout.end()
        sys.stderr.end()
        return lower(response)


def lift(raw: types.Request) -> Request:
    return Request(
        raw.method,
        raw.path if raw.query is None else f"{raw.path}?{raw.query}",
        headers=[(field.name, from_bytes(field.value)) for field in raw.fields],
        body=raw.body,
        captures={capture.name: capture.value for capture in raw.captures},
        id=raw.id,
        client=raw.client,
        scheme=raw.scheme,
        authority=raw.authority,
    )


def lower(response: Response) -> types.Response:
    fields = [types.Field(name, to_bytes(name, value)) for name, value in response.headers]
    return types.Response(response.status, fields, response.body)
