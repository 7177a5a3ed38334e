// Node's fetch against a host whose address is the argument: what it sends comes back.

import { createHash, randomBytes } from "node:crypto";

const origin = `http://${process.argv[2]}`;
const body = randomBytes(5 << 20);

function check(name, condition) {
  console.log(condition ? "ok " : "BAD", name);
  if (!condition) process.exit(1);
}

function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

async function isEchoed(response) {
  const echoed = Buffer.from(await response.arrayBuffer());
  return response.status === 200 && digest(echoed) === digest(body);
}

function stream() {
  let start = 0;
  return new ReadableStream({
    pull(controller) {
      if (start >= body.length) return controller.close();
      controller.enqueue(body.subarray(start, (start += 10_000)));
    },
  });
}

for (let i = 0; i < 20; i++) {
  const response = await fetch(`${origin}/hello?keep`);
  check("a greeting", response.status === 200 && (await response.text()) === "Hello world!");
}
const head = await fetch(`${origin}/hello`, { method: "HEAD" });
check("no body to HEAD", head.status === 200 && (await head.text()) === "");
const known = await fetch(`${origin}/echo`, { method: "POST", body });
check("5 MiB of known length", await isEchoed(known));
const streamed = await fetch(`${origin}/echo`, { method: "POST", body: stream(), duplex: "half" });
check("5 MiB as a stream", await isEchoed(streamed));
const many = Array.from({ length: 50 }, (_, i) => fetch(`${origin}/hello?name=${i}`));
const greetings = await Promise.all(many.map(async (response) => (await response).text()));
check("50 at once", greetings.every((greeting, i) => greeting === `Hello, ${i}!`));
const nowhere = await fetch(`${origin}/nowhere`);
check("a refusal", nowhere.status === 404 && (await nowhere.text()).startsWith("404 "));
console.log("all is well");
