"""What a handler raises to answer with a status."""


class HttpError(Exception):
    """The client gets this status, and the message as text when it is a 4xx; others are logged."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
