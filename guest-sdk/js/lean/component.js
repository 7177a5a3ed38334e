// The component's entry: what the world `handler` exports, made of the project's `#app`. Only
// here the host's own records are seen.

import { handle as app } from "#app";
import { write } from "httpd:guest/log@0.1.0";
import { Request, answer } from "./index.js";
import { latin1, toLatin1 } from "./latin1.js";
import { consoleTo } from "./console.js";

// Lines land in the host's log under the request's id; the lane has no standard output.
globalThis.console = consoleTo(write);

/** `handle` of `httpd:guest/handler`. */
export function handle(raw) {
  return lower(answer(app, lift(raw)));
}

function lift(raw) {
  const target = raw.query === undefined ? raw.path : `${raw.path}?${raw.query}`;
  const headers = raw.fields.map(({ name, value }) => [name, latin1(value)]);
  const captures = raw.captures.map(({ name, value }) => [name, value]);
  return new Request(target, { ...raw, headers, captures: Object.fromEntries(captures) });
}

function lower({ status, headers, body }) {
  const fields = headers.map(([name, value]) => ({ name, value: toLatin1(name, value) }));
  return { status, fields, body };
}
