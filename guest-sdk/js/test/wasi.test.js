import assert from "node:assert/strict";
import { test } from "node:test";

import * as guest from "../wasi/index.js";

const at = (target, init) => new Request(`http://test.example${target}`, init);

test("what the host adds is found", () => {
  const headers = { "httpd-request-id": "7f", "httpd-client": "192.0.2.1:9" };
  headers["httpd-capture-id"] = "7%2F%C3%A4";
  const request = at("/tasks/7?x=1%202", { headers });
  assert.equal(guest.path(request), "/tasks/7");
  assert.equal(guest.query(request).get("x"), "1 2");
  assert.equal(guest.capture(request, "id"), "7/ä");
  assert.equal(guest.capture(request, "rest"), undefined);
  assert.equal(guest.requestId(request), "7f");
  assert.equal(guest.client(request), "192.0.2.1:9");
  assert.equal(guest.client(at("/")), undefined);
});

test("responses say their type once", async () => {
  assert.equal(guest.text("x").headers.get("content-type"), "text/plain; charset=utf-8");
  const own = guest.html("x", { status: 201, headers: [["Content-Type", "text/csv"]] });
  assert.deepEqual([own.status, own.headers.get("content-type")], [201, "text/csv"]);
  assert.deepEqual(await guest.json({ a: 1 }).json(), { a: 1 });
  const moved = guest.redirect("/a");
  assert.deepEqual([moved.status, moved.headers.get("location")], [303, "/a"]);
});

test("what a handler throws becomes a response", async (context) => {
  const complaints = context.mock.method(console, "error", () => {});
  const thrown = (error) => guest.answer(async () => { throw error; }, at("/"));
  const gone = await thrown(new guest.HttpError(410, "it was here"));
  assert.deepEqual([gone.status, await gone.text()], [410, "it was here\n"]);
  assert.equal(complaints.mock.callCount(), 0);
  const failed = await thrown(new Error("secret"));
  assert.equal(failed.status, 500);
  assert.doesNotMatch(await failed.text(), /secret/);
  assert.equal((await guest.answer(() => "text", at("/"))).status, 500);
  assert.equal(complaints.mock.callCount(), 2);
});
