// The handler: one function from the web's Request to its Response.

import { bytes, path, query, text } from "#httpd-guest";

export async function handle(request) {
  return path(request).endsWith("/echo") ? echo(request) : hello(request);
}

function hello(request) {
  const name = query(request).get("name");
  return text(name === null ? "Hello world!" : `Hello, ${name}!`);
}

/** Sends the body back while it arrives, under the type it came with. */
function echo(request) {
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  return bytes(request.body, { headers: { "content-type": type } });
}
