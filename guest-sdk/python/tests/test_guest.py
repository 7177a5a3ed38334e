"""Tests of the SDK that need no component: `python3 -m unittest discover guest-sdk/python`."""

import asyncio
import logging
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from httpd_guest import Body, HttpError, Request, Response
from httpd_guest.answer import answer, answer_async
from httpd_guest.output import Handler, Printed
from httpd_guest.testing import call


class Requests(unittest.TestCase):
    def test_a_request_has_what_a_handler_asks_for(self):
        headers = [("Accept", "a"), ("accept", "b")]
        request = Request("PUT", "/tasks/7?x=1", headers=headers, captures={"id": "7"}, body="{}")
        self.assertEqual((request.path, request.query), ("/tasks/7", "x=1"))
        self.assertEqual(request.header("ACCEPT"), "a")
        self.assertIsNone(request.header("x-none"))
        self.assertEqual(request.captures["id"], "7")
        self.assertEqual(request.json(), {})
        self.assertIsNone(Request("GET", "/").query)
        self.assertEqual(Request("GET", "/?").query, "")

    def test_queries_and_forms_are_decoded(self):
        request = Request("GET", "/?a=1+2&a=%C3%A4&b=&c")
        pairs = [("a", "1 2"), ("a", "ä"), ("b", ""), ("c", "")]
        self.assertEqual(request.query_params(), pairs)
        self.assertEqual(request.query_param("a"), "1 2")
        self.assertIsNone(request.query_param("x"))
        self.assertEqual(Request("POST", "/", body="a=1+2").form(), [("a", "1 2")])

    def test_bodies_that_are_not_what_was_asked_for_are_the_clients_fault(self):
        for read, body in [(Request.text, b"\xff"), (Request.json, b"{"), (Request.json, b"\xff")]:
            with self.assertRaises(HttpError) as raised:
                read(Request("POST", "/", body=body))
            self.assertEqual(raised.exception.status, 400)


class Responses(unittest.TestCase):
    def test_responses_say_their_type_once(self):
        self.assertEqual(Response.text("x").header("content-type"), "text/plain; charset=utf-8")
        own = Response.html("x", status=201, headers={"Content-Type": "text/csv"})
        self.assertEqual((own.status, own.headers), (201, [("Content-Type", "text/csv")]))
        self.assertEqual(Response.json({"a": [1]}).body, b'{"a": [1]}')
        moved = Response.redirect("/a")
        self.assertEqual((moved.status, moved.header("location")), (303, "/a"))

    def test_what_a_handler_raises_becomes_a_response(self):
        def gone(request):
            raise HttpError(410, "it was here")

        def broken(request):
            raise ZeroDivisionError("secret")

        response = answer(gone, Request("GET", "/"))
        self.assertEqual((response.status, response.body), (410, b"it was here\n"))
        with self.assertLogs("httpd_guest", logging.ERROR) as logs:
            response = answer(broken, Request("GET", "/"))
        self.assertEqual((response.status, response.body), (500, b"Internal Server Error\n"))
        self.assertIn("secret", logs.output[0])

    def test_what_is_no_response_is_named(self):
        async def late(request):
            return Response()

        unsendable = Response(headers={"x-name": "日"})
        streamed = Response(Body([b"x"]))
        for wrong, reason in [(None, "None"), (unsendable, "x-name"), (streamed, "Body")]:
            with self.assertLogs("httpd_guest", logging.ERROR) as logs:
                response = answer(lambda request: wrong, Request("GET", "/"))
            self.assertEqual(response.status, 500)
            self.assertIn(reason, logs.output[0])
        with self.assertLogs("httpd_guest", logging.ERROR) as logs:
            answer(late, Request("GET", "/"))
        self.assertIn("--lane wasi", logs.output[0])


class Streams(unittest.TestCase):
    def test_a_body_is_read_by_pieces_or_whole_up_to_a_bound(self):
        async def read():
            pieces = [piece async for piece in Body([b"one", b"two"])]
            whole = await Body([b"one", b"two"]).bytes(6)
            with self.assertRaises(HttpError) as raised:
                await Body([b"one", b"two"]).bytes(5)
            return pieces, whole, raised.exception.status, await Body([b"[1]"]).json(3)

        expected = ([b"one", b"two"], b"onetwo", 413, [1])
        self.assertEqual(asyncio.run(read()), expected)

    def test_a_handler_is_called_to_the_end_of_its_body(self):
        async def shout(request):
            async def pieces():
                async for piece in request.body:
                    yield piece.upper()

            return Response(pieces())

        self.assertEqual(call(shout, Request("POST", "/", body=b"hey")).body, b"HEY")

        async def nothing(request):
            return None

        with self.assertLogs("httpd_guest", logging.ERROR):
            response = asyncio.run(answer_async(nothing, Request("GET", "/")))
        self.assertEqual(response.status, 500)


class Output(unittest.TestCase):
    def test_what_is_printed_becomes_lines(self):
        lines = []
        out = Printed(lines.append)
        print("one\ntwo", 3, file=out)
        print("unfinished", end="", file=out)
        self.assertEqual(lines, ["one", "two 3"])
        out.end()
        out.end()
        self.assertEqual(lines, ["one", "two 3", "unfinished"])

    def test_records_keep_their_level(self):
        lines = []
        logger = logging.Logger("x")
        logger.addHandler(Handler(lambda level, line: lines.append((level, line))))
        logger.warning("%d things", 3)
        self.assertEqual(lines, [(logging.WARNING, "3 things")])


if __name__ == "__main__":
    unittest.main()
