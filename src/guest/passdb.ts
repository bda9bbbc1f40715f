import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { ProgramError, runProgram } from '../io/program.ts';
import { GuestError } from './guest-error.ts';

/** File with the password of the shares in the form of smbd, in the directory of a stage. */
export const PASSDB_FILE = 'smbpasswd';

/** The user that smbd runs as. */
export interface UnixUser {
  readonly name: string;
  readonly uid: number;
}

const PDBEDIT_TIMEOUT_MS = 60_000;

const LINE = /^[^:]+:\d+:([0-9A-FX]{32}:([0-9A-F]{32}):\[[A-Z ]{11}\]:LCT-[0-9A-F]{8}:)\s*$/;

/** Makes the password file of smbd, with mode 0600. The password is passed on a pipe, so it is in no list of processes.
 *  Throws GuestError `tool` if `pdbedit` fails, and errors of the system. */
export async function makePassdb(pdbedit: string, directory: string, password: string): Promise<void> {
  const work = await mkdtemp(join(directory, 'pdbedit-'));
  const made = join(work, PASSDB_FILE);
  const conf = join(work, 'smb.conf');
  try {
    const places = ['private dir', 'lock directory', 'state directory', 'cache directory', 'pid directory'];
    const lines = [`passdb backend = smbpasswd:${made}`, ...places.map((name) => `${name} = ${work}`)];
    await writeFile(conf, `[global]\n${lines.map((line) => `${line}\n`).join('')}`);
    await runProgram([pdbedit, '-s', conf, '-t', '-a', '-u', userInfo().username], {
      input: Buffer.from(`${password}\n${password}\n`),
      timeoutMs: PDBEDIT_TIMEOUT_MS,
    });
    const text = await readFile(made, 'utf8');
    passdbFor(text, { name: 'test', uid: 0 });
    await writeFileAtomically(join(directory, PASSDB_FILE), text, { mode: 0o600 });
  } catch (cause) {
    throw cause instanceof ProgramError ? new GuestError('tool', '`pdbedit` failed', { cause }) : cause;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Returns what must not leave the computer of a password file: the hash, by which one can log in as by the password,
 *  in capital and in small letters. Pure. */
export function passdbSecrets(text: string): string[] {
  const hash = LINE.exec(text)?.[2];
  return hash === undefined ? [] : [hash, hash.toLowerCase()];
}

/** Returns the content of a password file for another user that smbd runs as. Throws GuestError `guest` for a text that
 *  is not one line of a password file. */
export function passdbFor(text: string, { name, uid }: UnixUser): string {
  const rest = LINE.exec(text)?.[1];
  if (rest === undefined) throw new GuestError('guest', 'the password file for smbd is damaged');
  return `${name}:${uid}:${rest}\n`;
}
