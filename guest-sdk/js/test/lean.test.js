import assert from "node:assert/strict";
import { test } from "node:test";

import { consoleTo } from "../lean/console.js";
import { HttpError, Query, Request } from "../lean/index.js";
import { answer, bytes, json, redirect, text } from "../lean/index.js";
import { latin1, toLatin1 } from "../lean/latin1.js";
import { decode, encode } from "../lean/utf8.js";

test("UTF-8 is what Node says it is, both ways", () => {
  const texts = ["", "plain", "äöü ß", "日本語", "😀 and 👩‍🚀", "\ud800 alone \udc00"];
  texts.push("x".repeat(10_000));
  for (const text of texts) {
    assert.deepEqual(encode(text), new TextEncoder().encode(text));
    assert.equal(decode(encode(text)), new TextDecoder().decode(encode(text)));
  }
});

test("whatever is not UTF-8 is not taken for it", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const expected = (bytes) => {
    try {
      return strict.decode(bytes);
    } catch {
      return undefined;
    }
  };
  // Every pair, and every pair that goes on in ways that matter.
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0x41]]) {
        const given = Uint8Array.of(first, second, ...rest);
        assert.equal(decode(given), expected(given), given.toString());
      }
    }
  }
});

test("queries are read as the URL standard reads them", () => {
  const queries = ["", "a", "a=1&a=2&b=", "=x", "&&a=1", "a+b=c%20d", "%", "%4", "%zz=1", "a=1=2"];
  queries.push("ä=😀", "q=%F0%9F%98%80");
  for (const raw of queries) {
    assert.deepEqual(new Query(raw).entries(), [...new URLSearchParams(raw)], raw);
  }
  assert.equal(new Query("a=1&b=2").get("b"), "2");
  assert.equal(new Query("a=1").get("b"), undefined);
  assert.deepEqual(new Query("a=1&a=2").getAll("a"), ["1", "2"]);
  assert.equal(new Query("a=%ff").get("a"), "\ufffd");
});

test("a request has what a handler asks for", () => {
  const headers = [["Accept", "a"], ["accept", "b"]];
  const captures = { id: "7" };
  const init = { method: "PUT", headers, captures, body: '{"a":1}' };
  const request = new Request("/tasks/7?x=1", init);
  assert.deepEqual([request.method, request.path, request.query.raw], ["PUT", "/tasks/7", "x=1"]);
  assert.equal(request.header("ACCEPT"), "a");
  assert.equal(request.header("x-none"), undefined);
  assert.equal(request.captures.id, "7");
  assert.deepEqual(request.json(), { a: 1 });
  assert.equal(new Request("/", { body: "a=1+2" }).form().get("a"), "1 2");
});

test("responses say their type once", () => {
  assert.equal(text("x").header("content-type"), "text/plain; charset=utf-8");
  const own = text("x", { status: 201, headers: [["Content-Type", "text/csv"]] });
  assert.deepEqual([own.status, own.headers], [201, [["Content-Type", "text/csv"]]]);
  assert.equal(text("x", { headers: { "x-own": "1" } }).header("X-Own"), "1");
  assert.equal(json({ a: [1] }).text(), '{"a":[1]}');
  assert.equal(bytes(Uint8Array.of(1)).header("content-type"), "application/octet-stream");
  assert.deepEqual([redirect("/a").status, redirect("/a").header("location")], [303, "/a"]);
});

test("what a handler throws becomes a response", (context) => {
  const complaints = context.mock.method(console, "error", () => {});
  const thrown = (error) => answer(() => { throw error; }, new Request("/"));
  const gone = thrown(new HttpError(410, "it was here"));
  assert.deepEqual([gone.status, gone.text()], [410, "it was here\n"]);
  assert.equal(complaints.mock.callCount(), 0);
  for (const error of [new Error("secret"), "secret", undefined]) {
    const response = thrown(error);
    assert.equal(response.status, 500);
    assert.doesNotMatch(response.text(), /secret/);
  }
  assert.equal(thrown(new HttpError(503, "secret")).status, 503);
  assert.equal(complaints.mock.callCount(), 4);
});

test("what is no response is named", (context) => {
  const complaints = context.mock.method(console, "error", () => {});
  const unsendable = text("x", { headers: [["x-name", "日"]] });
  const reasons = [[undefined, /undefined/], ["text", /string/], [unsendable, /x-name/]];
  for (const [wrong, reason] of [...reasons, [Promise.resolve(text("x")), /a Promise/]]) {
    assert.equal(answer(() => wrong, new Request("/")).status, 500);
    assert.match(complaints.mock.calls.at(-1).arguments[0], reason);
  }
});

test("bodies that are not what was asked for are the client's fault", () => {
  const with400 = (wanted) => (error) =>
    error instanceof HttpError && error.status === 400 && wanted.test(error.message);
  assert.throws(() => new Request("/", { body: Uint8Array.of(255) }).text(), with400(/UTF-8/));
  assert.throws(() => new Request("/", { body: "{" }).json(), with400(/JSON/));
});

test("field values are bytes", () => {
  assert.equal(latin1(Uint8Array.of(0x61, 0xe4, 0xff)), "aäÿ");
  assert.deepEqual(toLatin1("x", "aäÿ"), Uint8Array.of(0x61, 0xe4, 0xff));
  assert.throws(() => toLatin1("x-name", "日"), /x-name/);
});

test("the console writes lines", () => {
  const lines = [];
  const made = consoleTo((level, message) => lines.push([level, message]));
  const ring = {};
  ring.ring = ring;
  made.log("a", 1, { b: [2] }, undefined);
  made.warn(10n, ring);
  made.error(new TypeError("no"));
  assert.deepEqual(lines[0], ["info", 'a 1 {"b":[2]} undefined']);
  assert.deepEqual(lines[1], ["warn", "10 [object Object]"]);
  assert.equal(lines[2][0], "error");
  assert.match(lines[2][1], /^TypeError: no/);
});
