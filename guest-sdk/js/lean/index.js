// The SDK of the lean lane: a whole request in, a whole response out. Nothing here knows
// WebAssembly, so that a handler's tests run in Node.
//
//     import { text } from "#httpd-guest";
//
//     export function handle(request) {
//       return text(`Hello, ${request.query.get("name") ?? "world"}!`);
//     }

import { toLatin1 } from "./latin1.js";
import { Query } from "./query.js";
import { decode, encode } from "./utf8.js";

export { Query } from "./query.js";

/** A request: method, path, query, fields, the route's captures, body. */
export class Request {
  /**
   * @param {string} target the path, with `?` and the query if there is one
   * @param {RequestInit} [init] what else there is; a test needs little of it
   */
  constructor(target, init = {}) {
    const mark = target.indexOf("?");
    /** Unique for this request; the same id is in the host's log. */
    this.id = init.id ?? "test";
    /** The peer's address and port. */
    this.client = init.client ?? "192.0.2.1:49152";
    /** As sent: methods are case-sensitive. */
    this.method = init.method ?? "GET";
    /** `http` or `https`. */
    this.scheme = init.scheme ?? "http";
    /** Host and optional port that the client asked for, if it named any. */
    this.authority = init.authority;
    /** The path, normalised; percent-escapes that matter are kept. */
    this.path = mark < 0 ? target : target.slice(0, mark);
    /** What follows the `?`, decoded when it is asked for. */
    this.query = new Query(mark < 0 ? "" : target.slice(mark + 1));
    /** Pairs of a name in lower case and a value, in the order sent. */
    this.headers = pairs(init.headers).map(([name, value]) => [name.toLowerCase(), value]);
    /** What the route's pattern captured, by name. */
    this.captures = init.captures ?? {};
    /** The body's bytes. */
    this.body = toBytes(init.body);
  }

  /**
   * The first value of a field, or undefined.
   * @param {string} name in any case
   */
  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([given]) => given === wanted)?.[1];
  }

  /** The body as text. @throws {HttpError} 400 when it is not UTF-8 */
  text() {
    const text = decode(this.body);
    if (text === undefined) throw new HttpError(400, "the body is not UTF-8");
    return text;
  }

  /** The body as JSON. @throws {HttpError} 400 when it is none */
  json() {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new HttpError(400, `the body is not JSON: ${error.message}`);
    }
  }

  /** The body as a form's fields (`application/x-www-form-urlencoded`). */
  form() {
    return new Query(this.text());
  }
}

/**
 * A response: status, fields, body. The host adds `date` and the framing.
 */
export class Response {
  /**
   * @param {Uint8Array | string} [body]
   * @param {ResponseInit} [init]
   */
  constructor(body, init = {}) {
    this.status = init.status ?? 200;
    /** Pairs of name and value, sent in this order. */
    this.headers = pairs(init.headers);
    this.body = toBytes(body);
  }

  /** The first value of a field, or undefined. */
  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([given]) => given.toLowerCase() === wanted)?.[1];
  }

  /** The body as text, for tests. */
  text() {
    return decode(this.body);
  }
}

/** Thrown by a handler: the client gets this status, and the message as text when it is a 4xx. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "HttpError";
    this.status = status;
  }
}

/** A response of plain text. */
export function text(body, init) {
  return typed("text/plain; charset=utf-8", body, init);
}

/** A response of HTML. What comes from a client has to be escaped by the caller. */
export function html(body, init) {
  return typed("text/html; charset=utf-8", body, init);
}

/** A response of JSON. */
export function json(value, init) {
  return typed("application/json", JSON.stringify(value), init);
}

/** A response of bytes, of the type that `init.headers` names or `application/octet-stream`. */
export function bytes(body, init) {
  return typed("application/octet-stream", body, init);
}

/** A redirect: 303, so that the client goes on with GET, unless another status is given. */
export function redirect(location, status = 303) {
  return new Response("", { status, headers: { location } });
}

/**
 * What a handler's answer or failure comes to: everything that ends a request on its way out of
 * the component goes through here, and tests may call it as well.
 * @param {(request: Request) => Response} handle
 * @param {Request} request
 */
export function answer(handle, request) {
  try {
    const response = handle(request);
    if (!(response instanceof Response)) {
      throw new TypeError(`a handler must return a Response, not ${kind(response)}`);
    }
    // Whether each value can be sent is found out here, where it is still the handler's failure.
    for (const [name, value] of response.headers) toLatin1(name, value);
    return response;
  } catch (error) {
    return failed(error);
  }
}

function failed(error) {
  const known = error instanceof HttpError;
  if (known && error.status >= 400 && error.status < 500) {
    return text(`${error.message}\n`, { status: error.status });
  }
  console.error(error?.stack ? `${error}\n${error.stack}`.trimEnd() : String(error));
  return text("Internal Server Error\n", { status: known ? error.status : 500 });
}

function kind(value) {
  if (value instanceof Promise) return "a Promise: the lean lane is synchronous (see --lane wasi)";
  return value === null ? "null" : typeof value;
}

function typed(type, body, init) {
  const response = new Response(body, init);
  if (response.header("content-type") === undefined) {
    response.headers.unshift(["content-type", type]);
  }
  return response;
}

function pairs(headers = []) {
  return Array.isArray(headers) ? [...headers] : Object.entries(headers);
}

function toBytes(body) {
  if (body === undefined) return new Uint8Array();
  return typeof body === "string" ? encode(body) : body;
}
