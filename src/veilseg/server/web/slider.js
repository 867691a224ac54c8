// The encrypted picture over the plain one, and the loupe. Both show pixels as they are, each as a whole number of the
// screen's: a picture that is scaled down would look as if it had less in it than it has.

import { drawingOn, find } from "./dom.js";

const window_ = find("compare", HTMLElement), layers = find("layers", HTMLElement);
const plain = find("plain", HTMLCanvasElement), encrypted = find("encrypted", HTMLCanvasElement);
const loupe = find("loupe", HTMLCanvasElement), frame = find("loupe-frame", HTMLElement);

const ZOOM = 8; // pixels of the page a pixel in the loupe, at the least
const centre = { x: 0, y: 0 }; // of what is in the loupe, in pixels of the picture
let scale = 1; // of the page's pixels a pixel of the picture

/**
 * Show both; they are used up.
 * @param {ImageBitmap} plainPicture
 * @param {ImageBitmap} encryptedPicture larger, by what was padded
 */
export function showSlider(plainPicture, encryptedPicture) {
  for (const [canvas, picture] of /** @type {const} */ ([[plain, plainPicture], [encrypted, encryptedPicture]])) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(picture);
  }
  [centre.x, centre.y] = [encrypted.width / 2, encrypted.height / 2];
  layOut();
}

/**
 * How much of the encrypted picture covers the plain one.
 * @param {number} percent
 */
export function reveal(percent) {
  window_.style.setProperty("--reveal", `${percent}%`);
}

function layOut() {
  if (!encrypted.width || !window_.clientWidth) return;
  const ratio = devicePixelRatio, room = Math.floor(window_.clientWidth * ratio);
  scale = Math.max(1, Math.floor(room / encrypted.width)) / ratio;
  for (const canvas of [plain, encrypted]) {
    [canvas.style.width, canvas.style.height] = [`${canvas.width * scale}px`, `${canvas.height * scale}px`];
  }
  [layers.style.width, layers.style.height] = [encrypted.style.width, encrypted.style.height];
  loupe.style.width = "100%";
  [loupe.width, loupe.height] = [loupe.clientWidth, loupe.clientHeight].map((side) => Math.floor(side * ratio));
  loupe.style.width = `${loupe.width / ratio}px`;
  look();
}

/** What is around the centre, every pixel a square. */
function look() {
  const zoom = ZOOM * Math.ceil(devicePixelRatio);
  const width = Math.min(encrypted.width, loupe.width / zoom), height = Math.min(encrypted.height, loupe.height / zoom);
  centre.x = Math.min(encrypted.width - width / 2, Math.max(width / 2, centre.x));
  centre.y = Math.min(encrypted.height - height / 2, Math.max(height / 2, centre.y));
  const left = Math.floor(centre.x - width / 2), top = Math.floor(centre.y - height / 2);
  const context = drawingOn(loupe);
  context.imageSmoothingEnabled = false;
  context.clearRect(0, 0, loupe.width, loupe.height);
  context.drawImage(encrypted, left, top, width, height, 0, 0, width * zoom, height * zoom);
  const sides = { left, top, width, height };
  for (const [side, value] of Object.entries(sides)) frame.style.setProperty(side, `${value * scale}px`);
}

/** @param {PointerEvent} event */
function follow(event) {
  const { left, top } = layers.getBoundingClientRect();
  [centre.x, centre.y] = [(event.clientX - left) / scale, (event.clientY - top) / scale];
  look();
}

layers.addEventListener("pointermove", follow);
layers.addEventListener("pointerdown", follow);
window_.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 16 : 1;
  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (!Object.hasOwn(steps, event.key)) return;
  event.preventDefault();
  [centre.x, centre.y] = [centre.x + steps[event.key][0], centre.y + steps[event.key][1]];
  look();
  frame.scrollIntoView({ block: "nearest", inline: "nearest" });
});
new ResizeObserver(layOut).observe(window_);
