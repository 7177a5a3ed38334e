"""Field lines: pairs of a name and a value. A value is text with a character for each byte
(Latin-1), as in the standard library's HTTP.
"""

from collections.abc import Iterable, Mapping

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def pairs(headers: Headers) -> list[tuple[str, str]]:
    """A list of what may be given as a mapping."""
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def first(headers: list[tuple[str, str]], name: str) -> str | None:
    """The first value of a name in any case."""
    wanted = name.lower()
    return next((value for given, value in headers if given.lower() == wanted), None)


def to_bytes(name: str, value: str) -> bytes:
    """The value's bytes.

    Raises `ValueError` when a character is none of a single byte.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"field {name}: {value[error.start]!r} has no single byte") from None


def from_bytes(value: bytes) -> str:
    """The text with a character for each byte."""
    return value.decode("latin-1")
