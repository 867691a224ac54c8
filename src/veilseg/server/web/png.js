// PNG, as much of it as is needed: encrypted images are written, label maps are read. See spec/veil-2.md, section 6.

import { join, Refusal } from "./keys.js";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const ascii = new TextEncoder();
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(kind, body) {
  const named = join(ascii.encode(kind), body);
  const out = new Uint8Array(named.length + 8);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(named, 4);
  view.setUint32(4 + named.length, crc(named));
  return out;
}

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** The file of an encrypted image: IHDR, one tEXt with the header, IDAT, IEND, and nothing else. */
export async function writePng({ width, height, data }, keyword, text) {
  const wide = data instanceof Uint16Array;
  const ihdr = new Uint8Array(13);
  const view = new DataView(ihdr.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  ihdr.set([wide ? 16 : 8, 2, 0, 0, 0], 8);
  const rows = wide ? wideRows(data, width, height) : filteredRows(data, width, height);
  const idat = await through(new CompressionStream("deflate"), rows);
  const note = ascii.encode(`${keyword}\0${text}`);
  return join(SIGNATURE, chunk("IHDR", ihdr), chunk("tEXt", note), chunk("IDAT", idat), chunk("IEND", new Uint8Array(0)));
}

/** 16-bit rows: big-endian, without a filter, because such values are noise. */
function wideRows(data, width, height) {
  const out = new Uint8Array(height * (1 + 6 * width));
  const view = new DataView(out.buffer);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < 3 * width; i++) view.setUint16(y * (1 + 6 * width) + 1 + 2 * i, data[3 * y * width + i]);
  }
  return out;
}

/** 8-bit rows, all with Paeth's filter, as Python writes them: trying the others costs more time than it saves bytes. */
function filteredRows(data, width, height) {
  const length = 3 * width;
  const out = new Uint8Array(height * (1 + length));
  for (let y = 0, to = 0; y < height; y++) {
    out[to++] = 4;
    const row = y * length;
    for (let i = 0; i < length; i++) {
      const left = i < 3 ? 0 : data[row + i - 3];
      const up = y ? data[row + i - length] : 0;
      const corner = y && i >= 3 ? data[row + i - length - 3] : 0;
      out[to++] = data[row + i] - paeth(left, up, corner);
    }
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

/** Of left, up and corner the one nearest to left + up - corner. */
function paeth(left, up, corner) {
  const toLeft = Math.abs(up - corner), toUp = Math.abs(left - corner), toCorner = Math.abs(left + up - 2 * corner);
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
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
