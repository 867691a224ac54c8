// Runs beside the page: decodes the photograph and encrypts it; later reads the response.

import { contentsOf } from "./contents.js";
import { encrypt } from "./encrypt.js";
import { VeilsegError } from "./errors.js";
import { readLabels } from "./labels.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Input } from "./encrypt.js" */

// Longer side of what the page draws. It fills a screen; a whole photograph would hold the page up at every stroke.
const SHOWN = 2048;

/** What can be asked for: { made: the result, moved: its parts that are handed over }. */
export const JOBS = { encrypt: encryptPhoto, read: readResponse };

// Errors are reported to the page: thrown here, nobody would hear of them.
onmessage = async ({ data: { name, job } }) => {
  try {
    const { made, moved } = await JOBS[/** @type {keyof typeof JOBS} */ (name)](job);
    postMessage({ made }, { transfer: moved });
  } catch (error) {
    if (error instanceof VeilsegError) postMessage({ refused: error.message });
    else postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
};

/**
 * The file to send for a photograph, what is in it, and the picture to show.
 * @param {{ photo: Blob, input: Input, secret: Bytes | undefined, side: number, maxPixels: number }} job
 *   `side`: the most pixels of the longer side; `maxPixels`: the most in all, with padding
 */
async function encryptPhoto({ photo, input, secret, side, maxPixels }) {
  const start = performance.now();
  const bitmap = await decode(photo, side, maxPixels, input.block);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws nothing");
  context.drawImage(bitmap, 0, 0);
  const data = withoutAlpha(context.getImageData(0, 0, width, height).data);
  const decoded = performance.now();
  const bytes = await encrypt({ width, height, data }, input, secret);
  const times = { decode: decoded - start, encrypt: performance.now() - decoded };
  const preview = await reduced(bitmap);
  // A Blob is handed over by reference: the page would stand still while it took in so many bytes.
  const file = new Blob([bytes], { type: "image/png" });
  return { made: { file, contents: await contentsOf(bytes), width, height, preview, times }, moved: [preview] };
}

/**
 * The class ids of a label map's file in the size that is shown, and the share of each class in it, the largest first.
 * @param {{
 *   response: ArrayBuffer, width: number, height: number, shown: { width: number, height: number }, classes: number,
 * }} job
 */
async function readResponse({ response, width, height, shown, classes }) {
  const labels = await readLabels(new Uint8Array(response));
  if (labels.width !== width || labels.height !== height) {
    throw new VeilsegError("The label map has another size than the photograph.");
  }
  const counts = new Uint32Array(256);
  for (const id of labels.data) counts[id]++;
  if (counts.subarray(classes).some(Boolean)) {
    throw new VeilsegError("The label map has classes that the model has not.");
  }
  const ids = new Uint8Array(shown.width * shown.height);
  for (let y = 0, to = 0; y < shown.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / shown.height) * width;
    for (let x = 0; x < shown.width; x++) {
      ids[to++] = labels.data[row + Math.floor(((x + 0.5) * width) / shown.width)];
    }
  }
  const shares = Array.from(counts, (count, id) => ({ id, share: count / labels.data.length }));
  const occurring = shares.filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
  return { made: { ids, shares: occurring }, moved: [ids.buffer] };
}

/**
 * The photograph, upright, its longer side at most `side` pixels, at most `maxPixels` once padded to blocks.
 * @type {(photo: Blob, side: number, maxPixels: number, block: number) => Promise<ImageBitmap>}
 */
async function decode(photo, side, maxPixels, block) {
  let whole;
  try {
    whole = await createImageBitmap(photo, { imageOrientation: "from-image" });
  } catch {
    throw new VeilsegError("This browser cannot read the file as a photograph. JPEG, PNG and WebP work.");
  }
  if (!(block * block <= maxPixels)) throw new VeilsegError("The service takes no image of even one block.");
  const up = (/** @type {number} */ length) => Math.ceil(length / block) * block;
  let scale = Math.min(1, side / Math.max(whole.width, whole.height));
  const size = () => [whole.width, whole.height].map((length) => Math.max(1, Math.round(length * scale)));
  while (up(size()[0]) * up(size()[1]) > maxPixels) scale *= 0.95;
  if (scale === 1) return whole;
  const [resizeWidth, resizeHeight] = size();
  return createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
}

/**
 * The picture as the page shows it; the given one is used up.
 * @param {ImageBitmap} bitmap
 */
async function reduced(bitmap) {
  const scale = SHOWN / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return bitmap;
  const resizeWidth = Math.max(1, Math.round(bitmap.width * scale));
  const resizeHeight = Math.max(1, Math.round(bitmap.height * scale));
  const made = await createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "medium" });
  bitmap.close();
  return made;
}

/** @param {Uint8ClampedArray} rgba */
function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    if (rgba[from + 3] !== 255) {
      throw new VeilsegError("The picture is transparent in places. Lay it on a background first.");
    }
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return rgb;
}
