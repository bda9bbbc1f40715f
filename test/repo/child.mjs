// Makes a repo contain one of two releases, as `fetch` and `prune` do: `node child.mjs REPO RELEASE [hold |
// KILL_AT_STEP]`. A step is a call that changes the file system. After each step the index in force is checked: all
// files that it lists must exist. Prints `waiting` while another process holds the lock, and `done PUTS REMOVED STEPS
// FAULTS`. With `hold` it prints `locked` and keeps the lock until stdin ends. With a number it kills itself before
// that step; a write is half done then.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [root = '', release = '', mode = ''] = process.argv.slice(2);
const killAtStep = mode === 'hold' ? undefined : Number(mode);
const { existsSync, readFileSync, writeSync } = fs;
let steps = 0;
/** @type {string[]} */
const faults = [];

/** @param {unknown[]} args */
function beforeStep(name, args) {
  if (++steps !== killAtStep) return;
  if (name === 'writeSync' && typeof args[3] === 'number')
    writeSync(Number(args[0]), /** @type {Uint8Array} */ (args[1]), Number(args[2]), args[3] >> 1, Number(args[4]));
  process.kill(process.pid, 'SIGKILL');
}

function afterStep() {
  const location = `${root}/x86_64/setup.ini`;
  if (!existsSync(location)) return;
  for (const [, path = ''] of readFileSync(location, 'utf8').matchAll(/^install: (\S+)/gm))
    if (!existsSync(`${root}/${path}`)) faults.push(`after step ${steps}: ${path}`);
}

for (const name of ['linkSync', 'renameSync', 'rmSync', 'rmdirSync', 'futimesSync', 'writeSync', 'writeFileSync']) {
  const call = fs[name];
  fs[name] = (/** @type {unknown[]} */ ...args) => {
    beforeStep(name, args);
    const result = call(...args);
    afterStep();
    return result;
  };
}
for (const name of ['appendFile', 'copyFile', 'link', 'mkdir', 'rename', 'rm', 'writeFile']) {
  const call = fs.promises[name];
  fs.promises[name] = async (/** @type {unknown[]} */ ...args) => {
    beforeStep(name, args);
    const result = await call(...args);
    afterStep();
    return result;
  };
}
syncBuiltinESMExports();

const [{ applyPrune, planPrune }, { publishSubset }, { Store }, { subsetIndex }, { SetupIniParser }] =
  await Promise.all([
    import('../../dist/repo/prune.js'),
    import('../../dist/repo/publish.js'),
    import('../../dist/repo/store.js'),
    import('../../dist/repo/subset.js'),
    import('../../dist/core/setup-ini/parser/parse.js'),
  ]);

const PACKAGES = 14;

/** @param {number} i */
function contentOf(i) {
  // Every third package is the same in both releases, and one is large.
  const seed = `${i % 3 === 0 ? 'both' : release} ${i}`;
  const block = createHash('sha512').update(seed).digest();
  return Buffer.alloc(i === 1 ? 2_200_000 : 3_000 + 100 * i, block);
}

function filesOfRelease() {
  const files = [];
  let text = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n';
  for (let i = 0; i < PACKAGES; i++) {
    const bytes = contentOf(i);
    const version = i % 3 === 0 ? '1-1' : `${release}-1`;
    const path = `${i % 2 === 0 ? 'x86_64' : 'noarch'}/release/p${i}/p${i}-${version}.tar.xz`;
    const hex = createHash('sha512').update(bytes).digest('hex');
    files.push({ bytes, file: { path, sizeBytes: bytes.length, digest: { algorithm: 'sha512', hex } } });
    text += `\n@ p${i}\nsdesc: "p"\ncategory: Test\nversion: ${version}\ninstall: ${path} ${bytes.length} ${hex}\n`;
  }
  const parser = new SetupIniParser({ file: 'setup.ini' });
  return {
    files,
    header: { release: 'cygwin', arch: 'x86_64' },
    records: [...parser.push(Buffer.from(text)), ...parser.end()],
  };
}

/** @param {Buffer} bytes */
function sourceOf(bytes) {
  return async ({ fromByte }) => ({
    startByte: fromByte,
    validator: '"v"',
    chunks: (async function* () {
      for (let at = fromByte; at < bytes.length; at += 65_536) {
        // Other work is done between two chunks, as with a network.
        await new Promise((resolve) => setImmediate(resolve));
        yield bytes.subarray(at, at + 65_536);
      }
    })(),
  });
}

const { files, header, records } = filesOfRelease();
const store = await Store.open(root, { kind: 'flat' }, { report: () => process.stdout.write('waiting\n') });
if (mode === 'hold') {
  process.stdout.write('locked\n');
  for await (const _ of process.stdin);
}
const { present } = await store.presence(files.map(({ file }) => file));
const known = new Set(present.map(({ path }) => path));
const put = await Promise.all(
  files.filter(({ file }) => !known.has(file.path)).map(({ file, bytes }) => store.put(file, sourceOf(bytes))),
);
await publishSubset(store, 'x86_64', subsetIndex({ header, records, files: [...present, ...put] }));
await store.close();
const plan = await planPrune(root, { locks: [], pathsOf: async () => files.map(({ file }) => file.path) });
await applyPrune(plan);
process.stdout.write(`done ${put.length} ${plan.remove.length} ${steps} ${JSON.stringify(faults)}\n`);
