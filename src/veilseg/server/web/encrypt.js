// From pixels to the file that is sent: refused where a service asks for too much, padded, encrypted, with its header.

import { permutation, permutePixels, rotatePixels, rotation } from "./blocks.js";
import { fingerprint, Refusal } from "./keys.js";
import { writePng } from "./png.js";
import { canonicalize, mosaic, quartiles, shufflePixels } from "./subblocks.js";

const LEAST_SUB_BLOCK = 4, LEAST_BLOCK = 8; // below, what is sent would be nearly the photograph
const REDUCING = ["subblock-quartiles", "mosaic"]; // without options
export const KEYED = ["patch-permutation", "patch-rotation"];

/** Throws a Refusal when a model wants what this page does not send: plain images, or something close to them. */
export function checkInput(input) {
  const known = ["subblock-sort", "subblock-shuffle", ...REDUCING, ...KEYED];
  if (!known.includes(input.cipher)) throw new Refusal(`This service asks for ${input.cipher} images. Nothing is sent to it.`);
  const [inside, least] = KEYED.includes(input.cipher) ? [input.block, LEAST_BLOCK] : [input.sub_block, LEAST_SUB_BLOCK];
  if (!(inside >= least)) throw new Refusal(`This service asks for images mixed in squares of ${inside} pixels only. Nothing is sent to it.`);
}

/** Sides up to multiples of the block by reflection, at the bottom and right. */
export function pad({ width, height, data }, block) {
  const wide = Math.ceil(width / block) * block, high = Math.ceil(height / block) * block;
  if (wide === width && high === height) return { width, height, data };
  const out = new Uint8Array(3 * wide * high);
  for (let y = 0; y < high; y++) {
    const row = 3 * reflect(y, height) * width, start = 3 * y * wide;
    out.set(data.subarray(row, row + 3 * width), start);
    for (let x = width; x < wide; x++) {
      const from = row + 3 * reflect(x, width);
      for (let c = 0; c < 3; c++) out[start + 3 * x + c] = data[from + c];
    }
  }
  return { width: wide, height: high, data: out };
}

function reflect(at, length) {
  if (length === 1) return 0;
  const place = at % (2 * (length - 1));
  return place < length ? place : 2 * (length - 1) - place;
}

/** The stored pixels of padded pixels under a model's input; secret: the key's 32 bytes where the cipher needs one. */
export async function encryptPixels(pixels, input, secret) {
  const { cipher, block, sub_block: s, channels, shuffle } = input;
  switch (cipher) {
    case "subblock-sort":
      return canonicalize(pixels, block, s, channels, shuffle);
    case "subblock-shuffle":
      return shufflePixels(pixels, crypto.getRandomValues(new Uint8Array(32)), block, s, channels, shuffle);
    case "subblock-quartiles":
      return quartiles(pixels, s);
    case "mosaic":
      return mosaic(pixels, s);
    case "patch-permutation":
      return permutePixels(pixels, await permutation(secret, block), block);
    case "patch-rotation":
      return rotatePixels(pixels, await rotation(secret, block), block);
  }
  throw new Refusal(`The cipher ${cipher} is not known here.`);
}

/** The public header: one line of JSON, the fields in the order of the specification. */
export function headerOf(input, width, height, keyFingerprint) {
  const { cipher, block, sub_block, channels, shuffle } = input;
  const own = KEYED.includes(cipher) ? {} : REDUCING.includes(cipher) ? { sub_block } : { sub_block, channels, shuffle };
  const { sub_block: s, ...options } = own;
  const all = { version: 2, cipher, block, sub_block: s, height, width, ...options, key_fingerprint: keyFingerprint };
  return JSON.stringify(all); // leaves out what is undefined
}

/** The file to send for a photograph { width, height, data: RGB }: { file, header }. This is all that ever leaves. */
export async function encrypt(photo, input, secret) {
  checkInput(input);
  let keyFingerprint;
  if (KEYED.includes(input.cipher)) {
    if (!secret) throw new Refusal(`The model needs the key ${input.key_fingerprint}.`);
    keyFingerprint = await fingerprint(secret);
    if (keyFingerprint !== input.key_fingerprint) {
      throw new Refusal(`The model belongs to the key ${input.key_fingerprint}, and this is the key ${keyFingerprint}.`);
    }
  }
  const stored = await encryptPixels(pad(photo, input.block), input, secret);
  const header = headerOf(input, photo.width, photo.height, keyFingerprint);
  return { file: writePng(stored, "veilseg", header), header };
}
