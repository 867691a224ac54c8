// The web client's code against the vectors of spec/vectors. Runs in Node (test_node.py) and in a browser
// (test_browser.py); returns the list of what differs and how many cases were looked at.

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const equal = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);

export async function check(load, vectors) {
  const [keys, keystream, subblocks, blocks, png, encrypt] = await Promise.all(
    ["keys.js", "keystream.js", "subblocks.js", "blocks.js", "png.js", "encrypt.js"].map(load),
  );
  const wrong = [];
  let cases = 0;
  const expect = (holds, what) => {
    cases++;
    if (!holds) wrong.push(what);
  };

  for (const { secret, text, fingerprint } of vectors.keys.valid) {
    expect(hex(await keys.parseKey(text)) === secret, `key ${fingerprint}`);
    expect((await keys.fingerprint(unhex(secret))) === fingerprint, `fingerprint ${fingerprint}`);
  }
  for (const { secret, text } of vectors.keys.also_valid) expect(hex(await keys.parseKey(text)) === secret, "a key in capitals");
  for (const { why, text } of vectors.keys.invalid) {
    const refused = await keys.parseKey(text).then(() => false, (error) => error instanceof keys.Refusal);
    expect(refused, `invalid key: ${why}`);
  }
  for (const { secret, purpose, nonce, subkey } of vectors.derivation.subkeys) {
    expect(hex(await keys.derive(unhex(secret), purpose, unhex(nonce))) === subkey, `subkey for ${purpose}`);
  }
  for (const { subkey, stream, words } of vectors.keystream.words) {
    const stream_ = await keystream.Keystream.create(unhex(subkey));
    expect(equal([...(await stream_.words(stream, words.length))], words), `words of stream ${stream}`);
  }
  for (const { subkey, stream, bounds, draws } of vectors.keystream.draws) {
    const stream_ = await keystream.Keystream.create(unhex(subkey));
    expect(equal([...(await stream_.draw(stream, bounds))], draws), `draws below ${bounds}`);
  }
  for (const { key, block, permutation } of vectors.keystream.permutations) {
    expect(equal([...(await blocks.permutation(await keys.parseKey(key), block))], permutation), `permutation of ${block}`);
  }

  const stored = async (pixels, { cipher, block, sub_block: s, channels, shuffle, key, subkey, nonce }) => {
    const secret = key && (await keys.parseKey(key));
    if (cipher === "subblock-shuffle") {
      const derived = subkey ? unhex(subkey) : await keys.derive(secret, cipher, unhex(nonce));
      return subblocks.shufflePixels(pixels, derived, block, s, channels, shuffle);
    }
    return encrypt.encryptPixels(pixels, { cipher, block, sub_block: s, channels, shuffle }, secret);
  };
  for (const one of vectors.ciphers.cases) {
    const { width, height, pixels } = vectors.ciphers.pictures[one.picture];
    const { data } = await stored({ width, height, data: bytesOf(pixels) }, one);
    const expected = bytesOf(one.stored);
    const label = `${one.cipher} ${one.block} ${one.sub_block} ${one.channels} ${one.shuffle} ${one.picture}`;
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
    expect(equal(encrypt.pad({ width, height, data }, block).data, bytesOf(padded)), `padding of ${width} x ${height}`);
  }

  for (const { name, header, file, stored: values } of vectors.container.valid) {
    const fields = JSON.parse(header);
    const chunks = png.chunksOf(bytesOf(file));
    expect(String.fromCharCode(...chunks[1].body) === `veilseg\0${header}`, `header of ${name}`);
    if (fields.nonce) continue; // the page sends no images that a key could open
    const written = encrypt.headerOf(fields, fields.width, fields.height, fields.key_fingerprint);
    expect(written === header, `written header of ${name}`);
    const size = png.chunksOf(bytesOf(file))[0].body;
    const view = new DataView(size.buffer, size.byteOffset);
    const raw = bytesOf(values);
    const data = fields.cipher === "patch-rotation" ? Uint16Array.from({ length: raw.length / 2 }, (_, i) => (raw[2 * i] << 8) | raw[2 * i + 1]) : raw;
    const own = png.chunksOf(await png.writePng({ width: view.getUint32(0), height: view.getUint32(4), data }, "veilseg", header));
    expect(own.map(({ kind }) => kind).join() === "IHDR,tEXt,IDAT,IEND", `chunks of ${name}`);
    expect(equal(own[0].body, chunks[0].body) && equal(own[1].body, chunks[1].body), `file of ${name}`);
  }
  for (const { why, file } of vectors.container.invalid.slice(0, 5)) {
    let refused = false;
    try {
      png.chunksOf(bytesOf(file));
    } catch (error) {
      refused = error instanceof keys.Refusal;
    }
    expect(refused || why === "cut before the end", `invalid file: ${why}`);
  }

  for (const input of [
    { cipher: "plain", block: 16 },
    { cipher: "subblock-sort", block: 16, sub_block: 1 },
    { cipher: "mosaic", block: 16, sub_block: 2 },
    { cipher: "patch-permutation", block: 1 },
    { cipher: "__proto__", block: 16, sub_block: 8 },
  ]) {
    const photo = { width: 16, height: 16, data: new Uint8Array(768) };
    const refused = await encrypt.encrypt(photo, input, new Uint8Array(32)).then(() => false, (error) => error instanceof keys.Refusal);
    expect(refused, `a service that asks for ${input.cipher} ${input.sub_block}`);
  }
  const locked = { cipher: "patch-permutation", block: 16, key_fingerprint: "0".repeat(16) };
  for (const secret of [undefined, new Uint8Array(32)]) {
    const photo = { width: 16, height: 16, data: new Uint8Array(768) };
    const refused = await encrypt.encrypt(photo, locked, secret).then(() => false, (error) => error instanceof keys.Refusal);
    expect(refused, "a missing or wrong key");
  }
  return { wrong, cases };
}
