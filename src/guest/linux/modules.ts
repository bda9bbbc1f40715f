import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DOCTOR_HINT } from '../../io/doctor-hint.ts';
import { ProgramError, runProgram } from '../../io/program.ts';
import { identityOf } from '../../io/file-identity.ts';
import { GuestError } from '../guest-error.ts';
import type { HostFile } from './cpio.ts';
import { modinfo } from './modinfo.ts';

/** A kernel module, decompressed. */
export interface KernelModule {
  /** With `_`, as printed by `lsmod`. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly from: HostFile;
}

const MODULE_FILE = /^(.+)\.ko(\.xz|\.zst|\.gz)?$/;

/** Reads kernel modules and their dependencies in load order. Skips modules that are built into the kernel. A name
 *  that ends in `?` is optional.
 *  Throws GuestError `tool` for a missing module, `io` for a file that is not a module. */
export async function moduleClosure(directory: string, names: readonly string[]): Promise<KernelModule[]> {
  const [files, builtin] = await Promise.all([moduleFiles(join(directory, 'kernel')), builtinModules(directory)]);
  const done = new Map<string, KernelModule>();
  const visiting = new Set<string>();
  const visit = async (name: string, isOptional: boolean): Promise<void> => {
    if (done.has(name) || builtin.has(name) || visiting.has(name)) return;
    const path = files.get(name);
    if (path === undefined) {
      if (isOptional) return;
      throw new GuestError('tool', `the kernel module \`${name}\` is not below \`${directory}\``, {
        hint: 'kernels made for cloud machines lack it; install the distribution’s general kernel',
      });
    }
    visiting.add(name);
    const from = { path, identity: await identityOf(path) };
    const content = await decompressed(path);
    const { depends, softDepends } = modinfo(path, content);
    for (const each of softDepends) await visit(each, true);
    for (const each of depends) await visit(each, false);
    done.set(name, { name, content, from });
  };
  for (const name of names) await visit(moduleName(name.replace(/\?$/, '')), name.endsWith('?'));
  return [...done.values()];
}

function moduleName(text: string): string {
  return text.replaceAll('-', '_');
}

async function moduleFiles(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true });
  return new Map(
    entries.flatMap((path): [string, string][] => {
      const name = MODULE_FILE.exec(basename(path))?.[1];
      return name === undefined ? [] : [[moduleName(name), join(directory, path)]];
    }),
  );
}

async function builtinModules(directory: string): Promise<Set<string>> {
  const text = await readFile(join(directory, 'modules.builtin'), 'utf8');
  return new Set(text.split('\n').map((path) => moduleName(basename(path).replace(/\.ko$/, ''))));
}

async function decompressed(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  if (path.endsWith('.gz')) return gunzipSync(bytes);
  if (path.endsWith('.xz')) return filtered('xz', bytes);
  if (path.endsWith('.zst')) return filtered('zstd', bytes);
  return bytes;
}

async function filtered(program: 'xz' | 'zstd', bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await runProgram([program, '-dc'], { input: bytes, timeoutMs: 60_000, longestOutputBytes: 1 << 30 });
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause;
    if (cause.details.exit === undefined)
      throw new GuestError('tool', `\`${program}\` is not installed; it is needed for compressed kernel modules`, {
        hint: DOCTOR_HINT,
        cause,
      });
    throw new GuestError('io', `\`${program}\` cannot decompress a kernel module`, { cause });
  }
}
