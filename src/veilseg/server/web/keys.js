// Keys in the page: read, checked, and turned into subkeys. They never leave the browser. See spec/veil-3.md, section 1.

const PREFIX = "veilseg-key-1-";
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const CHARACTERS = 58;
const utf8 = new TextEncoder();

/** An error that a person can act on. */
export class Refusal extends Error {}

/** The 32 secret bytes of a key's text form. Throws a Refusal that never repeats the text. */
export async function parseKey(text) {
  const body = text.trim().toLowerCase();
  if (!/^[\x00-\x7f]*$/.test(body) || !body.startsWith("veilseg-key-")) {
    throw new Refusal(`This is not a veilseg key: a key begins with ${PREFIX}`);
  }
  if (!body.startsWith(PREFIX)) throw new Refusal("This key has a version that is unknown here.");
  const characters = body.slice(PREFIX.length);
  if (characters.length !== CHARACTERS) {
    throw new Refusal(`This key has ${characters.length} characters after ${PREFIX}, but ${CHARACTERS} are needed.`);
  }
  const bytes = new Uint8Array(36);
  let bits = 0, held = 0, at = 0;
  for (const character of characters) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new Refusal("This key holds a character that no key has.");
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
    }
  }
  const secret = bytes.slice(0, 32);
  const sum = await crypto.subtle.digest("SHA-256", join(utf8.encode("veilseg-key-1"), secret));
  const check = new Uint8Array(sum, 0, 4);
  const unused = held & ((1 << bits) - 1);
  if (unused !== 0 || check.some((byte, index) => byte !== bytes[32 + index])) {
    throw new Refusal("This key has a typing error: its checksum does not match.");
  }
  return secret;
}

/** The key in the text of a key file: one line that is neither empty nor a comment. */
export function keyLine(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  if (lines.length !== 1) throw new Refusal("The file does not hold exactly one key.");
  return lines[0];
}

/** HKDF-SHA256 with the salt "veilseg-1" and the info purpose || 0 || nonce. */
export async function derive(secret, purpose, nonce = new Uint8Array(0), length = 32) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = join(utf8.encode(purpose), new Uint8Array(1), nonce);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: utf8.encode("veilseg-1"), info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 8 * length));
}

/** 16 hex digits that tell keys apart and may be published. */
export async function fingerprint(secret) {
  return hex(await derive(secret, "fingerprint", undefined, 8));
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
