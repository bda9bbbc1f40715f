import { resolve } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import { setupCommand } from '../core/lock/setup-command.ts';
import type { SetupCommand, SetupPlace, SetupTrust } from '../core/lock/setup-command.ts';
import { REPO_DIRECTORY } from '../guest/kind.ts';
import type { SetupCall } from '../guest/kind.ts';
import type { Archive, PackageRecord } from '../core/setup-ini/records.ts';
import { archivesOf } from '../repo/files/archive-file.ts';
import { SUBSET_MARK } from '../repo/files/layout.ts';
import { shippedKeyring } from '../trust/keyring.ts';
import { trustedKeys } from '../trust/verifier.ts';
import { installerPaths } from '../repo/files/path.ts';
import { readIndex } from './load-catalog.ts';

/** Stands for the public key of a repo that was signed with a key of the user. */
export const UNKNOWN_PUBLIC_KEY = 'PUBLIC-KEY';

/** The index that setup will read. */
export interface IndexForSetup {
  readonly records: readonly PackageRecord[];
  /** Fingerprint of the key that signed it, or `unsigned`; undefined for an unknown key. */
  readonly signer: string | undefined;
}

export interface SetupOptions {
  /** Default: the file name of the setup program. */
  readonly program?: string | undefined;
  /** Files of keys, in which the key of the index is looked up. */
  readonly keyring?: readonly string[];
}

/** Returns the call of setup for a lock and an index; null if the index does not list all packages of the lock: setup
 *  would leave the others out and still exit with 0. Throws the errors of reading keys. */
export async function setupCommandOf(
  lock: Lock,
  { records, signer }: IndexForSetup,
  place: SetupPlace,
  { program = installerPaths(lock.request.arch).program, keyring = [] }: SetupOptions = {},
): Promise<SetupCommand | null> {
  if (unlistedPackages(lock, archivesIn(records)).length > 0) return null;
  return setupCommand(lock, { program, place, trust: await trustOf(signer, keyring), records });
}

/** Returns the call of setup in an unattended installation from a medium; undefined if the medium has no setup program.
 *  Setup verifies the signature of the index only with the key that it contains: this host has verified it, and has
 *  written it to the medium.
 *  @param paths of the files of the medium */
export async function setupCallOf(
  lock: Lock,
  { records, signer }: IndexForSetup,
  paths: readonly string[],
): Promise<SetupCall | undefined> {
  const { program } = installerPaths(lock.request.arch);
  if (!paths.includes(program)) return undefined;
  const trust = (await trustOf(signer, [])) === 'built-in' ? 'built-in' : 'none';
  const place = { kind: 'directory', path: REPO_DIRECTORY } as const;
  const { arguments: words } = setupCommand(lock, { program, place, trust, records });
  return {
    program,
    arguments: words,
    arch: lock.request.arch === 'x86' ? 'x86' : 'x86_64',
    packages: lock.packages.length,
  };
}

/** Reads an index for {@link setupCommandOf}. The key of an index of the site is that of the lock. Throws the errors of
 *  reading an index. */
export async function readIndexForSetup(
  { indexes }: Lock,
  { name, bytes, isSigned }: { readonly name: string; readonly bytes: Uint8Array; readonly isSigned: boolean },
): Promise<IndexForSetup> {
  const records: PackageRecord[] = [];
  await readIndex({ name, bytes }, { lenient: true, cacheDirectory: null }, (some) => void records.push(...some));
  const signer = isSubsetIndex(bytes) || indexes[0]?.signer === 'unsigned' ? undefined : indexes[0]?.signer;
  return { records, signer: isSigned ? signer : 'unsigned' };
}

/** Returns the locked packages that are not among the archives of an index, each as name and version in backquotes. */
export function unlistedPackages({ packages }: Lock, archives: readonly Archive[]): string[] {
  const paths = new Set(archives.map(({ path }) => path));
  return packages.filter(({ path }) => !paths.has(path)).map(({ name, version }) => `\`${name} ${version}\``);
}

/** Returns the archives that an index lists. */
export function archivesIn(records: readonly PackageRecord[]): Archive[] {
  return records.flatMap(({ versions }) => versions.flatMap(archivesOf));
}

/** Returns whether an index lists only what its repo has. */
export function isSubsetIndex(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString('latin1', 0, SUBSET_MARK.length) === SUBSET_MARK;
}

async function trustOf(signer: string | undefined, keyring: readonly string[]): Promise<SetupTrust> {
  if (signer === 'unsigned') return 'none';
  const builtIn = await shippedKeyring();
  if (builtIn.keys.some(({ fingerprint }) => fingerprint === signer)) return 'built-in';
  const { keys } = await trustedKeys(keyring);
  const file = keys.find(({ fingerprint }) => fingerprint === signer)?.file;
  return { publicKey: file === undefined ? UNKNOWN_PUBLIC_KEY : resolve(file) };
}
