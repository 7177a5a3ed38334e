// Makes the component: `npm run build`. The tools, as package-lock.json pins them, are installed
// the first time.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

if (parseInt(process.versions.node) < 20) {
  console.error(`error: this is Node ${process.versions.node}, and 20 or later is needed`);
  process.exit(1);
}
process.chdir(fileURLToPath(new URL(".", import.meta.url)));
if (!existsSync("node_modules/.package-lock.json")) install();

const { rolldown } = await import("rolldown");
const { componentize } = await import("componentize-qjs");

const { name } = JSON.parse(await readFile("package.json", "utf8"));
const file = `dist/${name}.wasm`;
const options = { witPath: "wit", world: "handler", sync: true };
const { component } = await componentize({ ...options, jsSource: await bundle() });
await mkdir("dist", { recursive: true });
await writeFile(file, component);
console.log(`${file}: ${Math.ceil(component.length / 1024)} KiB`);

/** The handler and all it imports, as one module. What the host offers stays imported. */
async function bundle() {
  const input = "httpd-guest/component.js";
  const build = await rolldown({ input, platform: "neutral", external: [/^httpd:/] });
  const { output } = await build.generate({ format: "esm", codeSplitting: false });
  await build.close();
  return output[0].code;
}

/** The packages' own scripts would only fetch what is in the packages already. */
function install() {
  const options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { error, status } = spawnSync("npm", options, { stdio: "inherit" });
  if (error) console.error(`error: npm, which comes with Node, cannot be run: ${error.message}`);
  if (error || status !== 0) process.exit(1);
}
