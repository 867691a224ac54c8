// What an encrypted picture shows, counted in cells. src/veilseg/cells.py says the same.

import { VeilsegError } from "./errors.js";
import { ORIGINAL } from "./scale.js";
import { DEFAULTS } from "./spec.js";

/** @import { Input } from "./encrypt.js" */
/** @import { Spec } from "./spec.js" */
/** @typedef {{ width: number, height: number }} Size in pixels */

/** Cells along the longer side of a picture at the defaults; more of them show more. */
const DEFAULT_CELLS = Math.floor(DEFAULTS.longer_side / DEFAULTS.sub_block);

/**
 * The cells of an encrypted picture in a sentence; "" for ciphers that mix whole blocks.
 * @param {Spec} spec
 * @param {Size} picture
 * @param {Size} photograph that it was reduced from
 */
export function describeCells({ sub_block: s }, picture, photograph) {
  if (!s) return "";
  const longest = Math.max(picture.width, picture.height), before = Math.max(photograph.width, photograph.height);
  const origin = before === longest ? "" : ` (${Math.ceil((s * before) / longest)} of your photograph)`;
  const cells = `${Math.ceil(picture.width / s)} x ${Math.ceil(picture.height / s)} cells`;
  return `${cells}; writing lower than ${s} pixels of this picture${origin} is below one cell`;
}

/**
 * What to say of a picture that is finer than the default; "" for all others.
 * @param {Spec} spec
 * @param {Size} picture
 */
export function warnOfCells({ sub_block: s }, { width, height }) {
  const cells = s ? Math.ceil(Math.max(width, height) / s) : 0;
  if (cells <= DEFAULT_CELLS) return "";
  return `Finer than the default: ${cells} cells along the longer side, where ${DEFAULT_CELLS} are usual. ` +
    "More can be read in it. A smaller longer side shows less.";
}

/**
 * The working size of a model. Throws a VeilsegError where its pictures would show more than the default's: that is for
 * a person to choose, not for a service.
 * @param {Input} input
 */
export function longerSideFor({ sub_block: s, longer_side: side = DEFAULTS.longer_side }) {
  if (!s || (side !== ORIGINAL && side <= DEFAULT_CELLS * s)) return side;
  const size = side === ORIGINAL ? "at their own size" : `of ${side} pixels`;
  throw new VeilsegError(
    `This service asks for pictures ${size} with cells of ${s} pixels, which show more than usual. Nothing is sent. ` +
      `Choose a longer side: ${DEFAULTS.longer_side} pixels show less.`,
  );
}
