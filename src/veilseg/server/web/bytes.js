// Bytes as text and side by side.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * Lower-case hex digits, two a byte.
 * @param {Bytes} bytes
 */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * All parts, one after the other.
 * @param {Bytes[]} parts
 */
export function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * What a stream that compresses or the like makes of all bytes.
 * @param {CompressionStream | DecompressionStream} stream
 * @param {Bytes} bytes
 */
export async function bytesThrough(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
