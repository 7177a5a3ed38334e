"""Bodies that come piece by piece: those of requests in the wasi lane."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from .error import HttpError


class Body:
    """Pieces of bytes, each of which is read once: ``async for piece in request.body``.

    A body that came in can be a response's as it is. Nothing of it is held in memory then, and its
    trailers go with it.
    """

    def __init__(self, pieces: Iterable[bytes] = ()):
        """A body of these pieces, as tests need it."""
        self._pieces = iter(pieces)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self.next()
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def next(self) -> bytes | None:
        """The next piece, nothing at the end.

        Raises a 400 when the body breaks off.
        """
        return next(self._pieces, None)

    async def bytes(self, max: int) -> bytes:
        """All of it. Raises a 413 when there is more than so many bytes."""
        pieces, length = [], 0
        async for piece in self:
            length += len(piece)
            if length > max:
                raise HttpError(413, f"the body has more than {max} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def text(self, max: int) -> str:
        """All of it as text. Raises a 400 when it is not UTF-8."""
        try:
            return (await self.bytes(max)).decode()
        except UnicodeDecodeError:
            raise HttpError(400, "the body is not UTF-8") from None

    async def json(self, max: int) -> Any:
        """All of it as JSON. Raises a 400 when it is none."""
        try:
            return json.loads(await self.text(max))
        except ValueError as error:
            raise HttpError(400, f"the body is not JSON: {error}") from None
