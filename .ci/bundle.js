// Puts the command line into few files, with yargs and undici in them: Node.js spends most of a short command's time on finding and
// compiling modules one by one. What is loaded only when needed stays outside. The licences of what is put in go beside.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = join(root, 'dist/program');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const external = Object.keys(dependencies).filter((name) => name !== 'yargs' && name !== 'undici');
// Names stay as they are, for the traces in bug reports.
const minify = { compress: true, mangle: false, codegen: { removeWhitespace: true } };

// What yargs loads at once and needs only to lay out help (tables of character widths) or to report a bug of its own (node:assert)
// is put aside and loaded when it is called: a fifth of the start.
const HELP = 'help-layout.cjs';
const late = {
  cliui: `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    export default (options) => require('./${HELP}').cliui(options);`,
  'string-width': `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    export default (text) => require('./${HELP}').stringWidth(text);`,
  assert: `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    export const strictEqual = (...args) => Object.is(args[0], args[1]) || require('node:assert').strictEqual(...args);
    export const notStrictEqual = (...args) => !Object.is(args[0], args[1]) || require('node:assert').notStrictEqual(...args);`,
};
// yargs lays out the help text before each command runs, for a caller that might still ask for it; ours never does.
const HELP_AHEAD = 'yargs.getInternalMethods().getUsageInstance().cacheHelpMessage();';
let isHelpAheadOut = false;
const withoutHelpAhead = {
  name: 'without-help-ahead',
  transform(/** @type {string} */ code, /** @type {string} */ id) {
    if (!id.replaceAll('\\', '/').endsWith('/yargs/build/lib/command.js')) return null;
    isHelpAheadOut = code.includes(HELP_AHEAD);
    return code.replace(HELP_AHEAD, '');
  },
};

const putAside = {
  name: 'put-aside',
  resolveId: (/** @type {string} */ id, /** @type {string | undefined} */ importer) =>
    importer !== undefined &&
    /\/yargs\/lib\/platform-shims\//.test(importer.replaceAll('\\', '/')) &&
    Object.hasOwn(late, id)
      ? `late:${id}`
      : null,
  load: (/** @type {string} */ id) =>
    id.startsWith('late:') ? late[/** @type {keyof typeof late} */ (id.slice(5))] : null,
};

// Of undici, what sends requests: with all of it (fetch, web sockets, caches, mocks) a fetch begins a tenth of a second later. The
// package itself adds its methods for requests to every dispatcher; only `connect` is called here.
const UNDICI = ['agent', 'client', 'dispatcher']
  .map((name) => `import ${name} from 'undici/lib/dispatcher/${name}.js';`)
  .join('\n');
const partOfUndici = {
  name: 'part-of-undici',
  resolveId: (/** @type {string} */ id) => (id === 'undici' ? 'part:undici' : null),
  load: (/** @type {string} */ id) =>
    id === 'part:undici'
      ? `${UNDICI}
    import buildConnector from 'undici/lib/core/connect.js';
    import errors from 'undici/lib/core/errors.js';
    import connect from 'undici/lib/api/api-connect.js';
    dispatcher.prototype.connect = connect;
    export { agent as Agent, client as Client, buildConnector, errors };`
      : null,
};

const bundle = await rolldown({
  // A worker thread is started from a file, which lies beside the code that starts it.
  input: { main: join(root, 'dist/cli/main.js'), 'hash-worker': join(root, 'dist/repo/disk/hash-worker.js') },
  platform: 'node',
  external,
  plugins: [putAside, withoutHelpAhead, partOfUndici],
});
const { output: program } = await bundle.write({ dir, format: 'esm', chunkFileNames: '[name]-[hash].js', minify });
if (!isHelpAheadOut) throw new Error('yargs no longer lays out the help ahead: take this off');

const fromYargs = createRequire(createRequire(import.meta.url).resolve('yargs'));
const help = await rolldown({
  input: 'help-layout',
  platform: 'node',
  plugins: [
    {
      name: 'help-layout',
      resolveId: (id) => (id === 'help-layout' ? id : null),
      load: (id) =>
        id === 'help-layout'
          ? ['cliui', 'string-width']
              .map(
                (name, i) =>
                  `export { default as ${['cliui', 'stringWidth'][i]} } from ${JSON.stringify(fromYargs.resolve(name))};`,
              )
              .join('\n')
          : null,
    },
  ],
});
const { output: helpLayout } = await help.write({ dir, format: 'cjs', entryFileNames: HELP, minify });
const output = [...program, ...helpLayout];
for (const name of Object.keys(late)) {
  const isUsed = program.some((chunk) => chunk.type === 'chunk' && Object.hasOwn(chunk.modules, `late:${name}`));
  if (!isUsed) throw new Error(`yargs no longer loads ${name}: take it off the list`);
}

/** @type {Set<string>} */
const packages = new Set();
for (const chunk of output) {
  if (chunk.type !== 'chunk') continue;
  for (const id of Object.keys(chunk.modules)) {
    const found = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/'))?.[1];
    if (found !== undefined) packages.add(found);
  }
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined || !existsSync(join(folder, file))) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dir, 'LICENSES.txt'), notices.join('\n---\n\n'));
