// Runs beside the page: decodes photographs, encrypts them, reads responses, makes the files to save.

import { contentsOf } from "./contents.js";
import { decode, hasExif, losesDepth, rowsOf } from "./decode.js";
import { encrypt } from "./encrypt.js";
import { VeilsegError } from "./errors.js";
import { readLabels, writeLabels } from "./labels.js";
import { layerOf } from "./layer.js";
import { enlargeLabels, reducePhotograph, workingSize } from "./scale.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Size } from "./cells.js" */
/** @import { Photo } from "./decode.js" */
/** @import { Input } from "./encrypt.js" */
/** @import { Labels } from "./labels.js" */
/** @import { Look } from "./layer.js" */
/** @import { Class } from "./service.js" */
/** @import { Pixels } from "./squares.js" */

const SHOWN = 1280; // longer side of the photograph as the page draws it; it need not draw more than a screen shows

/** What the page may call: { made: the result, moved: its parts that are handed over }. */
export const FUNCTIONS = { encrypt: encryptPhoto, read: readResponse, map: mapFile, overlay: overlayFile };

postMessage({ id: -1 }); // all parts are here
// Errors are reported to the page: thrown here, nobody would hear of them.
onmessage = async ({ data: { id, name, argument } }) => {
  try {
    const { made, moved } = await FUNCTIONS[/** @type {keyof typeof FUNCTIONS} */ (name)](argument);
    postMessage({ id, made }, { transfer: moved });
  } catch (error) {
    if (error instanceof VeilsegError) postMessage({ id, refused: error.message });
    else postMessage({ id, failed: error instanceof Error ? error.message : String(error) });
  }
};

/**
 * The file to send for a photograph, what is in it, and the pictures to show: `plain` is what was encrypted, `shown`
 * the photograph for the overlay.
 * @param {{ photo: Photo, input: Input, secret: Bytes | undefined, longerSide: number, maxPixels: number }} given
 *   `maxPixels`: the most that the service takes, with padding
 */
async function encryptPhoto({ photo, input, secret, longerSide, maxPixels }) {
  const start = performance.now();
  const bitmap = await decode(photo), photograph = { width: bitmap.width, height: bitmap.height };
  refuseTooLarge(workingSize(photograph, longerSide), input.block, maxPixels);
  const picture = reducePhotograph(photograph, rowsOf(bitmap), longerSide);
  const decoded = performance.now();
  const bytes = await encrypt(picture, input, secret);
  const times = { decode: decoded - start, encrypt: performance.now() - decoded };
  const plain = await bitmapOf(picture), shown = await screenful(bitmap);
  bitmap.close();
  // A Blob is handed over by reference: the page would stand still while it took in so many bytes.
  const file = new Blob([bytes], { type: "image/png" });
  const { width, height } = picture, depthLost = await losesDepth(photo);
  const contents = { ...(await contentsOf(bytes)), exif: await hasExif(photo) };
  const made = { file, contents, photograph, picture: { width, height }, plain, shown, depthLost, times };
  return { made, moved: [plain, shown] };
}

/**
 * The label map of a response, the same at the size of the photograph that is shown, and the share of each class in it,
 * the largest first.
 * @param {{ response: ArrayBuffer, picture: Size, shown: Size, classes: number }} given
 */
async function readResponse({ response, picture, shown, classes }) {
  const labels = await readLabels(new Uint8Array(response));
  if (labels.width !== picture.width || labels.height !== picture.height) {
    throw new VeilsegError("The label map has another size than the picture.");
  }
  const counts = new Uint32Array(256);
  for (const id of labels.data) counts[id]++;
  if (counts.subarray(classes).some(Boolean)) {
    throw new VeilsegError("The label map has classes that the model has not.");
  }
  const shares = Array.from(counts, (count, id) => ({ id, share: count / labels.data.length }));
  const occurring = shares.filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
  const enlarged = { ...shown, data: enlargeLabels(labels, shown.width, shown.height) };
  return { made: { labels, enlarged, shares: occurring }, moved: [labels.data.buffer, enlarged.data.buffer] };
}

/**
 * The file of a label map at the photograph's size.
 * @param {{ labels: Labels, photograph: Size, classes: Class[] }} given
 */
async function mapFile({ labels, photograph: { width, height }, classes }) {
  const data = enlargeLabels(labels, width, height);
  return { made: await writeLabels({ width, height, data }, classes), moved: [] };
}

/**
 * The file of a label map over its photograph, at the photograph's size.
 * @param {{ photo: Photo, labels: Labels, look: Look }} given
 */
async function overlayFile({ photo, labels, look }) {
  const bitmap = await decode(photo), { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
  if (!context) throw new VeilsegError("This browser cannot draw so large a picture.");
  context.drawImage(bitmap, 0, 0);
  const layer = layerOf({ width, height, data: enlargeLabels(labels, width, height) }, look);
  context.drawImage(await createImageBitmap(layer), 0, 0);
  return { made: await canvas.convertToBlob({ type: "image/png" }), moved: [] };
}

/** @type {(size: Size, block: number, maxPixels: number) => void} */
function refuseTooLarge({ width, height }, block, maxPixels) {
  const up = (/** @type {number} */ side) => Math.ceil(side / block) * block;
  if (!(up(width) * up(height) > maxPixels)) return;
  const most = (maxPixels / 1e6).toFixed(1);
  throw new VeilsegError(
    `${width} x ${height} pixels are more than the service takes, which is ${most} million. Choose a smaller size.`,
  );
}

/** @param {Pixels} pixels */
function bitmapOf({ width, height, data }) {
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + 1];
    rgba[to + 2] = data[from + 2];
  }
  return createImageBitmap(new ImageData(rgba, width, height));
}

/** @param {ImageBitmap} bitmap */
function screenful(bitmap) {
  const { width, height } = workingSize(bitmap, SHOWN);
  return createImageBitmap(bitmap, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
}
