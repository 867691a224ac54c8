// Photographs, as browsers decode them: upright, in sRGB, 8 bits a value.

import { VeilsegError } from "./errors.js";

/** @typedef {Blob | ImageBitmap} Photo a file, or a frame of the camera */

const HEAD = 32; // bytes of a file that say what it is
const HEIC = ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"];

/**
 * Decode a photograph, upright as its EXIF says. Throws a VeilsegError for what this browser cannot read.
 * @param {Photo} photo
 */
export async function decode(photo) {
  if (photo instanceof ImageBitmap) return photo;
  try {
    return await createImageBitmap(photo, { imageOrientation: "from-image" });
  } catch {
    throw new VeilsegError(unreadable(await headOf(photo)));
  }
}

/**
 * The bitmap's rows, RGBA in sRGB, from one to before another: a part at a time, because whole photographs are too
 * large for some browsers' canvases.
 * @param {ImageBitmap} bitmap
 * @returns {(first: number, last: number) => Uint8ClampedArray}
 */
export function rowsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new Error("this browser draws nothing");
  return (first, last) => {
    if (canvas.height < last - first) canvas.height = last - first;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, -first);
    return context.getImageData(0, 0, canvas.width, last - first).data;
  };
}

/**
 * Whether a file has 16 bits a value, of which the lower 8 are lost.
 * @param {Photo} photo
 */
export async function losesDepth(photo) {
  if (photo instanceof ImageBitmap) return false;
  const head = await headOf(photo);
  return text(head, 1, 4) === "PNG" && head[24] === 16;
}

/**
 * Whether the first bytes of a photograph hold EXIF.
 * @param {Photo} photo
 */
export async function hasExif(photo) {
  if (photo instanceof ImageBitmap) return false;
  const bytes = new Uint8Array(await photo.slice(0, 65536).arrayBuffer());
  return /Exif\0\0|eXIf|EXIF/.test(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** @param {Uint8Array} head */
function unreadable(head) {
  const brand = text(head, 4, 8) === "ftyp" ? text(head, 8, 12) : "", start = text(head, 0, 4);
  if (HEIC.includes(brand)) return "This browser cannot read HEIC photographs (Safari can). Save it as JPEG first.";
  if (brand === "avif") return "This browser cannot read the AVIF photograph. Save it as JPEG first.";
  if (brand) return "This is a video or a photograph that this browser cannot read. JPEG, PNG and WebP work.";
  if (["II*\0", "MM\0*"].includes(start)) return "Browsers cannot read TIFF or raw photographs. Save it as JPEG.";
  return "This browser cannot read the file as a photograph. JPEG, PNG and WebP work.";
}

/** @param {Blob} photo */
async function headOf(photo) {
  return new Uint8Array(await photo.slice(0, HEAD).arrayBuffer());
}

/** @type {(bytes: Uint8Array, first: number, last: number) => string} */
function text(bytes, first, last) {
  return String.fromCharCode(...bytes.subarray(first, last));
}
