"""Where a guest's lines go: `logging`, and what is printed."""

import io
import logging
from collections.abc import Callable


class Printed(io.TextIOBase):
    """A standard stream whose lines go to a function."""

    def __init__(self, write_line: Callable[[str], None]):
        self._write_line = write_line
        self._unfinished = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._write_line(line)
        return len(text)

    def end(self) -> None:
        """Writes what has no line break: with the request, its line ends."""
        if self._unfinished:
            self._write_line(self._unfinished)
            self._unfinished = ""


class Handler(logging.Handler):
    """Records of `logging` go to a function, with their level."""

    def __init__(self, write: Callable[[int, str], None]):
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(record.levelno, self.format(record))
