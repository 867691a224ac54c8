// How large a picture is when it is encrypted: photographs reduced to a working size, label maps enlarged again.
// src/veilseg/scale.py computes the same, from the same pixels the same bits.

import { VeilsegError } from "./errors.js";

/** @import { Pixels } from "./squares.js" */

/** The longer side of a photograph that is to stay as it is. */
export const ORIGINAL = 0;

const LIGHT = 65535; // of white
const light = Float64Array.from({ length: 511 }, (_, halfStep) => {
  const value = halfStep / 510;
  return Math.round(LIGHT * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)); // IEC 61966-2-1
});
const toLight = light.filter((_, halfStep) => halfStep % 2 === 0);
const toSrgb = new Uint8Array(LIGHT + 1); // the nearest value of every light
for (let value = 1; value < 256; value++) toSrgb.fill(value, light[2 * value - 1]);

/**
 * The size of a picture whose longer side is at most `longerSide` pixels; smaller ones stay as they are.
 * @param {{ width: number, height: number }} photograph
 * @param {number} longerSide in pixels, or ORIGINAL
 */
export function workingSize({ width, height }, longerSide) {
  const longest = Math.max(width, height);
  if (longerSide === ORIGINAL || longest <= longerSide) return { width, height };
  const shorter = Math.max(1, Math.floor((2 * Math.min(width, height) * longerSide + longest) / (2 * longest)));
  return height >= width ? { width: shorter, height: longerSide } : { width: longerSide, height: shorter };
}

/**
 * A photograph at its working size: every pixel the mean of the light that fell on its area.
 * @param {{ width: number, height: number }} photograph
 * @param {(first: number, last: number) => ArrayLike<number>} rowsOf its pixels, RGBA, from one row to before another
 * @param {number} longerSide in pixels, or ORIGINAL
 * @returns {Pixels} of its own; throws a VeilsegError for transparent pixels
 */
export function reducePhotograph({ width, height }, rowsOf, longerSide) {
  const size = workingSize({ width, height }, longerSide);
  const whole = size.width === width && size.height === height;
  const data = new Uint8Array(3 * size.width * size.height);
  const columns = areas(width, size.width);
  const sums = new Float64Array(3 * width); // which hold every whole number up to 2 ** 53
  areas(height, size.height).forEach(({ first, last, shares }, y) => {
    const rows = rowsOf(first, last), start = 3 * y * size.width;
    refuseTransparent(rows);
    if (whole) return copyColours(rows, data, start);
    sums.fill(0);
    shares.forEach((share, row) => addLight(rows, 4 * width * row, share, sums));
    columns.forEach((area, x) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = 0; i < area.shares.length; i++) sum += area.shares[i] * sums[3 * (area.first + i) + channel];
        data[start + 3 * x + channel] = toSrgb[Math.floor(sum / (width * height))];
      }
    });
  });
  return { ...size, data };
}

/**
 * A label map at another size, with smooth borders between classes instead of steps: at every place the class whose
 * membership, interpolated linearly between the centres of the map's pixels, is the greatest; of equals the lowest id.
 * @param {{ width: number, height: number, data: Uint8Array }} labels
 * @param {number} width
 * @param {number} height
 */
export function enlargeLabels(labels, width, height) {
  const across = between(labels.width, width), ids = new Uint8Array(width * height);
  let to = 0;
  for (const down of between(labels.height, height)) {
    const above = labels.data.subarray(labels.width * down.low, labels.width * (down.low + 1));
    const below = labels.data.subarray(labels.width * down.high, labels.width * (down.high + 1));
    for (let x = 0; x < width; x++) {
      const { low, high, share } = across[x], a = above[low], b = above[high], c = below[low], d = below[high];
      ids[to++] = a === b && a === c && a === d ? a : greatest([a, b, c, d], share, down.share);
    }
  }
  return ids;
}

/**
 * `length` pixels in `count` equal areas: first and last (excluded) pixel of each, and their shares, counted in
 * 1 / `count` of a pixel, so that they are whole numbers; those of an area sum to `length`.
 * @type {(length: number, count: number) => { first: number, last: number, shares: number[] }[]}
 */
function areas(length, count) {
  return Array.from({ length: count }, (_, index) => {
    const start = index * length, stop = start + length;
    const first = Math.floor(start / count), last = Math.ceil(stop / count);
    const shares = new Array(last - first).fill(count);
    shares[0] -= start - first * count;
    shares[shares.length - 1] -= last * count - stop;
    return { first, last, shares };
  });
}

/** @type {(rgba: ArrayLike<number>, start: number, share: number, sums: Float64Array) => void} */
function addLight(rgba, start, share, sums) {
  for (let from = start, to = 0; to < sums.length; from += 4, to += 3) {
    sums[to] += share * toLight[rgba[from]];
    sums[to + 1] += share * toLight[rgba[from + 1]];
    sums[to + 2] += share * toLight[rgba[from + 2]];
  }
}

/** @type {(rgba: ArrayLike<number>, data: Uint8Array, to: number) => void} */
function copyColours(rgba, data, to) {
  for (let from = 0; from < rgba.length; from += 4) {
    data[to++] = rgba[from];
    data[to++] = rgba[from + 1];
    data[to++] = rgba[from + 2];
  }
}

/** @param {ArrayLike<number>} rgba */
function refuseTransparent(rgba) {
  for (let at = 3; at < rgba.length; at += 4) {
    if (rgba[at] === 255) continue;
    throw new VeilsegError("The picture is transparent in places. Lay it on a background first.");
  }
}

/**
 * For each of `count` places that divide `length` pixels: the pixels on its two sides, and the share of the second.
 * @type {(length: number, count: number) => { low: number, high: number, share: number }[]}
 */
function between(length, count) {
  return Array.from({ length: count }, (_, index) => {
    const centre = Math.min(length - 1, Math.max(0, ((2 * index + 1) * length - count) / (2 * count)));
    const low = Math.floor(centre);
    return { low, high: Math.min(low + 1, length - 1), share: centre - low };
  });
}

/** @type {(ids: number[], right: number, below: number) => number} */
function greatest(ids, right, below) {
  const weights = [(1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below];
  let found = 256, most = -1;
  for (const id of ids) {
    let sum = 0;
    for (let i = 0; i < 4; i++) if (ids[i] === id) sum += weights[i];
    const membership = Math.round(255 * sum); // as Pillow counts it
    if (membership > most || (membership === most && id < found)) [found, most] = [id, membership];
  }
  return found;
}
