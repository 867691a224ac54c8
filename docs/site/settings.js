// "Choosing a setting": pick an accuracy, see the largest cells that reach it. All figures are the table's.

const place = document.querySelector("#setting");
const table = place?.parentElement?.querySelector("table");

/** The table's rows by cell: {side: 0 for plain images, cells: their texts}, the most accurate first. */
const settings = [...(table?.querySelectorAll("tbody tr") ?? [])].map((row) => {
  const cells = [...row.children].map((cell) => cell.textContent ?? "");
  return { side: parseInt(cells[0], 10) || 0, model: cells[1], score: Number(cells[2]), cells };
});

/**
 * An element with attributes and children.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * A picture with its line of text; none for a map that no shipped model makes.
 * @param {string | null} file
 * @param {string} text
 */
function figure(file, text) {
  const caption = element("figcaption", {}, text);
  return file ? element("figure", {}, element("img", { src: `site/${file}`, alt: text }), caption)
    : element("figure", {}, caption);
}

/** @param {(typeof settings)[number]} setting */
function commands({ side, model }) {
  if (!side) return "veilseg evaluate --data camvid:DIR --model plain";
  if (model === "not shipped") return `veilseg train recipes/camvid-sort.yaml model.sub_block=${side} -o runs/mine`;
  const size = model === "default" ? "" : ` --sub-block ${side}`;
  return `veilseg encrypt photo.jpg -o encrypted.png${size}\nveilseg serve ${model}`;
}

/** @param {number} least the mIoU that is asked for */
function show(least) {
  const found = settings.findLast((one) => one.score >= least) ?? settings[0];
  const name = found.side || "plain";
  const [cells, , score, pedestrian, bytes, characters, plates] = found.cells;
  const hidden = found.side
    ? `Our best reader reads ${characters} of the characters of number plates, and ${plates} of the plates whole.`
    : "Nothing is hidden.";
  const sent = found.side ? `What the server sees: cells of ${cells} pixels` : "What the server sees: the photograph";
  const map = found.model === "not shipped" ? "No model for these cells is shipped." : "The map computed from it";
  const text = `mIoU ${score}, pedestrians ${pedestrian} IoU, ${bytes} kB an image. ${hidden}`;
  answer.replaceChildren(
    element("div", { class: "pictures" },
      figure(`scene-${name}.png`, sent), figure(found.model === "not shipped" ? null : `map-${name}.jpg`, map)),
    element("p", {}, text),
    element("pre", { tabindex: "0", "aria-label": "The commands for it" }, element("code", {}, commands(found))),
  );
  for (const [index, row] of [...(table?.querySelectorAll("tbody tr") ?? [])].entries()) {
    row.classList.toggle("chosen", settings[index] === found);
  }
}

const answer = element("div", { "aria-live": "polite" });
if (place && settings.length) {
  const scores = settings.map((one) => one.score);
  const usual = settings.find((one) => one.model === "default") ?? settings[0];
  const [low, high] = [Math.min(...scores), Math.max(...scores)].map(String);
  const slider = /** @type {HTMLInputElement} */ (
    element("input", { type: "range", id: "least", min: low, max: high, step: "0.01", value: String(usual.score) }));
  const shown = element("output", { for: "least" });
  const follow = () => {
    shown.textContent = Number(slider.value).toFixed(1);
    show(Number(slider.value));
  };
  slider.addEventListener("input", follow);
  place.replaceChildren(
    element("p", {}, element("label", { for: "least" }, "I need a mIoU of at least "), shown, slider), answer);
  follow();
}
