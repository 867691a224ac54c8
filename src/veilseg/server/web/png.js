// PNG, as much of it as is needed: encrypted images are written, label maps are read. See spec/veil-3.md, section 8.

import { deflate } from "./deflate.js";
import { join, Refusal } from "./keys.js";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const ascii = new TextEncoder();

// The remainders of a byte that zero to three more bytes follow: four bytes at a time take a fourth of the steps.
const TABLES = [Int32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
})];
for (let more = 0; more < 3; more++) TABLES.push(TABLES[more].map((value) => TABLES[0][value & 255] ^ (value >>> 8)));

function crc(...parts) {
  const [none, one, two, three] = TABLES;
  let value = -1;
  for (const bytes of parts) {
    let at = 0;
    for (const end = bytes.length - 3; at < end; at += 4) {
      value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      value = three[value & 255] ^ two[(value >>> 8) & 255] ^ one[(value >>> 16) & 255] ^ none[value >>> 24];
    }
    for (; at < bytes.length; at++) value = none[(value ^ bytes[at]) & 255] ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/** The parts of a chunk: length, kind, body, checksum. */
function chunk(kind, body) {
  const name = ascii.encode(kind);
  return [bigEndian(body.length), name, body, bigEndian(crc(name, body))];
}

function bigEndian(value) {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** The file of an encrypted image: IHDR, one tEXt with the header, IDAT, IEND, and nothing else. */
export function writePng({ width, height, data }, keyword, text) {
  const wide = data instanceof Uint16Array;
  const ihdr = join(bigEndian(width), bigEndian(height), Uint8Array.of(wide ? 16 : 8, 2, 0, 0, 0));
  const note = ascii.encode(`${keyword}\0${text}`);
  const idat = deflate(wide ? wideRows(data, width, height) : filteredRows(data, width, height));
  const chunks = [["IHDR", ihdr], ["tEXt", note], ["IDAT", idat], ["IEND", new Uint8Array(0)]];
  return join(SIGNATURE, ...chunks.flatMap(([kind, body]) => chunk(kind, body)));
}

/** 16-bit rows: big-endian, without a filter, because such values are noise. */
function wideRows(data, width, height) {
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

/** 8-bit rows, all with Paeth's filter, as Python writes them: trying the others costs more time than it saves bytes. */
function filteredRows(data, width, height) {
  const length = 3 * width;
  const out = new Uint8Array(height * (1 + length));
  let above = new Uint8Array(length);
  for (let y = 0, to = 0; y < height; y++) {
    const row = data.subarray(y * length, (y + 1) * length);
    out[to++] = 4;
    for (let i = 0; i < 3; i++) out[to++] = row[i] - above[i];
    for (let i = 3; i < length; i++) out[to++] = row[i] - paeth(row[i - 3], above[i], above[i - 3]);
    above = row;
  }
  return out;
}

function predict(filter, a, b, c) {
  if (filter === 0) return 0;
  if (filter === 1) return a;
  if (filter === 2) return b;
  if (filter === 3) return (a + b) >> 1;
  return paeth(a, b, c);
}

/** Of left, up and corner the one nearest to left + up - corner. By masks: branches on noise cannot be foreseen. */
function paeth(left, up, corner) {
  const right = up - corner, down = left - corner;
  const toLeft = magnitude(right), toUp = magnitude(down), toCorner = magnitude(right + down);
  const other = up ^ ((up ^ corner) & ((toCorner - toUp) >> 31)); // of up and corner
  return left ^ ((left ^ other) & (((toUp - toLeft) | (toCorner - toLeft)) >> 31));
}

function magnitude(value) {
  return (value ^ (value >> 31)) - (value >> 31);
}

/** The chunks of a PNG: [{ kind, body }]. Throws a Refusal when it is cut or damaged. */
export function chunksOf(bytes) {
  if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) throw new Refusal("This is not a PNG.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  let at = SIGNATURE.length;
  while (at < bytes.length) {
    const end = at + 12 <= bytes.length ? at + 12 + view.getUint32(at) : Infinity;
    if (end > bytes.length) throw new Refusal("The PNG is cut.");
    if (crc(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw new Refusal("The PNG is damaged.");
    found.push({ kind: String.fromCharCode(...bytes.subarray(at + 4, at + 8)), body: bytes.subarray(at + 8, end - 4) });
    at = end;
  }
  return found;
}

/** The class ids of a palette PNG with 8 bits: { width, height, data }. Throws a Refusal for every other file. */
export async function readLabels(bytes) {
  const chunks = chunksOf(bytes);
  const { body } = chunks[0];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const width = view.getUint32(0), height = view.getUint32(4);
  if (body[8] !== 8 || body[9] !== 3 || body[12] !== 0) throw new Refusal("The answer is no label map.");
  const idat = join(...chunks.filter(({ kind }) => kind === "IDAT").map((part) => part.body));
  const rows = await through(new DecompressionStream("deflate"), idat);
  if (rows.length !== height * (1 + width)) throw new Refusal("The label map has another size than it says.");
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (1 + width)];
    for (let x = 0; x < width; x++) {
      const a = x ? data[y * width + x - 1] : 0;
      const b = y ? data[(y - 1) * width + x] : 0;
      const c = x && y ? data[(y - 1) * width + x - 1] : 0;
      data[y * width + x] = rows[y * (1 + width) + 1 + x] + predict(filter, a, b, c);
    }
  }
  return { width, height, data };
}
