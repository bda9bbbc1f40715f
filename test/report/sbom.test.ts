import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { makeLock } from '../../src/api/lock.ts';
import { makeReport } from '../../src/api/report.ts';
import type { ReportFormat, ReportSubject } from '../../src/api/report.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { runMain } from '../support/main.ts';
import { requireSpdx } from './spdx.ts';
import type { Spdx } from './spdx.ts';

const REAL = '../shared/data/setup-ini/2025-08-02_x86_64_setup.xz';

const SHA = 'a'.repeat(128);
const MD5 = 'b'.repeat(32);

const INDEX = `release: cygwin
arch: x86_64
setup-timestamp: 1735689600

@ base-files
sdesc: "Files </script> \\u2028 of the base"
category: Base
version: 1-1
install: x86_64/release/base-files/base-files-1-1.tar.xz 10 ${SHA}
depends2: libstdc++6

@ libstdc++6
sdesc: "C++"
category: Libs
version: 13:1.0~rc1-1
install: x86_64/release/gcc/libstdc++6/libstdc++6-1.0~rc1-1.tar.xz 20 ${MD5}

@ app
sdesc: "App"
category: Devel
version: 2-1
install: x86_64/release/app/app-2-1.tar.xz 30 ${SHA}
depends2: base-files, libstdc++6
`;

const load = (): ReturnType<typeof loadCatalog> => loadCatalog({ name: 'setup.ini', bytes: Buffer.from(INDEX) });

/** A document that can be changed. */
interface SpdxJson {
  documentNamespace: string;
  readonly creationInfo: Record<string, unknown>;
  readonly packages: Record<string, unknown>[];
  readonly relationships: Record<string, unknown>[];
}

const OTHER = { relatedSpdxElement: 'SPDXRef-1-base-files' };

function upperCase(digest: string): object {
  return { algorithm: 'MD5', checksumValue: digest.toUpperCase() };
}

async function plan(): Promise<ReportSubject> {
  return { kind: 'plan', loaded: await load(), request: { packages: ['app'] } };
}

async function textOf(subject: ReportSubject, format: ReportFormat): Promise<string> {
  const result = await makeReport(subject, { format });
  if (result.kind !== 'report') throw new Error('no plan');
  return result.text;
}

/** Validates by the official schema, in its strict form. */
async function requireCycloneDx(text: string): Promise<void> {
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
}

describe('CycloneDX', () => {
  test('a plan has hashes, package URLs, paths and dependencies', async () => {
    const text = await textOf(await plan(), 'cyclonedx');
    await requireCycloneDx(text);
    const bom = JSON.parse(text);
    expect(bom.metadata.timestamp).toBe('2025-01-01T00:00:00Z');
    expect(bom.components.find(({ name }: { name: string }) => name === 'libstdc++6')).toEqual({
      type: 'library',
      'bom-ref': 'libstdc++6@13:1.0~rc1-1',
      name: 'libstdc++6',
      version: '13:1.0~rc1-1',
      description: 'C++',
      hashes: [{ alg: 'MD5', content: MD5 }],
      purl: `pkg:generic/libstdc%2B%2B6@13:1.0~rc1-1?checksum=md5:${MD5}`,
      externalReferences: [
        { type: 'distribution', url: 'x86_64/release/gcc/libstdc%2B%2B6/libstdc%2B%2B6-1.0~rc1-1.tar.xz' },
      ],
    });
    expect(bom.dependencies).toEqual(
      expect.arrayContaining([
        { ref: 'installation', dependsOn: ['base-files@1-1', 'app@2-1'] },
        { ref: 'app@2-1', dependsOn: ['base-files@1-1', 'libstdc++6@13:1.0~rc1-1'] },
        { ref: 'libstdc++6@13:1.0~rc1-1', dependsOn: [] },
      ]),
    );
  });

  test('the same plan gives the same bytes, another one another serial number', async () => {
    const text = await textOf(await plan(), 'cyclonedx');
    expect(await textOf(await plan(), 'cyclonedx')).toBe(text);
    const other = await textOf({ kind: 'plan', loaded: await load(), request: {} }, 'cyclonedx');
    expect(JSON.parse(other).serialNumber).not.toBe(JSON.parse(text).serialNumber);
  });
});

test('SPDX: a plan has checksums, package URLs, files and dependencies', async () => {
  const { packages, relationships } = requireSpdx(await textOf(await plan(), 'spdx'));
  const byName = new Map(packages.map((pkg) => [pkg.name, pkg]));
  expect(byName.get('app')).toMatchObject({
    versionInfo: '2-1',
    packageFileName: 'x86_64/release/app/app-2-1.tar.xz',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA512', checksumValue: SHA }],
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `pkg:generic/app@2-1?checksum=sha512:${SHA}`,
      },
    ],
  });
  expect(relationships).toContainEqual({
    spdxElementId: byName.get('app')?.SPDXID,
    relationshipType: 'DEPENDS_ON',
    relatedSpdxElement: byName.get('libstdc++6')?.SPDXID,
  });
});

