// No server and no WebAssembly: Node has the web's Request and Response.

import assert from "node:assert/strict";
import { test } from "node:test";

import { handle } from "#app";

const at = (target, init) => new Request(`http://test.example${target}`, init);

test("greets by name", async () => {
  assert.equal(await (await handle(at("/?name=Ada"))).text(), "Hello, Ada!");
  assert.equal(await (await handle(at("/"))).text(), "Hello world!");
});

test("the body and its type come back", async () => {
  const headers = { "content-type": "image/png" };
  const body = Uint8Array.of(0, 255);
  const response = await handle(at("/echo", { method: "POST", headers, body }));
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
  assert.equal(response.headers.get("content-type"), "image/png");
});
