// A zlib stream (RFC 1950, RFC 1951) of dynamic Huffman blocks in which nothing but runs is looked for. Encrypted
// pixels hold hardly any other repeated strings, and the browser's own compressor takes no options: it would search.

import { BitWriter, codeLengths, codesOf } from "./bits.js";

const LITERAL_BITS = 15, LENGTH_BITS = 7; // the longest codes that the format allows: for values, and for code lengths
const END = 256; // of a block
const LEAST_RUN = 8, LONGEST_RUN = 258; // what repeats is frequent: a few literals of it are shorter than a run
const TOKENS = 65535; // in a block: the statistics change from place to place, and each set of codes takes 100 bytes
const STORED = 65535; // the most bytes in a stored block
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

// For every length of a run its symbol, the number of its extra bits, and their value.
const [RUN_SYMBOL, RUN_EXTRA, RUN_REST] = [1, 2, 3].map(() => new Uint16Array(LONGEST_RUN + 1));
for (let symbol = 257, length = 3; symbol < 285; symbol++) {
  const extra = symbol < 265 ? 0 : (symbol - 261) >> 2;
  for (let rest = 0; rest < 1 << extra; rest++, length++) {
    RUN_SYMBOL[length] = symbol;
    RUN_EXTRA[length] = extra;
    RUN_REST[length] = rest;
  }
}
RUN_SYMBOL[LONGEST_RUN] = 285;
RUN_EXTRA[LONGEST_RUN] = RUN_REST[LONGEST_RUN] = 0;

/**
 * The bytes as a zlib stream.
 * @param {Uint8Array} bytes
 */
export function deflate(bytes) {
  const out = new BitWriter(bytes.length + 1024 * Math.ceil(bytes.length / STORED + 1)); // more than codes can add
  out.put(0x0178, 16);
  const tokens = new Uint16Array(TOKENS);
  let at = 0;
  do {
    const counts = new Uint32Array(286), [end, count] = tokenize(bytes, at, tokens, counts);
    writeBlock(out, tokens.subarray(0, count), counts, bytes.subarray(at, end), end === bytes.length);
    at = end;
  } while (at < bytes.length);
  out.align();
  const sum = adler(bytes);
  for (const shift of [24, 16, 8, 0]) out.put((sum >>> shift) & 255, 8);
  return out.done();
}

/**
 * Tokens of the bytes from `at` on, as many as there is room for: a literal, or 256 + the length of a run, which
 * repeats the byte before it. Counts the symbols; returns where it stopped, and how many tokens there are.
 * @type {(bytes: Uint8Array, at: number, tokens: Uint16Array, counts: Uint32Array) => [number, number]}
 */
function tokenize(bytes, at, tokens, counts) {
  let count = 0, repeats = 0, previous = -1;
  while (at < bytes.length && count < TOKENS) {
    const value = bytes[at++];
    tokens[count++] = value;
    counts[value]++;
    repeats = (repeats + 1) & -(value === previous); // without a branch: whether a byte repeats cannot be foreseen
    previous = value;
    if (repeats < LEAST_RUN) continue;
    // The last tokens were the beginning of a run.
    const start = at - LEAST_RUN, end = Math.min(start + LONGEST_RUN, bytes.length);
    while (at < end && bytes[at] === value) at++;
    counts[value] -= LEAST_RUN;
    counts[RUN_SYMBOL[at - start]]++;
    count -= LEAST_RUN;
    tokens[count++] = 256 + at - start;
    repeats = 0;
  }
  return [at, count];
}

/**
 * One block, with codes of its own or stored as it is, whichever is shorter.
 * @type {(out: BitWriter, tokens: Uint16Array, counts: Uint32Array, bytes: Uint8Array, last: boolean) => void}
 */
