// The page's code against the vectors of spec/vectors. Runs in Node (node.mjs) and in a browser (test_browser.py);
// returns the list of what differs and how many cases were looked at.

export const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const equal = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);

const MODULES = [
  "bytes", "ciphers", "container", "encrypt", "errors", "header", "keys", "keystream", "patches", "shuffle",
];

export async function check(load, vectors) {
  const loaded = await Promise.all(MODULES.map((name) => load(`${name}.js`)));
  const page = Object.assign({}, ...loaded);
  const wrong = [];
  let cases = 0;
  const expect = (holds, what) => {
    cases++;
    if (!holds) wrong.push(what);
  };
  const refused = async (work, what) => {
    try {
      await work();
      expect(false, what);
    } catch (error) {
      expect(error instanceof page.VeilsegError, what);
    }
  };
  for (const part of [keys, keystream, ciphers, container, services]) await part({ page, vectors, expect, refused });
  return { wrong, cases };
}

async function keys({ page, vectors, expect, refused }) {
  for (const { secret, text, fingerprint } of vectors.keys.valid) {
    expect(page.hex(await page.parseKey(text)) === secret, `key ${fingerprint}`);
    expect((await page.fingerprint(unhex(secret))) === fingerprint, `fingerprint ${fingerprint}`);
  }
  for (const { secret, text } of vectors.keys.also_valid) {
    expect(page.hex(await page.parseKey(text)) === secret, `key ${JSON.stringify(text)}`);
  }
  for (const { why, text } of vectors.keys.invalid) await refused(() => page.parseKey(text), `invalid key: ${why}`);
  const fromFile = (text) => page.parseKey(page.keyLine(new TextEncoder().encode(text)));
  for (const { why, text, secret } of vectors.keys.files) {
    expect(page.hex(await fromFile(text)) === secret, `key file: ${why}`);
  }
  for (const { why, text } of vectors.keys.invalid_files) await refused(() => fromFile(text), `key file: ${why}`);
  for (const { secret, purpose, nonce, subkey } of vectors.derivation.subkeys) {
    const derived = await page.derive(unhex(secret), purpose, unhex(nonce));
    expect(page.hex(derived) === subkey, `subkey for ${purpose}`);
  }
}

async function keystream({ page, vectors, expect }) {
  for (const { subkey, stream, words } of vectors.keystream.words) {
    const made = await page.Keystream.create(unhex(subkey));
    expect(equal([...(await made.words(stream, words.length))], words), `words of stream ${stream}`);
  }
  for (const { subkey, stream, bounds, draws } of vectors.keystream.draws) {
    const made = await page.Keystream.create(unhex(subkey));
    expect(equal([...(await made.draw(stream, bounds))], draws), `draws below ${bounds}`);
  }
  for (const { key, block, permutation } of vectors.keystream.permutations) {
    const order = await page.permutation(await page.parseKey(key), block);
    expect(equal([...order], permutation), `permutation of ${block}`);
  }
}

async function ciphers({ page, vectors, expect }) {
  for (const one of vectors.ciphers.cases) {
    const { width, height, pixels } = vectors.ciphers.pictures[one.picture];
    const { data } = await stored(page, { width, height, data: bytesOf(pixels) }, one);
    const expected = bytesOf(one.stored), label = `${one.cipher} ${one.block} ${one.sub_block} ${one.picture}`;
    if (data instanceof Uint16Array) {
      const view = new DataView(expected.buffer);
      const close = data.every((value, at) => Math.abs(value - view.getUint16(2 * at)) <= (one.tolerance ?? 0));
      expect(close && 2 * data.length === expected.length, label);
    } else expect(equal(data, expected), label);
  }
  for (const { width, height, block, padded } of vectors.ciphers.padding) {
    let state = 1;
    const data = Uint8Array.from({ length: 3 * width * height }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    expect(equal(page.pad({ width, height, data }, block).data, bytesOf(padded)), `padding of ${width} x ${height}`);
  }
}

/** What the page stores; where a subkey or a nonce is given, of the cipher that the page draws keys for. */
async function stored(page, pixels, spec) {
  const secret = spec.key && (await page.parseKey(spec.key));
  if (!spec.subkey && !spec.nonce) return page.encryptPixels(pixels, spec, secret);
  const subkey = spec.subkey ? unhex(spec.subkey) : await page.derive(secret, spec.cipher, unhex(spec.nonce));
  return page.shufflePixels(pixels, subkey, spec.block, spec.sub_block);
}

async function container({ page, vectors, expect }) {
  for (const { name, header, file, stored: values } of vectors.container.valid) {
    const parts = page.partsOf(bytesOf(file));
    expect(page.writeHeader(JSON.parse(header)) === header, `written header of ${name}`);
    expect(parts.text === header && page.writeHeader(parts.header) === header, `header of ${name}`);
    const raw = bytesOf(values), { width, height, bits } = parts;
    const wide = () => Uint16Array.from({ length: raw.length / 2 }, (_, at) => (raw[2 * at] << 8) | raw[2 * at + 1]);
    const own = page.partsOf(page.encode({ width, height, data: bits === 16 ? wide() : raw }, header));
    expect(own.chunks.map(({ kind }) => kind).join() === "IHDR,tEXt,IDAT,IEND", `chunks of ${name}`);
    expect(equal(own.chunks[0].body, parts.chunks[0].body), `size of ${name}`);
    expect(own.text === header, `text of ${name}`);
  }
}

/** What a service may ask for and does not get. */
async function services({ page, refused }) {
  const photo = { width: 16, height: 16, data: new Uint8Array(768) }, secret = new Uint8Array(32);
  for (const input of [
    { cipher: "plain", block: 16 },
    { cipher: "shf", block: 16 },
    { cipher: "__proto__", block: 16, sub_block: 8 },
    { cipher: undefined, block: 16, sub_block: 8 },
    { cipher: "subblock-sort", block: 16 },
    { cipher: "subblock-sort", block: 16, sub_block: 1 },
    { cipher: "subblock-sort", block: 16, sub_block: 5 },
    { cipher: "subblock-sort", block: 16, sub_block: "8" },
    { cipher: "subblock-sort", block: 128, sub_block: 8 },
    { cipher: "mosaic", block: 16, sub_block: 2 },
    { cipher: "patch-permutation", block: 1, key_fingerprint: await page.fingerprint(secret) },
    { cipher: "patch-permutation", block: 16, sub_block: 8, key_fingerprint: await page.fingerprint(secret) },
    { cipher: "patch-rotation", block: 64, key_fingerprint: await page.fingerprint(secret) },
  ]) {
    await refused(() => page.encrypt(photo, input, secret), `a service that asks for ${JSON.stringify(input)}`);
  }
  const keyed = { cipher: "patch-permutation", block: 16, key_fingerprint: "0".repeat(16) };
  await refused(() => page.encrypt(photo, keyed), "a missing key");
  await refused(() => page.encrypt(photo, keyed, secret), "a wrong key");
}
