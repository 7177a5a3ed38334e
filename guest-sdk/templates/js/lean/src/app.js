// The handler: one function from a request to its response.

import { bytes, text } from "#httpd-guest";

export function handle(request) {
  return request.path.endsWith("/echo") ? echo(request) : hello(request);
}

function hello(request) {
  const name = request.query.get("name");
  return text(name === undefined ? "Hello world!" : `Hello, ${name}!`);
}

/** Sends the body back, under the type it came with. */
function echo(request) {
  const type = request.header("content-type") ?? "application/octet-stream";
  return bytes(request.body, { headers: { "content-type": type } });
}
