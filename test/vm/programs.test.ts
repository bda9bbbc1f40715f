import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { expect, onTestFinished, test } from 'vitest';
import { DOCTOR_HINT } from '../../src/io/doctor-hint.ts';
import { runProgram } from '../../src/io/program.ts';
import { findKernel } from '../../src/guest/linux/kernel.ts';
import { PROGRAMS } from '../../src/vm/base/host.ts';
import { PROJECT } from '../support/transcript.ts';
import { temporaryDirectory } from './support.ts';

/** Functions that start or look up a program, which their first argument names. Those that take a name of PROGRAMS,
 *  such as `requireTool`, are checked by its type. */
const STARTERS = /^(?:runProgram|startProgram|startVmProgram|findProgram|runTool|spawn|execFile)$/;

/** Calls whose program is not a literal, and the programs; none for a path of `requireTool` and for what the caller
 *  names. */
const COMPUTED: Readonly<Record<string, readonly string[]>> = {
  // The setup program of a repo.
  'api/install.ts: call.program': [],
  'api/installation-check.ts: shell.program': ['bash'],
  // Files for a guest, by their paths.
  'guest/controller/image.ts: name': [],
  'guest/stand-in/images.ts: name': [],
  'guest/linux/modules.ts: program': ['xz', 'zstd'],
  'guest/linux/programs.ts: name': Object.values(PROGRAMS).flat(),
  'guest/passdb.ts: pdbedit': [],
  'guest/ssh-run.ts: program': ['ssh'],
  'guest/ssh-run.ts: sshArgv(target, command)': ['ssh'],
  'guest/ssh.ts: keygen': [],
  'input/archive-members.ts: argv': ['xz'],
  'input/xz-program.ts: program': ['xz'],
  "io/open-file.ts: program ?? ''": ['xdg-open'],
  'io/program.ts: argv': [],
  "io/program.ts: argv[0] ?? ''": [],
  'io/program.ts: file': [],
  'media/tool.ts: argv': [],
  'vm/base/vm-error.ts: argv': [],
  "vm/disk-reader.ts: requireTool(host, 'qemu-img')": [],
  'vm/disk.ts: program': [],
  'vm/memory-image.ts: compression.zstd': [],
  'vm/network/own-network.ts: ...begin': ['unshare', 'ip'],
  'vm/network/own-network.ts: name': ['unshare', 'nsenter', 'ip', 'setpriv'],
  'vm/network/vde.ts: program': [],
  // QEMU has a row of its own.
  'vm/probe/accelerator.ts: argv': [],
  'vm/probe/probe.ts: QEMU_PROGRAM': [],
  'vm/probe/qemu.ts: file.binary': [],
  'vm/start.ts: paused': [],
  // The package manager, which doctor itself names.
  'vm/probe/install.ts: line': [],
  'vm/probe/install.ts: name': [],
  'vm/probe/tools.ts: program': Object.values(PROGRAMS).flat(),
  'vm/tpm.ts: program': [],
};

/** A second program of mtools, and the shell that POSIX requires. */
const PARTS = ['mformat', '/bin/sh'];

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function* callsIn(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const each of node) yield* callsIn(each);
  if (!isNode(node)) return;
  if (node.type === 'CallExpression' && isNode(node['callee']) && STARTERS.test(String(node['callee']['name'])))
    yield node;
  for (const each of Object.values(node)) yield* callsIn(each);
}

/** Returns the name of the program in each call, or the source of the expression for it after the file. */
function programsIn(file: string): string[] {
  const source = readFileSync(join(PROJECT, 'src', file), 'utf8');
  return [...callsIn(parseSync(file, source).program)].map((call) => {
    const [first] = call['arguments'] as readonly Node[];
    const name = first?.type === 'ArrayExpression' ? (first['elements'] as readonly Node[])[0] : first;
    const text = name?.['value'];
    if (name?.type === 'Literal' && typeof text === 'string') return text;
    return `${file}: ${source.slice(Number(name?.['start']), Number(name?.['end']))}`;
  });
}

test('doctor lists every program that the sources start', () => {
  const files = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' });
  const found = new Set(files.filter((name) => name.endsWith('.ts')).flatMap(programsIn));
  const computed = [...found].filter((name) => name.includes(': '));
  expect(computed.sort()).toEqual(Object.keys(COMPUTED).sort());
  const started = [...[...found].filter((name) => !name.includes(': ')), ...Object.values(COMPUTED).flat()];
  const listed = [...Object.values(PROGRAMS).flat(), ...PARTS];
  expect(started.filter((name) => !listed.includes(name))).toEqual([]);
});

test('a program that is missing names doctor; a missing file of a given path does not', async () => {
  const run = (program: string) => runProgram([program], { timeoutMs: 1000 });
  await expect(run('no-such-program')).rejects.toMatchObject({ code: 'tool', hint: DOCTOR_HINT });
  await expect(run('/no/such/program')).rejects.toMatchObject({ code: 'tool', hint: undefined });
});

test('a missing kernel names doctor', async () => {
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  onTestFinished(() => void (process.env['PATH'] = PATH));
  const directory = temporaryDirectory();
  await expect(findKernel({ cacheDir: directory, root: directory })).rejects.toMatchObject({
    code: 'tool',
    hint: expect.stringContaining('`cygstrap doctor`') as string,
  });
});
