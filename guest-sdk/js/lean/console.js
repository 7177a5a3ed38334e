// `console`, over whatever writes a line at a level.

const LEVELS = {
  trace: "trace",
  debug: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
};

/**
 * @param {(level: string, message: string) => void} write
 * @returns the methods of a console that write lines
 */
export function consoleTo(write) {
  const methods = Object.entries(LEVELS).map(([method, level]) => {
    return [method, (...values) => write(level, values.map(shown).join(" "))];
  });
  return Object.fromEntries(methods);
}

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A value that contains itself, or a big integer.
    return String(value);
  }
}