function writeBlock(out, tokens, counts, bytes, last) {
  counts[END] = 1;
  const lengths = codeLengths(counts, LITERAL_BITS), codes = codesOf(lengths);
  let size = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) size += counts[symbol] * lengths[symbol];
  if (size > 8 * bytes.length && bytes.length <= STORED) return writeStored(out, bytes, last);
  out.put(last ? 5 : 4, 3);
  writeLengths(out, lengths);
  writeTokens(out, tokens, codes, lengths);
  out.put(codes[END], lengths[END]);
}

/**
 * The tokens in codes. As out.put() would write them, but without its branch, and fast because nothing is a field.
 * @type {(out: BitWriter, tokens: Uint16Array, codes: Uint16Array, lengths: Uint8Array) => void}
 */
function writeTokens(out, tokens, codes, lengths) {
  const { words } = out, table = new Uint32Array(256 + LONGEST_RUN + 1);
  for (let token = 0; token < table.length; token++) {
    const symbol = token < 256 ? token : RUN_SYMBOL[token - 256];
    table[token] = codes[symbol] | (lengths[symbol] << 16);
  }
  let { at, held, bits } = out;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i], entry = table[token];
    held |= (entry & 0xffff) << bits;
    bits += entry >> 16;
    words[at] = held;
    at += bits >> 4;
    held >>>= bits & 16;
    bits &= 15;
    if (token < 256) continue;
    held |= RUN_REST[token - 256] << bits;
    bits += RUN_EXTRA[token - 256] + 1; // and the distance, whose only code is 0
    words[at] = held;
    at += bits >> 4;
    held >>>= bits & 16;
    bits &= 15;
  }
  Object.assign(out, { at, held, bits });
}

/** @type {(out: BitWriter, bytes: Uint8Array, last: boolean) => void} */
function writeStored(out, bytes, last) {
  out.put(last ? 1 : 0, 3);
  out.align();
  out.put(bytes.length, 16);
  out.put(~bytes.length & 0xffff, 16);
  for (const byte of bytes) out.put(byte, 8);
}

/**
 * The table of a block's codes: their lengths, repeats shortened, themselves in codes. One distance, of 1 bit.
 * @type {(out: BitWriter, lengths: Uint8Array) => void}
 */
function writeLengths(out, lengths) {
  let last = 285;
  while (lengths[last] === 0) last--;
  const all = [...lengths.subarray(0, last + 1), 1], found = [], counts = new Uint32Array(19);
  for (let at = 0; at < all.length; ) {
    const value = all[at];
    let end = at + 1;
    while (end < all.length && all[end] === value && end - at < (value ? 7 : 138)) end++;
    const repeats = end - at;
    // 16: the value, then three to six times more; 17 and 18: 3 to 10 and 11 to 138 zeros.
    if (value === 0 && repeats >= 11) found.push([18, repeats - 11, 7]);
    else if (value === 0 && repeats >= 3) found.push([17, repeats - 3, 3]);
    else if (repeats >= 4) found.push([value, 0, 0], [16, repeats - 4, 2]);
    else for (let i = 0; i < repeats; i++) found.push([value, 0, 0]);
    at = end;
  }
  for (const [symbol] of found) counts[symbol]++;
  const short = codeLengths(counts, LENGTH_BITS), codes = codesOf(short);
  let given = 19;
  while (short[LENGTH_ORDER[given - 1]] === 0) given--;
  out.put(last - 256, 5);
  out.put(0, 5);
  out.put(given - 4, 4);
  for (const symbol of LENGTH_ORDER.slice(0, given)) out.put(short[symbol], 3);
  for (const [symbol, rest, bits] of found) {
    out.put(codes[symbol], short[symbol]);
    out.put(rest, bits);
  }
}

/**
 * Adler's sum. Remainders are taken so rarely that sums just stay below 2 ** 31.
 * @param {Uint8Array} bytes
 */
function adler(bytes) {
  let a = 1, b = 0;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(at + 3800, bytes.length); at < end; at++) b += a += bytes[at];
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}
