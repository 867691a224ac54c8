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
 * The longest side in pixels that shows no more than usual.
 * @param {Spec} spec
 */
function usualSide({ block, sub_block: s }) {
  return s ? DEFAULT_CELLS * s : Math.max(DEFAULTS.longer_side, DEFAULT_CELLS * block);
}

/**
 * What to say of a picture that is finer than the default; "" for all others.
 * @param {Spec} spec
 * @param {Size} picture
 */
export function warnOfCells(spec, { width, height }) {
  const longest = Math.max(width, height), s = spec.sub_block ?? spec.block;
  if (longest <= usualSide(spec)) return "";
  const cells = `${Math.ceil(longest / s)} ${spec.sub_block ? "cells" : "blocks"}`;
  return `Finer than the default: ${cells} along the longer side, where ${DEFAULT_CELLS} are usual. ` +
    "More can be read in it. A smaller longer side shows less.";
}

/**
 * The working size of a model. Throws a VeilsegError where its pictures would show more than the default's: that is for
 * a person to choose, not for a service.
 * @param {Input} input
 */
export function longerSideFor(input) {
  const { longer_side: side = DEFAULTS.longer_side, block, sub_block: s } = input;
  if (side !== ORIGINAL && side <= usualSide(input)) return side;
  const size = side === ORIGINAL ? "at their own size" : `of ${side} pixels`;
  throw new VeilsegError(
    `This service asks for pictures ${size} with cells of ${s ?? block} pixels, which show more than usual. ` +
      `Nothing is sent. Choose a longer side: ${usualSide(input)} pixels show no more than the default.`,
  );
}
