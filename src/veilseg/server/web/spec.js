// How an image is encrypted: a cipher of the catalogue, its block and its sub-block, checked. Nothing here depends on a
// cipher's name: the catalogue says what is true of each.

import catalog from "./catalog.json" with { type: "json" };
import { VeilsegError } from "./errors.js";

/**
 * A cipher's row of the catalogue; src/veilseg/catalog.py explains the facts.
 * @typedef {{
 *   key: string, bits: number, sub_blocks: boolean, largest_block: number,
 *   header_fields: Record<string, string>, visible: string,
 * }} Facts
 *
 * A cipher with its public parameters, sides in pixels; `sub_block` where the cipher has sub-blocks.
 * @typedef {{ cipher: string, block: number, sub_block?: number | null }} Spec
 */

const SMALLEST_SUB_BLOCK = 2; // one pixel would be the photograph itself

/** @type {Record<string, Facts>} */
const CATALOG = catalog.ciphers;

/** What holds where no model says otherwise; sides in pixels. */
export const DEFAULTS = catalog.defaults;

/**
 * The row of a cipher. Throws a VeilsegError for an unknown name.
 * @param {unknown} cipher
 */
export function factsOf(cipher) {
  if (typeof cipher === "string" && Object.hasOwn(CATALOG, cipher)) return CATALOG[cipher];
  throw new VeilsegError(`There is no cipher ${String(cipher).slice(0, 40)}.`);
}

/**
 * The side of the smallest square that keeps its values to itself.
 * @param {Spec} spec
 */
export function cellOf({ block, sub_block }) {
  return sub_block ?? block;
}

/**
 * What anybody sees in an image that is encrypted like this.
 * @param {Spec} spec
 */
export function visibleIn(spec) {
  return factsOf(spec.cipher).visible.replaceAll("{s}", String(cellOf(spec)));
}

/**
 * The values as a spec. Throws a VeilsegError for an unknown cipher, and for sizes that it does not have.
 * @param {Record<string, unknown>} values
 * @returns {Spec}
 */
export function readSpec({ cipher, block, sub_block }) {
  const { sub_blocks, largest_block } = factsOf(cipher), name = String(cipher);
  if (!isWhole(block, 1, largest_block)) {
    throw new VeilsegError(`The block of ${name} is a whole number of pixels from 1 to ${largest_block}.`);
  }
  if (!sub_blocks) {
    if ((sub_block ?? null) !== null) throw new VeilsegError(`${name} has no sub-blocks.`);
    return { cipher: name, block };
  }
  if (!isWhole(sub_block, SMALLEST_SUB_BLOCK, block) || block % sub_block) {
    throw new VeilsegError(`The sub-block of ${name} divides the block of ${block} pixels, and is larger than one.`);
  }
  return { cipher: name, block, sub_block };
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 * @returns {value is number}
 */
export function isWhole(value, least, most) {
  return typeof value === "number" && Number.isInteger(value) && least <= value && value <= most;
}
