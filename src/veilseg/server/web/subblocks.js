// The sub-block ciphers on arrays: sort (the canonical form), shuffle, quartiles, mosaic. See spec/veil-2.md, sections 3 and 4.
// Pixels are { width, height, data }: data is a Uint8Array of RGB, row by row; the sides are multiples of the block.

import { Keystream } from "./keystream.js";

const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/** For every region of `region` x `region` pixels the offsets of its values, sub-block by sub-block, pixel by pixel. */
function* regions({ width, height }, region, s) {
  for (let top = 0; top < height; top += region) {
    for (let left = 0; left < width; left += region) {
      const at = [];
      for (let y = top; y < top + region; y += s) {
        for (let x = left; x < left + region; x += s) {
          const one = [];
          for (let i = 0; i < s; i++) for (let j = 0; j < s; j++) one.push(3 * ((y + i) * width + x + j));
          at.push(one);
        }
      }
      yield at;
    }
  }
}

const compare = (a, b) => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
};

/** Where the first value of every square of `side` x `side` pixels stands. */
function* corners({ width, height }, side) {
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) yield 3 * (top * width + left);
  }
}

/** The offsets of a square's values from its first one, sub-block by sub-block, pixel by pixel. */
function offsetsWithin(width, side, s) {
  const [offsets] = regions({ width, height: side }, side, s);
  return Int32Array.from(offsets.flat());
}

const counts = new Uint16Array(256);

/** Sort list[from], ..., list[from + count - 1] in place: by insertion if few, else by counting. */
function sortPart(list, from, count) {
  const end = from + count;
  if (count <= 24) {
    for (let i = from + 1; i < end; i++) {
      const value = list[i];
      let at = i;
      for (; at > from && list[at - 1] > value; at--) list[at] = list[at - 1];
      list[at] = value;
    }
    return;
  }
  for (let i = from; i < end; i++) counts[list[i]]++;
  for (let value = 0, at = from; value < 256; value++) {
    for (let left = counts[value]; left > 0; left--) list[at++] = value;
    counts[value] = 0;
  }
}

/** Whole pixels in the order of channels given, sorted lexicographically in every sub-block: [a, b, c, a, b, c, ...]. */
function sortedPixels(data, base, offsets, count, [a, b, c]) {
  const packed = Uint32Array.from(offsets, (o) => (data[base + o + a] << 16) | (data[base + o + b] << 8) | data[base + o + c]);
  for (let from = 0; from < packed.length; from += count) packed.subarray(from, from + count).sort();
  return Array.from(packed, (value) => [value >> 16, (value >> 8) & 255, value & 255]).flat();
}

/** The canonical form: what is left of an image when the keys of the sub-block cipher are forgotten. */
export function canonicalize(pixels, block, s, channels = "sub-block", shuffle = "channel") {
  const { data } = pixels;
  const out = new Uint8Array(data.length);
  const side = channels === "block" ? block : s;
  const offsets = offsetsWithin(pixels.width, side, s);
  const values = [0, 1, 2].map(() => new Uint8Array(offsets.length));
  const sums = [0, 0, 0];
  const before = (a, b) => sums[a] - sums[b] || compare(values[a], values[b]);
  for (const base of corners(pixels, side)) {
    for (let channel = 0; channel < 3; channel++) {
      const list = values[channel];
      let sum = 0;
      for (let i = 0; i < list.length; i++) sum += list[i] = data[base + offsets[i] + channel];
      sums[channel] = sum;
      for (let from = 0; from < list.length; from += s * s) sortPart(list, from, s * s);
    }
    const order = channels === "none" ? [0, 1, 2] : [0, 1, 2].sort(before);
    if (shuffle === "channel") {
      for (let c = 0; c < 3; c++) {
        const list = values[order[c]];
        for (let i = 0; i < list.length; i++) out[base + offsets[i] + c] = list[i];
      }
      continue;
    }
    let best = sortedPixels(data, base, offsets, s * s, order);
    if (channels !== "none") {
      // Channels with equal sorted values may stand in any order: the smallest result is the canonical one.
      for (const swap of ORDERS) {
        const other = swap.map((index) => order[index]);
        if (other.some((channel, c) => before(channel, order[c]) !== 0)) continue;
        const attempt = sortedPixels(data, base, offsets, s * s, other);
        if (compare(attempt, best) < 0) best = attempt;
      }
    }
    offsets.forEach((offset, i) => out.set(best.slice(3 * i, 3 * i + 3), base + offset));
  }
  return { ...pixels, data: out };
}

