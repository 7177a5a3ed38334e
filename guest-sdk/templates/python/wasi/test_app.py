"""No server and no WebAssembly: `python3 -m unittest` calls the function."""

import unittest

from app import handle
from httpd_guest import Request
from httpd_guest.testing import call


class App(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(call(handle, Request("GET", "/?name=Ada")).body, b"Hello, Ada!")
        self.assertEqual(call(handle, Request("GET", "/")).body, b"Hello world!")

    def test_the_body_and_its_type_come_back(self):
        headers = {"Content-Type": "image/png"}
        response = call(handle, Request("POST", "/echo", headers=headers, body=b"\0\xff"))
        self.assertEqual(response.body, b"\0\xff")
        self.assertEqual(response.header("content-type"), "image/png")


if __name__ == "__main__":
    unittest.main()
