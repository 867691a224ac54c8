// Run in Node: the page's deflate on files for Python to inflate. Usage: node deflate.mjs FOLDER
// Every *.bin becomes *.z; picture.rgb becomes picture.png. Prints what limited codes come to.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { codeLengths } from "../../src/veilseg/server/web/bits.js";
import { encode } from "../../src/veilseg/server/web/container.js";
import { deflate } from "../../src/veilseg/server/web/deflate.js";

const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder).filter((each) => each.endsWith(".bin"))) {
  writeFileSync(`${folder}/${name.replace(".bin", ".z")}`, deflate(new Uint8Array(readFileSync(`${folder}/${name}`))));
}

const { width, height } = JSON.parse(readFileSync(`${folder}/picture.json`, "utf8"));
const data = new Uint8Array(readFileSync(`${folder}/picture.rgb`));
writeFileSync(`${folder}/picture.png`, encode({ width, height, data }, "{}"));

const limited = [];
for (const [symbols, limit] of [[19, 7], [30, 15], [40, 15]]) {
  const counts = [1, 1];
  while (counts.length < symbols) counts.push(counts.at(-1) + counts.at(-2));
  const lengths = codeLengths(counts, limit);
  limited.push({ limit, longest: Math.max(...lengths), sum: lengths.reduce((sum, bits) => sum + 2 ** -bits, 0) });
}
console.log(JSON.stringify(limited));
