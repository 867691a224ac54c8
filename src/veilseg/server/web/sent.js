// The panel of what left the browser, and what stayed.

import { find, make } from "./dom.js";

/** @import { Picture } from "./picture.js" */

const number = new Intl.NumberFormat("en");

/**
 * Bytes as a person reads them.
 * @param {number} bytes
 */
export function size(bytes) {
  return bytes < 10_000 ? `${number.format(bytes)} bytes` : `${number.format(Math.round(bytes / 1000))} kB`;
}

/**
 * Exactly what was sent, read back from the bytes themselves, and what stayed.
 * @type {(
 *   picture: Picture, sent: NonNullable<Picture["sent"]>, received: NonNullable<Picture["received"]>, path: string,
 * ) => void}
 */
export function showSent({ photo }, { file, contents, times }, { bytes, milliseconds }, path) {
  const all = { "read": times.decode, "encrypt": times.encrypt, "send and segment": milliseconds };
  const spent = Object.entries(all).map(([what, time]) => `${what} ${duration(time)}`);
  const rows = [
    ["Request", `POST ${path}, image/png, ${size(file.size)}`],
    ["Picture", `${contents.width} × ${contents.height} pixels, encrypted; it is the one shown above`],
    ["Its only text", contents.text],
    ["Parts of the file", contents.parts.join(", ")],
    ["SHA-256", contents.digest],
    ["Stayed here", whatStayed(photo, contents.exif)],
    ["Response", `a label map, ${size(bytes)}`],
    ["Time", spent.join(", ")],
  ];
  find("contents", HTMLDListElement).replaceChildren(
    ...rows.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]),
  );
}

/** @type {(photo: Picture["photo"], exif: boolean) => string} */
function whatStayed(photo, exif) {
  if (photo instanceof ImageBitmap) return "the camera's picture";
  const name = photo instanceof File && photo.name ? "the file's name, " : "";
  return `${name}${exif ? "EXIF (time, camera, perhaps place), " : ""}the photograph (${size(photo.size)})`;
}

/** @param {number} time */
function duration(time) {
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`;
}
