// Runs beside the page: decodes the photograph, encrypts it, hands back the file to send and the pixels to show.

import { encrypt } from "./encrypt.js";
import { Refusal } from "./keys.js";

// Longer side of what the page draws. It fills a screen; a whole photograph would hold the page up at every stroke.
const SHOWN = 2048;

onmessage = async ({ data: { photo, input, secret, side, maxPixels } }) => {
  try {
    const start = performance.now();
    const bitmap = await decode(photo, side, maxPixels, input.block);
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const data = withoutAlpha(context.getImageData(0, 0, width, height).data);
    const decoded = performance.now();
    const { file, header } = await encrypt({ width, height, data }, input, secret);
    const times = { decode: decoded - start, encrypt: performance.now() - decoded };
    const preview = await shown(bitmap);
    postMessage({ file, header, width, height, preview, times }, [preview]);
  } catch (error) {
    if (error instanceof Refusal) postMessage({ refused: error.message });
    else postMessage({ failed: error.message }); // thrown here, nobody would hear of it
  }
};

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
async function shown(bitmap) {
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
