"""Python's http.client against a host whose address is the argument: what it sends comes back."""

import http.client
import random
import sys

BODY = random.Random(1).randbytes(5 << 20)
HOST, PORT = sys.argv[1].rsplit(":", 1)


def connection():
    return http.client.HTTPConnection(HOST, int(PORT), timeout=60)


def exchange(client, method, path, body=None, headers={}, **options):
    client.request(method, path, body, headers, **options)
    response = client.getresponse()
    return response, response.read()


def check(name, condition):
    print("ok " if condition else "BAD", name)
    if not condition:
        sys.exit(1)


def kept():
    client = connection()
    client.connect()
    socket = client.sock
    for _ in range(20):
        response, body = exchange(client, "GET", "/hello?keep")
        check("a greeting", (response.status, body) == (200, b"Hello world!"))
        check("the connection is kept", client.sock is socket)
    response, body = exchange(client, "HEAD", "/hello")
    check("no body to HEAD", (response.status, body) == (200, b""))
    response, body = exchange(client, "GET", "/nowhere")
    check("a refusal", response.status == 404)
    check("the connection is still kept", client.sock is socket)


def known_length():
    response, body = exchange(connection(), "POST", "/echo", BODY)
    check("5 MiB of known length", (response.status, body == BODY) == (200, True))


def chunked():
    pieces = (BODY[start : start + 10_000] for start in range(0, len(BODY), 10_000))
    headers = {"Transfer-Encoding": "chunked"}
    client = connection()
    response, body = exchange(client, "POST", "/echo", pieces, headers, encode_chunked=True)
    check("5 MiB in chunks", (response.status, body == BODY) == (200, True))
    response, body = exchange(client, "POST", "/echo", b"more")
    check("more on the same connection", (response.status, body) == (200, b"more"))


def refused():
    # It sends the whole body before it reads anything.
    response, body = exchange(connection(), "POST", "/small", BODY)
    check("the refusal of 5 MiB", (response.status, body[:4]) == (413, b"413 "))


for part in (kept, known_length, chunked, refused):
    part()
print("all is well")
