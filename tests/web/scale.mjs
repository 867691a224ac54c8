// Run in Node: reduces photographs and enlarges label maps. Usage: node scale.mjs FOLDER, which holds cases.json, a
// list of { name, kind: "photograph" or "labels", height, width } with longer_side or to: [height, width], and their
// pixels, NAME.bin. Writes NAME.out beside; prints how many seconds each took.

import { readFileSync, writeFileSync } from "node:fs";

import { enlargeLabels, reducePhotograph } from "../../src/veilseg/server/web/scale.js";

const [folder] = process.argv.slice(2);
const seconds = {};
for (const { name, kind, height, width, longer_side, to } of JSON.parse(readFileSync(`${folder}/cases.json`, "utf8"))) {
  const data = readFileSync(`${folder}/${name}.bin`), start = performance.now();
  const rowsOf = (first, last) => data.subarray(4 * width * first, 4 * width * last);
  const made = kind === "labels"
    ? enlargeLabels({ width, height, data }, to[1], to[0])
    : reducePhotograph({ width, height }, rowsOf, longer_side).data;
  seconds[name] = (performance.now() - start) / 1000;
  writeFileSync(`${folder}/${name}.out`, made);
}
console.log(JSON.stringify(seconds));
