import { describe, expect, test } from 'vitest';
import { chooseEdition } from '../../../src/guest/windows/edition.ts';
import type { Edition } from '../../../src/media/inspect/windows.ts';

type Row = readonly [name: string, editionId: string, type?: Edition['installationType'], more?: Partial<Edition>];

function mediumOf(rows: readonly Row[]): { readonly path: string; readonly editions: readonly Edition[] } {
  return {
    path: 'win.iso',
    editions: rows.map(([name, editionId, installationType = 'desktop', more], i) => ({
      index: i + 1,
      name,
      editionId,
      arch: 'amd64',
      version: '10.0.20348.587',
      languages: ['en-US'],
      installationType,
      isServer: editionId.startsWith('Server'),
      isEvaluation: editionId.endsWith('Eval'),
      kind: editionId.startsWith('Server') ? 'windows-2022' : 'windows-11',
      ...more,
    })),
  };
}

const SERVER = mediumOf([
  ['Standard Evaluation', 'ServerStandardEval', 'core'],
  ['Standard Evaluation (Desktop Experience)', 'ServerStandardEval'],
  ['Datacenter Evaluation', 'ServerDatacenterEval', 'core'],
  ['Datacenter Evaluation (Desktop Experience)', 'ServerDatacenterEval'],
]);
const CONSUMER = mediumOf([
  ['Windows 11 Home', 'Core'],
  ['Windows 11 Home N', 'CoreN'],
  ['Windows 11 Pro', 'Professional'],
  ['Windows 11 Pro N', 'ProfessionalN'],
]);
const LTSC = mediumOf([
  ['Windows 11 Enterprise LTSC Evaluation', 'EnterpriseSEval'],
  ['Windows 11 Enterprise N LTSC Evaluation', 'EnterpriseSNEval'],
]);

describe('the edition to install', () => {
  test.each([
    ['the only one', mediumOf([['Windows 10 Enterprise Evaluation', 'EnterpriseEval']]), undefined, 1],
    ['the only one that is not an N edition', LTSC, undefined, 1],
    ['of a server Standard with desktop', SERVER, undefined, 2],
    ['by number', SERVER, '3', 3],
    ['by name, in any case', SERVER, 'datacenter evaluation', 3],
    ['by edition id', CONSUMER, 'ProfessionalN', 4],
  ])('%s', (_title, medium, wanted, index) => {
    expect(chooseEdition(medium, { wanted }).index).toBe(index);
  });

  test.each([
    ['several, none plainly right', CONSUMER, undefined, '`win.iso` has several editions'],
    ['a number that is not there', SERVER, '5', 'no edition of `win.iso` is `5`'],
    [
      'an id of two editions',
      SERVER,
      'ServerStandardEval',
      'more than one edition of `win.iso` is `ServerStandardEval`',
    ],
  ])('%s is an error with the list', (_title, medium, wanted, message) => {
    const list = medium.editions.map(({ index, name }) => `${index} (${name})`).join(', ');
    expect(() => chooseEdition(medium, { wanted })).toThrow(
      expect.objectContaining({ code: 'usage', message, hint: `choose one with \`--edition\`: ${list}` }) as Error,
    );
  });

  test('a Windows that no kind supports is refused', () => {
    const vista = mediumOf([['Windows Vista', 'Business', 'desktop', { kind: undefined, version: '6.0.6001.0' }]]);
    expect(() => chooseEdition(vista)).toThrow('edition 1 (Windows Vista) is not a supported Windows');
    const arm = mediumOf([['Windows 11 Pro', 'Professional', 'desktop', { arch: 'arm64' }]]);
    expect(() => chooseEdition(arm)).toThrow('is not a supported Windows');
  });

  test('the kind can be replaced, also where none is known, but only by one with the same form of Setup', () => {
    const next = mediumOf([['Windows 13', 'Professional', 'desktop', { kind: undefined, version: '11.0.1.0' }]]);
    expect(chooseEdition(next, { kind: 'windows-11' }).kind).toBe('windows-11');
    expect(chooseEdition(SERVER, { kind: 'windows-2025' }).kind).toBe('windows-2025');
    const xp = mediumOf([['Windows XP Professional', '', 'desktop', { kind: 'windows-xp', version: '5.1.2600.0' }]]);
    expect(chooseEdition(xp, { kind: 'windows-2003' }).kind).toBe('windows-2003');
    expect(() => chooseEdition(xp, { kind: 'windows-10' })).toThrow('cannot be installed as `windows-10`');
    expect(() => chooseEdition(next, { kind: 'windows-xp' })).toThrow('cannot be installed as `windows-xp`');
  });
});
