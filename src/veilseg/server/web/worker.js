// Runs beside the page, which would stand still: decodes the photograph and encrypts it; later reads the answer.

import { encrypt } from "./encrypt.js";
import { factsOf } from "./facts.js";
import { Refusal } from "./keys.js";
import { readLabels } from "./png.js";

// Longer side of what the page draws. It fills a screen; a whole photograph would hold the page up at every stroke.
const SHOWN = 2048;

onmessage = async ({ data: job }) => {
  try {
    const { moved, ...made } = await (job.answer ? read(job) : seal(job));
    postMessage(made, moved);
  } catch (error) {
    if (error instanceof Refusal) postMessage({ refused: error.message });
    else postMessage({ failed: error.message }); // thrown here, nobody would hear of it
  }
};

/** The file to send for a photograph, and the picture to show. */
async function seal({ photo, input, secret, side, maxPixels }) {
  const start = performance.now();
  const bitmap = await decode(photo, side, maxPixels, input.block);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const data = withoutAlpha(context.getImageData(0, 0, width, height).data);
  const decoded = performance.now();
  const { file } = await encrypt({ width, height, data }, input, secret);
  const times = { decode: decoded - start, encrypt: performance.now() - decoded };
  const preview = await reduced(bitmap);
  // A Blob is handed over by reference: the page would stand still while it took in so many bytes.
  const sealed = new Blob([file], { type: "image/png" });
  return { file: sealed, facts: await factsOf(file), width, height, preview, times, moved: [preview] };
}

/** The class ids of a label map's file in the size that is shown, and [{ id, share }] of the classes in it, the largest
 * first. */
async function read({ answer, width, height, shown, classes }) {
  const labels = await readLabels(new Uint8Array(answer));
  if (labels.width !== width || labels.height !== height) throw new Refusal("The label map has another size than the photograph.");
  const counts = new Array(classes).fill(0);
  for (const id of labels.data) counts[id]++;
  if (counts.length > classes || counts.some(Number.isNaN)) throw new Refusal("The label map has classes that the model has not.");
  const ids = new Uint8Array(shown.width * shown.height);
  for (let y = 0, to = 0; y < shown.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / shown.height) * width;
    for (let x = 0; x < shown.width; x++) ids[to++] = labels.data[row + Math.floor(((x + 0.5) * width) / shown.width)];
  }
  const shares = counts.map((count, id) => ({ id, share: count / labels.data.length })).filter(({ share }) => share > 0);
  return { ids, shares: shares.sort((a, b) => b.share - a.share), moved: [ids.buffer] };
}

/** The photograph, upright, its longer side at most `side` pixels, at most `maxPixels` once padded to blocks. */
async function decode(photo, side, maxPixels, block) {
  let whole;
  try {
    whole = await createImageBitmap(photo, { imageOrientation: "from-image" });
  } catch {
    throw new Refusal("This browser cannot read the file as a photograph. JPEG, PNG and WebP work.");
  }
  if (!(block * block <= maxPixels)) throw new Refusal("The service takes no image of even one block.");
  const up = (length) => Math.ceil(length / block) * block;
  let scale = Math.min(1, side / Math.max(whole.width, whole.height));
  const size = () => [Math.max(1, Math.round(whole.width * scale)), Math.max(1, Math.round(whole.height * scale))];
  while (up(size()[0]) * up(size()[1]) > maxPixels) scale *= 0.95;
  if (scale === 1) return whole;
  const [resizeWidth, resizeHeight] = size();
  return createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
}

/** The picture as the page shows it; the given one is used up. */
async function reduced(bitmap) {
  const scale = SHOWN / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return bitmap;
  const [resizeWidth, resizeHeight] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const made = await createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "medium" });
  bitmap.close();
  return made;
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    if (rgba[from + 3] !== 255) throw new Refusal("The picture is transparent in places. Lay it on a background first.");
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return rgb;
}
