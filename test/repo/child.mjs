// Makes a repo be one of two releases, as `fetch` and `prune` do: `node child.mjs REPO RELEASE [WAIT]`. The content depends on the
// release alone. Says `ready` when it begins, and `done`; with WAIT it says `locked` and keeps the lock until it is killed.
import { createHash } from 'node:crypto';
import { applyPrune, planPrune } from '../../dist/repo/prune.js';
import { publishSubset } from '../../dist/repo/publish.js';
import { Store } from '../../dist/repo/store.js';
import { subsetIndex } from '../../dist/repo/subset.js';
import { SetupIniParser } from '../../dist/core/setup-ini/parser/parse.js';

const PACKAGES = 14;

/** @param {string} release @param {number} i */
function contentOf(release, i) {
  // Every third package is the same in both releases, and one is large.
  const seed = `${i % 3 === 0 ? 'both' : release} ${i}`;
  const block = createHash('sha512').update(seed).digest();
  return Buffer.alloc(i === 1 ? 2_200_000 : 3_000 + 100 * i, block);
}

/** @param {string} release */
function releaseOf(release) {
  const files = [];
  let text = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n';
  for (let i = 0; i < PACKAGES; i++) {
    const bytes = contentOf(release, i);
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
        // As from a network: other work comes in between.
        await new Promise((resolve) => setImmediate(resolve));
        yield bytes.subarray(at, at + 65_536);
      }
    })(),
  });
}

const [root = '', release = '', wait] = process.argv.slice(2);
const { files, header, records } = releaseOf(release);
process.stdout.write('ready\n');
const store = await Store.open(root, { kind: 'flat' });
if (wait !== undefined) {
  process.stdout.write('locked\n');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
const { present } = await store.presence(files.map(({ file }) => file));
const there = new Set(present.map(({ path }) => path));
const put = await Promise.all(
  files.filter(({ file }) => !there.has(file.path)).map(({ file, bytes }) => store.put(file, sourceOf(bytes))),
);
await publishSubset(store, 'x86_64', subsetIndex({ header, records, files: [...present, ...put] }));
await store.close();
const plan = await planPrune(root, { locks: [], pathsOf: async () => files.map(({ file }) => file.path) });
await applyPrune(plan);
process.stdout.write(`done ${put.length} ${plan.remove.length}\n`);
