// Keys in the page: read, checked, and turned into subkeys. They never leave the browser. See spec/veil-3.md.

import { hex, join } from "./bytes.js";
import { VeilsegError } from "./errors.js";

/** @import { Bytes } from "./bytes.js" */

const PREFIX = "veilseg-key-1-";
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const CHARACTERS = 58;
const utf8 = new TextEncoder();

/**
 * A key's text without the white space around it: space, tab, carriage return and line feed, no other.
 * @param {string} text
 */
export function stripped(text) {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}

/**
 * The 32 secret bytes of a key's text form. Throws a VeilsegError that never repeats the text.
 * @param {string} text
 */
export async function parseKey(text) {
  const given = stripped(text), body = given.toLowerCase();
  // Checked before: there are letters beyond ASCII whose small form is in it.
  if (/[^ -~]/.test(given) || !body.startsWith("veilseg-key-")) {
    throw new VeilsegError(`This is not a veilseg key: a key begins with ${PREFIX}`);
  }
  if (!body.startsWith(PREFIX)) throw new VeilsegError("This key has a version that is unknown here.");
  const characters = body.slice(PREFIX.length), { length } = characters;
  if (length !== CHARACTERS) {
    throw new VeilsegError(`This key has ${length} characters after ${PREFIX}, but ${CHARACTERS} are needed.`);
  }
  const { bytes, unused } = decoded(characters);
  const secret = bytes.slice(0, 32);
  const sum = await crypto.subtle.digest("SHA-256", join(utf8.encode("veilseg-key-1"), secret));
  const check = new Uint8Array(sum, 0, 4);
  if (unused !== 0 || check.some((byte, index) => byte !== bytes[32 + index])) {
    throw new VeilsegError("This key has a typing error: its checksum does not match.");
  }
  return secret;
}

/**
 * The 36 bytes of a key's characters, and the last bits, which belong to none.
 * @param {string} characters
 */
function decoded(characters) {
  const bytes = new Uint8Array(36);
  let bits = 0, held = 0, at = 0;
  for (const character of characters) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new VeilsegError("This key holds a character that no key has.");
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
    }
  }
  return { bytes, unused: held & ((1 << bits) - 1) };
}

/**
 * The key in a key file: one line that is neither empty nor a comment.
 * @param {BufferSource} file
 */
export function keyLine(file) {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(file);
  const lines = text.split("\n").map(stripped).filter((line) => line && !line.startsWith("#"));
  if (lines.length !== 1) throw new VeilsegError("The file does not hold exactly one key.");
  return lines[0];
}

/**
 * A subkey: HKDF-SHA256 with the salt "veilseg-1" and the info purpose || 0 || nonce.
 * @param {Bytes} secret
 * @param {string} purpose
 * @param {Bytes} nonce
 * @param {number} length in bytes
 */
export async function derive(secret, purpose, nonce = new Uint8Array(0), length = 32) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = join(utf8.encode(purpose), new Uint8Array(1), nonce);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: utf8.encode("veilseg-1"), info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 8 * length));
}

/**
 * 16 hex digits that tell keys apart and may be published.
 * @param {Bytes} secret
 */
export async function fingerprint(secret) {
  return hex(await derive(secret, "fingerprint", undefined, 8));
}