/** Draws for rows of `count` blocks that need draws below `bounds` each: one draw below a * b serves a and b. */
class PairedDraws {
  constructor(keystream, count, bounds) {
    const second = bounds.filter((_, i) => i % 2);
    const first = bounds.filter((_, i) => i % 2 === 0);
    if (first.length % 2) first.push(1);
    while (second.length < first.length) second.push(1);
    this.pairs = first.length;
    this.second = Uint32Array.from(second);
    this.products = new Uint32Array(count * this.pairs);
    for (let i = 0; i < this.products.length; i++) this.products[i] = first[i % this.pairs] * second[i % this.pairs];
    this.keystream = keystream;
  }

  /** The draws of all blocks of a row, 2 * pairs for each. */
  async row(index) {
    const both = await this.keystream.draw(index, this.products);
    const draws = new Uint16Array(2 * both.length);
    for (let i = 0, pair = 0; i < both.length; i++) {
      const b = this.second[pair];
      draws[2 * i] = both[i] / b;
      draws[2 * i + 1] = both[i] % b;
      if (++pair === this.pairs) pair = 0;
    }
    return draws;
  }
}

/** Shuffle the channels of every sub-block, then its pixels, with the streams of a 32-byte subkey. */
export async function shufflePixels(pixels, subkey, block, s, channels = "sub-block", shuffle = "channel") {
  const { width, height } = pixels;
  const data = pixels.data.slice();
  const keystream = await Keystream.create(subkey);
  const swaps = Array.from({ length: s * s - 1 }, (_, at) => at + 2), order = [2, 3], perBlock = (block / s) ** 2;
  const one = [...(channels === "sub-block" ? order : []), ...swaps, ...(shuffle === "shared" ? [] : [...swaps, ...swaps])];
  const inside = Array.from({ length: perBlock }, () => one).flat();
  const bounds = channels === "block" ? [...order, ...inside] : inside;
  const paired = new PairedDraws(keystream, width / block, bounds);
  for (let row = 0; row < height / block; row++) {
    const rowDraws = await paired.row(row);
    const band = { width, height: block };
    const base = 3 * row * block * width;
    let column = 0;
    for (const region of regions(band, block, s)) {
      const draws = rowDraws.subarray(2 * paired.pairs * column++);
      let at = 0;
      if (channels === "block") {
        for (const offsets of region) swapChannels(data, base, offsets, draws[0], draws[1]);
        at = 2;
      }
      for (const offsets of region) {
        if (channels === "sub-block") {
          swapChannels(data, base, offsets, draws[at], draws[at + 1]);
          at += 2;
        }
        for (let channel = 0; channel < (shuffle === "shared" ? 1 : 3); channel++) {
          const moved = shuffle === "shared" ? [0, 1, 2] : [channel];
          for (let i = 1; i < s * s; i++) {
            const a = base + offsets[i], b = base + offsets[draws[at++]];
            for (const c of moved) [data[a + c], data[b + c]] = [data[b + c], data[a + c]];
          }
        }
      }
    }
  }
  return { ...pixels, data };
}

function swapChannels(data, base, offsets, first, second) {
  for (const offset of offsets) {
    const at = base + offset;
    [data[at + 1], data[at + first]] = [data[at + first], data[at + 1]];
    [data[at + 2], data[at + second]] = [data[at + second], data[at + 2]];
  }
}

/** The canonical form with every quarter of a channel's sorted values replaced by its mean, rounded, halves up. */
export function quartiles(pixels, s) {
  const sorted = canonicalize(pixels, s, s, "none");
  const { data } = sorted;
  const offsets = offsetsWithin(pixels.width, s, s);
  const bounds = [0, 1, 2, 3, 4].map((quarter) => Math.floor((quarter * offsets.length) / 4));
  for (const base of corners(pixels, s)) {
    for (let channel = base; channel < base + 3; channel++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        const first = bounds[quarter], last = bounds[quarter + 1];
        let sum = 0;
        for (let i = first; i < last; i++) sum += data[channel + offsets[i]];
        const mean = Math.floor((2 * sum + last - first) / (2 * (last - first)));
        for (let i = first; i < last; i++) data[channel + offsets[i]] = mean;
      }
    }
  }
  return canonicalize(sorted, s, s); // sorted already; this puts the channels in order
}

/** Every sub-block filled with the mean of each channel, rounded to the nearest, halves up. */
export function mosaic(pixels, s) {
  const { data } = pixels;
  const out = new Uint8Array(data.length);
  const offsets = offsetsWithin(pixels.width, s, s);
  for (const base of corners(pixels, s)) {
    for (let channel = base; channel < base + 3; channel++) {
      let sum = 0;
      for (let i = 0; i < offsets.length; i++) sum += data[channel + offsets[i]];
      const mean = Math.floor((2 * sum + offsets.length) / (2 * offsets.length));
      for (let i = 0; i < offsets.length; i++) out[channel + offsets[i]] = mean;
    }
  }
  return { ...pixels, data: out };
}
