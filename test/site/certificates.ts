import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  /** PEM file of the authority. */
  readonly caFile: string;
  readonly key: string;
  readonly cert: string;
  /** The certificate of the authority, which is self-signed, and its key. */
  readonly authority: { readonly key: string; readonly cert: string };
}

/** Whether certificates can be made here. */
export const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

/** Makes an authority, and a certificate of it for one name such as `IP:127.0.0.1`; with negative `days` it has
 *  expired. */
export function makeCertificates(dir: string, name: string, days = 2): Certificates {
  const at = (file: string): string => join(dir, file);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(at('names'), `subjectAltName=${name}\n`);
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=authority of a test',
  );
  openssl('req', '-new', ...key, '-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', '/CN=site of a test');
  openssl(
    'x509',
    '-req',
    '-in',
    at('leaf.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at('leaf.pem'),
    '-days',
    String(days),
    '-extfile',
    at('names'),
  );
  return {
    caFile: at('ca.pem'),
    key: readFileSync(at('leaf.key'), 'utf8'),
    cert: readFileSync(at('leaf.pem'), 'utf8'),
    authority: { key: readFileSync(at('ca.key'), 'utf8'), cert: readFileSync(at('ca.pem'), 'utf8') },
  };
}

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
