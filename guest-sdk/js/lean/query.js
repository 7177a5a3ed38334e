// Pairs as a query or a form has them (application/x-www-form-urlencoded), read as the URL
// standard says: nothing is refused, what is not an escape stays as it is.

import { decode, encode } from "./utf8.js";

/** The pairs of a query, in the order sent, names may repeat. */
export class Query {
  /** @param {string} raw without the `?` */
  constructor(raw) {
    /** As sent, not decoded. */
    this.raw = raw;
  }

  /** The first value of this name, or undefined. */
  get(name) {
    return this.entries().find(([given]) => given === name)?.[1];
  }

  /** All values of this name. */
  getAll(name) {
    return this.entries()
      .filter(([given]) => given === name)
      .map(([, value]) => value);
  }

  /** All pairs, decoded. */
  entries() {
    const pairs = this.raw.split("&").filter((pair) => pair !== "");
    return pairs.map((pair) => {
      const equals = pair.indexOf("=");
      const cut = equals < 0 ? pair.length : equals;
      return [unescape(pair.slice(0, cut)), unescape(pair.slice(cut + 1))];
    });
  }
}

/** Bytes that are not UTF-8 become U+FFFD, one for each, so that a strange query is no error. */
function unescape(text) {
  const plain = text.replaceAll("+", " ");
  if (!plain.includes("%")) return plain;
  const bytes = [];
  for (let at = 0; at < plain.length; at++) {
    const escape = plain.slice(at, at + 3);
    if (/^%[0-9A-Fa-f]{2}$/.test(escape)) {
      bytes.push(parseInt(escape.slice(1), 16));
      at += 2;
    } else {
      const character = String.fromCodePoint(plain.codePointAt(at));
      bytes.push(...encode(character));
      at += character.length - 1;
    }
  }
  return decode(Uint8Array.from(bytes)) ?? lossy(bytes);
}

function lossy(bytes) {
  return bytes.map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : "\ufffd")).join("");
}
