// Field values: HTTP has bytes there, and JavaScript's custom is a character for each byte, as
// the Fetch standard does it.

/** @param {Uint8Array} bytes */
export function latin1(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/**
 * @param {string} name of the field, for the message
 * @param {string} value
 * @throws {TypeError} when a character is none of a single byte
 */
export function toLatin1(name, value) {
  return Uint8Array.from(String(value), (character) => {
    const point = character.codePointAt(0);
    if (point > 0xff) {
      throw new TypeError(`field ${name}: ${JSON.stringify(character)} has no single byte`);
    }
    return point;
  });
}
