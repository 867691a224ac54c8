// The rows of a PNG: a byte that names a filter, then what the filter leaves of the values. See the PNG specification.

import { VeilsegError } from "./errors.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Pixels, WidePixels } from "./squares.js" */

const PAETH = 4;

/**
 * 16-bit rows: big-endian, without a filter, because such values are noise.
 * @param {WidePixels} pixels
 */
export function wideRows({ width, height, data }) {
  const out = new Uint8Array(height * (1 + 6 * width));
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    to++;
    for (const end = from + 3 * width; from < end; from++) {
      out[to++] = data[from] >> 8;
      out[to++] = data[from];
    }
  }
  return out;
}

/**
 * 8-bit rows, all with Paeth's filter, as Python writes them: trying the others costs more time than it saves bytes.
 * @param {Pixels} pixels
 */
export function filteredRows({ width, height, data }) {
  const length = 3 * width;
  const out = new Uint8Array(height * (1 + length));
  let above = new Uint8Array(length);
  for (let y = 0, to = 0; y < height; y++) {
    const row = data.subarray(y * length, (y + 1) * length);
    out[to++] = PAETH;
    for (let i = 0; i < 3; i++) out[to++] = row[i] - above[i];
    for (let i = 3; i < length; i++) out[to++] = row[i] - paeth(row[i - 3], above[i], above[i - 3]);
    above = row;
  }
  return out;
}

/**
 * The values of filtered rows. Throws a VeilsegError for an unknown filter.
 * @param {Bytes} rows
 * @param {number} length of a row, in values of 8 bits
 * @param {number} step values of a pixel
 */
export function unfiltered(rows, length, step) {
  const height = rows.length / (1 + length);
  const data = new Uint8Array(height * length);
  for (let y = 0; y < height; y++) {
    const from = y * (1 + length), to = y * length, predict = PREDICTORS[rows[from]];
    if (!predict) throw new VeilsegError("The pixels of the PNG cannot be decoded.");
    for (let x = 0; x < length; x++) {
      const left = x >= step ? data[to + x - step] : 0;
      const up = y ? data[to + x - length] : 0;
      const corner = x >= step && y ? data[to + x - length - step] : 0;
      data[to + x] = rows[from + 1 + x] + predict(left, up, corner);
    }
  }
  return data;
}

/** @type {((left: number, up: number, corner: number) => number)[]} by the filter's number */
const PREDICTORS = [() => 0, (left) => left, (_, up) => up, (left, up) => (left + up) >> 1, paeth];

/**
 * Of left, up and corner the one nearest to left + up - corner. By masks: branches on noise cannot be foreseen.
 * @type {(left: number, up: number, corner: number) => number}
 */
function paeth(left, up, corner) {
  const right = up - corner, down = left - corner;
  const toLeft = magnitude(right), toUp = magnitude(down), toCorner = magnitude(right + down);
  const other = up ^ ((up ^ corner) & ((toCorner - toUp) >> 31)); // of up and corner
  return left ^ ((left ^ other) & (((toUp - toLeft) | (toCorner - toLeft)) >> 31));
}

/** @param {number} value */
function magnitude(value) {
  return (value ^ (value >> 31)) - (value >> 31);
}
