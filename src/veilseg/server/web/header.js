// The public header of an encrypted image: one line of JSON, of which every character is fixed. See spec/veil-3.md.

import { VeilsegError } from "./errors.js";
import { factsOf, isWhole, readSpec } from "./spec.js";

/**
 * What an encrypted image says about itself. `height`, `width`: the true size in pixels, before padding.
 * @typedef {import("./spec.js").Spec & {
 *   height: number, width: number, nonce?: string, key_fingerprint?: string,
 * }} Header
 */

const VERSION = 3, MAX_PIXELS = 100_000_000;
/** @type {Record<string, number>} */
const HEX_DIGITS = { nonce: 32, key_fingerprint: 16 };

/**
 * The text of a header: the fields that apply, in the order of the specification.
 * @param {Header} header
 */
export function writeHeader({ cipher, block, sub_block, height, width, nonce, key_fingerprint }) {
  sub_block ??= undefined; // which stringify leaves out
  return JSON.stringify({ version: VERSION, cipher, block, sub_block, height, width, nonce, key_fingerprint });
}

/**
 * Read the text of a header. Throws a VeilsegError for anything but what `writeHeader` writes of valid fields, to the
 * character.
 * @param {string} text
 * @returns {Header}
 */
export function readHeader(text) {
  const values = parsed(text);
  if (values.version !== VERSION) throw invalid("it has a version that is unknown here");
  const { height, width } = values;
  for (const side of [height, width]) if (!isWhole(side, 1, MAX_PIXELS)) throw invalid("its size is out of range");
  const header = /** @type {Header} */ ({ ...readSpec(values), height, width, ...keyFields(values) });
  const { width: wide, height: high } = paddedSize(header);
  if (wide * high > MAX_PIXELS) throw invalid("the image is too large");
  if (writeHeader(header) !== text) throw invalid("it is not written as it should be");
  return header;
}

/**
 * The size of the stored image: the true size rounded up to whole blocks.
 * @param {Header} header
 */
export function paddedSize({ height, width, block }) {
  const up = (/** @type {number} */ side) => Math.ceil(side / block) * block;
  return { width: up(width), height: up(height) };
}

/** @type {(text: string) => Record<string, unknown>} */
function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw invalid("it is not JSON");
  }
}

/**
 * The nonce and the key's fingerprint, where the catalogue says that there are any.
 * @param {Record<string, unknown>} values
 */
function keyFields(values) {
  const fields = Object.keys(HEX_DIGITS), keyed = fields.some((name) => values[name] !== undefined);
  const { header_fields } = factsOf(values.cipher);
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of fields) {
    const presence = header_fields[name], value = values[name];
    if (presence !== "always" && !(presence === "with a key" && keyed)) continue;
    if (typeof value !== "string" || !new RegExp(`^[0-9a-f]{${HEX_DIGITS[name]}}$`).test(value)) {
      throw invalid(`its ${name} is not ${HEX_DIGITS[name]} lower-case hex digits`);
    }
    found[name] = value;
  }
  return found;
}

/** @param {string} why */
function invalid(why) {
  return new VeilsegError(`The header of the encrypted image cannot be used: ${why}.`);
}
