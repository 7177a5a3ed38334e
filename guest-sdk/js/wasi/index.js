// The SDK of the wasi lane: a handler is an async function from the web's Request to its
// Response, and bodies are streams. What is here is only what the web has no name for.
//
//     import { query, text } from "#httpd-guest";
//
//     export async function handle(request) {
//       return text(`Hello, ${query(request).get("name") ?? "world"}!`);
//     }

/** Thrown by a handler: the client gets this status, and the message as text when it is a 4xx. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "HttpError";
    this.status = status;
  }
}

/** The request's path, as the host has normalised it. @param {Request} request */
export function path(request) {
  return new URL(request.url).pathname;
}

/** The pairs of the request's query. @param {Request} request */
export function query(request) {
  return new URL(request.url).searchParams;
}

/** What the route's pattern captured under this name, or undefined. */
export function capture(request, name) {
  const encoded = request.headers.get(`httpd-capture-${name}`);
  return encoded === null ? undefined : decodeURIComponent(encoded);
}

/** The request's id, which is in the host's log as well; undefined in a test that gives none. */
export function requestId(request) {
  return request.headers.get("httpd-request-id") ?? undefined;
}

/** The peer's address and port; undefined in a test that gives none. */
export function client(request) {
  return request.headers.get("httpd-client") ?? undefined;
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

/** A response of bytes or a stream of them, of the type in `init.headers` or of none known. */
export function bytes(body, init) {
  return typed("application/octet-stream", body, init);
}

/** A redirect: 303, so that the client goes on with GET, unless another status is given. */
export function redirect(location, status = 303) {
  return new Response(null, { status, headers: { location } });
}

/**
 * What a handler's answer or failure comes to: everything that ends a request on its way out of
 * the component goes through here, and tests may call it as well.
 * @param {(request: Request) => Response | Promise<Response>} handle
 * @param {Request} request
 */
export async function answer(handle, request) {
  try {
    const response = await handle(request);
    if (response instanceof Response) return response;
    throw new TypeError(`a handler must return a Response, not ${typeof response}`);
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

function typed(type, body, init = {}) {
  const headers = new Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", type);
  return new Response(body, { ...init, headers });
}
