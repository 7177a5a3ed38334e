// No server and no WebAssembly: `npm test` calls the function.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Request } from "#httpd-guest";
import { handle } from "#app";

test("greets by name", () => {
  assert.equal(handle(new Request("/?name=Ada")).text(), "Hello, Ada!");
  assert.equal(handle(new Request("/")).text(), "Hello world!");
});

test("the body and its type come back", () => {
  const headers = { "Content-Type": "image/png" };
  const body = Uint8Array.of(0, 255);
  const response = handle(new Request("/echo", { method: "POST", headers, body }));
  assert.deepEqual(response.body, body);
  assert.equal(response.header("content-type"), "image/png");
});
