import { arch, homedir, platform, userInfo } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { CygstrapError } from '../errors.ts';
import { PASSWORD_FILE } from '../guest/identity.ts';
import { PASSDB_FILE, passdbSecrets } from '../guest/passdb.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { ioError } from '../io/system-error.ts';
import { packTarGz } from '../io/tar-gz.ts';
import type { ArchiveFile } from '../io/tar-gz.ts';
import { listEvidence, readEvidence, secretsOf } from '../stages/evidence.ts';
import type { EvidenceSource } from '../stages/evidence.ts';
import { cleanJson, redactor } from '../stages/redact.ts';
import { examineHost } from './doctor.ts';
import { packageVersion } from './version.ts';
import { placesOfVm } from './vm-context.ts';
import type { VmDirectory } from './vm-context.ts';

export interface EvidenceRequest {
  /** First characters of the key of a stage, published or failed, or of the name of a failed run; by default that
   *  with the newest log. */
  readonly stage?: string | undefined;
  /** File to write; by default `cygstrap-evidence-STAGE-KEY.tar.gz` in the working directory. An existing file is
   *  replaced. */
  readonly out?: string | undefined;
}

export interface EvidenceResult {
  readonly stage: 'install' | 'snapshot' | 'run';
  readonly key: string;
  /** Path of the archive. */
  readonly archive: string;
  readonly sizeBytes: number;
  /** What is in it, by name. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
}

/** Packs what helps others to find out why a stage or a run failed into one `.tar.gz`: console, last screen, record of
 *  the failure, logs of the installer, manifest, versions, and what `doctor` finds. Passwords, private
 *  keys, product keys, the home directory and the name of the user are removed from every text; the screen is a
 *  picture and stays as it is. Throws `usage` if nothing or more than one thing matches, `io`, and the reason of the
 *  signal. */
export async function packEvidence(
  { stage: prefix, out }: EvidenceRequest = {},
  context: VmDirectory = {},
): Promise<EvidenceResult> {
  const { env = process.env, signal } = context;
  const places = placesOfVm(context);
  const source = chosen(await listEvidence(places), prefix);
  const { stage, key } = source;
  const { username } = userInfo();
  const clean = redactor({
    secrets: [
      ...(await secretsOf(places, [PASSWORD_FILE])),
      ...(await secretsOf(places, [PASSDB_FILE])).flatMap(passdbSecrets),
    ],
    home: env['HOME'] ?? homedir(),
    user: username,
  });
  const doctor = await examineHost({ env, signal });
  const versions = {
    cygstrap: packageVersion(),
    node: process.version,
    qemu: doctor.host.qemu?.version ?? null,
    system: `${platform()} ${arch()}`,
  };
  const files = [
    ...(await readEvidence(places, source, clean)),
    jsonFile('doctor.json', doctor, clean),
    jsonFile('versions.json', { stage, key, ...versions }, clean),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const archive = resolve(out ?? `cygstrap-evidence-${stage}-${key.slice(0, 12)}.tar.gz`);
  const bytes = await packTarGz(files);
  signal?.throwIfAborted();
  try {
    await writeFileAtomically(archive, bytes, { mode: 0o600 });
  } catch (error) {
    throw ioError(error, 'write', archive);
  }
  return {
    stage,
    key,
    archive,
    sizeBytes: bytes.length,
    files: files.map(({ name, bytes: { length } }) => ({ name, sizeBytes: length })),
  };
}

function chosen(sources: readonly EvidenceSource[], prefix: string | undefined): EvidenceSource {
  if (prefix === undefined) {
    const [newest] = sources.filter(({ loggedMs }) => loggedMs > 0).sort((a, b) => b.loggedMs - a.loggedMs);
    if (newest !== undefined) return newest;
    throw new CygstrapError('usage', 'no stage or run has left a log', {
      hint: 'name a stage; `cygstrap vm ls` lists them',
    });
  }
  const matching = prefix === '' ? [] : sources.filter(({ key }) => key.startsWith(prefix));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  const listed = sources.map(({ stage, key }) => `${stage} ${key.slice(0, 12)}`).join(', ');
  throw new CygstrapError(
    'usage',
    `${matching.length === 0 ? 'no' : 'more than one'} stage or run has a key that starts with \`${prefix}\``,
    { hint: sources.length === 0 ? 'there are none yet' : `there are: ${listed}` },
  );
}

function jsonFile(name: string, value: object, clean: (text: string) => string): ArchiveFile {
  return { name, bytes: Buffer.from(cleanJson(JSON.stringify(value), clean)) };
}