test.each<[string, (document: SpdxJson) => void]>([
  ['a missing field', (document) => delete document.packages[0]?.['downloadLocation']],
  ['an unknown field', (document) => Object.assign(document.packages[1] ?? {}, { license: 'GPL' })],
  ['an identifier with a sign that is not allowed', ({ packages }) => void (packages[1]!['SPDXID'] = 'SPDXRef-c++')],
  ['an identifier twice', ({ packages }) => packages.push({ ...packages[1] })],
  ['a relationship with nothing', ({ relationships }) => void (relationships[1]!['relatedSpdxElement'] = 'SPDXRef-x')],
  ['a relationship twice', ({ relationships }) => relationships.push({ ...relationships[1] })],
  ['two described elements', ({ relationships }) => relationships.push({ ...relationships[0], ...OTHER })],
  ['a package that is not contained', ({ relationships }) => relationships.splice(1, 1)],
  ['a date with milliseconds', ({ creationInfo }) => void (creationInfo['created'] = '2026-01-01T00:00:00.000Z')],
  ['a digest in upper case', ({ packages }) => void (packages[1]!['checksums'] = [upperCase(MD5)])],
  ['an address with a fragment', (document) => void (document.documentNamespace += '#1')],
])('the check of SPDX refuses %s', async (_name, change) => {
  const text = await textOf(await plan(), 'spdx');
  requireSpdx(text);
  const document = JSON.parse(text) as SpdxJson;
  change(document);
  expect(() => requireSpdx(JSON.stringify(document))).toThrow();
});

test('of a lock alone, dependencies are left out; with an index they are there', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sbom-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const [lock, index] = [join(root, 'lock.json'), join(root, 'setup.ini')];
  await writeFile(index, INDEX);
  const made = await makeLock(await loadCatalog(index), { packages: ['app'] });
  if (made.kind !== 'lock') throw new Error('no plan');
  await writeFile(lock, printLock(made.lock));
  const run = async (...options: string[]): Promise<string> => {
    const out = join(root, 'out.json');
    const { exit, stderr } = await runMain(['report', '--lock', lock, '--out', out, ...options], root);
    expect(exit, stderr).toBe(0);
    return readFile(out, 'utf8');
  };
  const [alone, whole] = [await run('--format', 'cyclonedx'), await run('--format', 'cyclonedx', '--index', index)];
  for (const text of [alone, whole]) await requireCycloneDx(text);
  expect(JSON.parse(alone)).not.toHaveProperty('dependencies');
  expect(JSON.parse(whole).dependencies).toHaveLength(4);
  const types = ({ relationships }: Spdx): string[] => relationships.map((each) => each.relationshipType);
  expect(types(requireSpdx(await run('--format', 'spdx')))).not.toContain('DEPENDS_ON');
  expect(types(requireSpdx(await run('--format', 'spdx', '--index', index)))).toContain('DEPENDS_ON');
});

test.each(['cyclonedx', 'spdx'])('resolve and lock print the same document as report writes: %s', async (format) => {
  const root = await mkdtemp(join(tmpdir(), 'sbom-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const [lock, index, out] = ['lock.json', 'setup.ini', 'out.json'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(index, INDEX);
  const printed = async (...argv: string[]): Promise<string> => {
    const { exit, stdout, stderr } = await runMain([...argv, '--format', format], root);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    return stdout;
  };
  const reported = async (...argv: string[]): Promise<string> => {
    await printed('report', ...argv, '--out', out);
    return readFile(out, 'utf8');
  };
  const ofPlan = await printed('resolve', 'app', '--index', index);
  expect(ofPlan).toBe(await reported('app', '--index', index));
  if (format === 'spdx') requireSpdx(ofPlan);
  else await requireCycloneDx(ofPlan);
  const ofLock = await printed('lock', 'app', '--index', index, '--lock', lock);
  expect(ofLock).toBe(await reported('--lock', lock, '--index', index));
  expect(await printed('lock', 'app', '--check', '--lock', lock)).toBe(await reported('--lock', lock));
  const saved = await readFile(lock, 'utf8');
  expect(await runMain(['lock', 'app', '--index', index, '--lock', lock], root)).toMatchObject({ exit: 0 });
  expect(await readFile(lock, 'utf8')).toBe(saved);
  const other = ['lock', 'base-files', '--check', '--lock', lock, '--format', format];
  expect(await runMain(other, root)).toMatchObject({ exit: 1, stdout: '' });
});

test.each(['resolve', 'lock'])(
  '%s prints the conflicts of a request without a plan, and nothing else',
  async (name) => {
    const root = await mkdtemp(join(tmpdir(), 'sbom-'));
    onTestFinished(() => rm(root, { recursive: true }));
    const index = join(root, 'setup.ini');
    await writeFile(index, INDEX);
    const argv = [
      name,
      'none',
      '--index',
      index,
      '--format',
      'spdx',
      ...(name === 'lock' ? ['--lock', join(root, 'l')] : []),
    ];
    expect(await runMain(argv, root)).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('`none`') });
    expect(await runMain([...argv, '--json'], root)).toMatchObject({
      exit: 2,
      stdout: expect.stringContaining('--json cannot be combined with --format'),
    });
  },
);

test.each(['--open', '--before=old.json'])('%s is for the page only', async (option) => {
  const { exit, stderr } = await runMain(['report', '--lock', 'x', '--format', 'spdx', option], tmpdir());
  expect(exit).toBe(2);
  expect(stderr).toContain('cannot be combined with --format spdx');
});

test.skipIf(!existsSync(REAL))(
  'a plan of the index of 2025 makes valid documents (skipped where ../shared is absent)',
  { timeout: 120_000 },
  async () => {
    const loaded = await loadCatalog(REAL);
    const subject: ReportSubject = { kind: 'plan', loaded, request: { packages: ['gcc-g++', 'openssh', 'git'] } };
    const text = await textOf(subject, 'cyclonedx');
    await requireCycloneDx(text);
    const { packages } = requireSpdx(await textOf(subject, 'spdx'));
    expect(packages).toHaveLength(JSON.parse(text).components.length + 1);
    expect(text).toContain('pkg:generic/libstdc%2B%2B6@');
  },
);
