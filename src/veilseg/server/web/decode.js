// Photographs, as browsers decode them: upright, in sRGB, 8 bits a value. See docs/photographs.md.

import { VeilsegError } from "./errors.js";

/** @typedef {Blob | ImageBitmap} Photo a file, or a frame of the camera */

const HEAD = 64; // bytes of a file that say what it is
const HEIF = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];
const READ = "JPEG, PNG and WebP work everywhere";

/**
 * Decode a photograph, upright as its EXIF says. Throws a VeilsegError for what is no photograph, and for what this
 * browser cannot read.
 * @param {Photo} photo
 */
export async function decode(photo) {
  if (photo instanceof ImageBitmap) return photo;
  const head = await headOf(photo);
  if (head.startsWith("GIF8")) throw new VeilsegError("GIF is not read. Save the picture that you mean as PNG.");
  if (head.includes("tEXtveilseg\0")) throw new VeilsegError("The picture is encrypted already.");
  try {
    return await createImageBitmap(photo, { imageOrientation: "from-image" });
  } catch {
    throw new VeilsegError(unreadable(head));
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
 * Whether a file has 16 bits a value, of which the lower 8 are lost; known of PNG only.
 * @param {Photo} photo
 */
export async function losesDepth(photo) {
  if (photo instanceof ImageBitmap) return false;
  const head = await headOf(photo);
  return head.slice(1, 4) === "PNG" && head.charCodeAt(24) === 16;
}

/**
 * Whether the first bytes of a photograph hold EXIF.
 * @param {Photo} photo
 */
export async function hasExif(photo) {
  return photo instanceof Blob && /Exif\0\0|eXIf|EXIF/.test(await headOf(photo, 65536));
}

/** @param {string} head */
function unreadable(head) {
  const brand = head.slice(4, 8) === "ftyp" ? head.slice(8, 12) : "";
  if (HEIF.includes(brand)) return "This browser cannot read HEIC photographs (Safari can). Save it as JPEG first.";
  if (brand === "avif") return `This browser cannot read the AVIF photograph. ${READ}.`;
  if (brand || head.startsWith("\x1aE")) return "This is a video, not a photograph.";
  if (/^(II\*\0|MM\0\*)/.test(head)) return "This browser cannot read TIFF or raw photographs. Save it as JPEG first.";
  return `This browser cannot read the file as a photograph. ${READ}.`;
}

/**
 * A file's first bytes, a character each: ASCII as it is.
 * @param {Blob} photo
 */
async function headOf(photo, bytes = HEAD) {
  return new TextDecoder("x-user-defined").decode(await photo.slice(0, bytes).arrayBuffer());
}
