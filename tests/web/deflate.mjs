// Run in Node: the page's deflate on files for Python to inflate. Usage: node deflate.mjs WEB_FOLDER FOLDER
// Every *.bin becomes *.z; picture.rgb becomes picture.png. Prints what limited codes come to.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [web, folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${web}/${name}`));
const { deflate } = await load("deflate.js");
for (const name of readdirSync(folder).filter((each) => each.endsWith(".bin"))) {
  writeFileSync(`${folder}/${name.replace(".bin", ".z")}`, deflate(new Uint8Array(readFileSync(`${folder}/${name}`))));
}

const { writePng } = await load("png.js");
const { width, height } = JSON.parse(readFileSync(`${folder}/picture.json`, "utf8"));
const data = new Uint8Array(readFileSync(`${folder}/picture.rgb`));
writeFileSync(`${folder}/picture.png`, writePng({ width, height, data }, "veilseg", "{}"));

const { codeLengths } = await load("bits.js");
const limited = [];
for (const [symbols, limit] of [[19, 7], [30, 15], [40, 15]]) {
  const counts = [1, 1];
  while (counts.length < symbols) counts.push(counts.at(-1) + counts.at(-2));
  const lengths = codeLengths(counts, limit);
  limited.push({ limit, longest: Math.max(...lengths), sum: lengths.reduce((sum, bits) => sum + 2 ** -bits, 0) });
}
console.log(JSON.stringify(limited));
