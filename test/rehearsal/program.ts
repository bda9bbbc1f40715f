import { findProgram } from '../../src/io/program.ts';

/** Returns the path of a program of this computer that the rehearsal needs. Throws with the name of its package. */
export async function programOf(name: string, debianPackage: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`\`${name}\` is not installed: install \`${debianPackage}\``);
  return path;
}
