// UTF-8, both ways: QuickJS has the language alone, and so neither TextEncoder nor TextDecoder.

/**
 * @param {string} text lone surrogates become U+FFFD
 * @returns {Uint8Array}
 */
export function encode(text) {
  // Three bytes are enough for each UTF-16 unit: a pair of them has four.
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (const character of text) {
    let point = character.codePointAt(0);
    if (point < 0x80) {
      bytes[length++] = point;
      continue;
    }
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    bytes[length++] = ((0xf0 << (3 - more)) & 0xff) | (point >> (6 * more));
    for (let i = more - 1; i >= 0; i--) bytes[length++] = 0x80 | ((point >> (6 * i)) & 0x3f);
  }
  return bytes.slice(0, length);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} nothing when the bytes are not UTF-8
 */
export function decode(bytes) {
  const pieces = [];
  let points = [];
  for (let at = 0; at < bytes.length; ) {
    const point = pointAt(bytes, at);
    if (point === undefined) return undefined;
    at += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    // The engine's stack bounds how many arguments a call may have.
    if (points.push(point) === 4096) {
      pieces.push(String.fromCodePoint(...points));
      points = [];
    }
  }
  pieces.push(String.fromCodePoint(...points));
  return pieces.join("");
}

// The least code point that is written with so many bytes after the first: a longer form of a
// smaller one is not UTF-8 (RFC 3629 section 3).
const LEAST = [0, 0x80, 0x800, 0x10000];

function pointAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return first;
  const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  if (more === 0 || first >= 0xf8 || at + more >= bytes.length) return undefined;
  let point = first & (0x3f >> more);
  for (let i = 1; i <= more; i++) {
    if ((bytes[at + i] & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (bytes[at + i] & 0x3f);
  }
  const surrogate = point >= 0xd800 && point < 0xe000;
  return point < LEAST[more] || point > 0x10ffff || surrogate ? undefined : point;
}
