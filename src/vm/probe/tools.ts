import { open } from 'node:fs/promises';
import { findProgram } from '../../io/program.ts';
import { PROGRAMS, TOOL_NAMES } from '../base/host.ts';
import type { Host, ToolName } from '../base/host.ts';

/** Looks up each tool in the PATH of an environment and in the directories of system programs. */
export async function findTools(environment: Readonly<Record<string, string | undefined>>): Promise<Host['tools']> {
  const found = await Promise.all(
    TOOL_NAMES.map(async (name): Promise<[ToolName, string | undefined]> => {
      for (const program of PROGRAMS[name]) {
        const path = await findProgram(program, environment);
        if (path !== undefined && (name !== 'busybox' || (await isStatic(path)))) return [name, path];
      }
      return [name, undefined];
    }),
  );
  return Object.fromEntries(found) as Record<ToolName, string | undefined>;
}

/** Returns whether an ELF program is statically linked: it has no interpreter, and so runs in a guest without
 *  libraries. */
async function isStatic(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
  if (bytesRead < 64 || buffer.toString('latin1', 0, 4) !== '\u007fELF' || buffer[4] !== 2 || buffer[5] !== 1)
    return false;
  const tableAt = Number(buffer.readBigUInt64LE(32));
  const [entryBytes, entries] = [buffer.readUInt16LE(54), buffer.readUInt16LE(56)];
  for (let i = 0; i < entries; i++) {
    const at = tableAt + i * entryBytes;
    // 3: the path of the interpreter.
    if (at + 4 > bytesRead || buffer.readUInt32LE(at) === 3) return false;
  }
  return true;
}
