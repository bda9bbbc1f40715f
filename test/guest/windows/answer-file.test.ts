import type { FirmwareKind } from '../../../src/vm/base/spec.ts';
import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerFile } from '../../../src/guest/windows/answer-file.ts';
import type { AnswerFileAnswers } from '../../../src/guest/windows/answer-file.ts';
import { HARDWARE } from '../../../src/guest/windows/machine.ts';
import { columnOf, COLUMNS, ELEMENTS } from '../../../src/guest/windows/elements.ts';
import { scriptCall } from '../../../src/guest/windows/options.ts';

import { winntSif } from '../../../src/guest/windows/winnt-sif.ts';
import { SEED } from '../../support/seed.ts';

const KINDS = [
  'windows-7',
  'windows-2008r2',
  'windows-8.1',
  'windows-2012r2',
  'windows-10',
  'windows-11',
  'windows-2016',
  'windows-2019',
  'windows-2022',
  'windows-2025',
] as const satisfies readonly AnswerFileAnswers['kind'][];

/** Windows 7 cannot start from the UEFI firmware of QEMU. */
function firmwareOf(kind: AnswerFileAnswers['kind']): readonly FirmwareKind[] {
  return HARDWARE[kind].firmwares;
}

function answers(more: Partial<AnswerFileAnswers> = {}): AnswerFileAnswers {
  return {
    kind: 'windows-2022',
    arch: 'amd64',
    firmware: 'uefi',
    edition: 2,
    uiLanguage: 'en-US',
    locale: 'de-DE',
    timeZone: 'W. Europe Standard Time',
    computerName: 'CYGWIN-BUILD',
    password: 'Secret-1',
    ...more,
  };
}

function children(parent: Element): Element[] {
  return [...parent.childNodes].filter((node) => node.nodeType === 1) as Element[];
}

/** The paths of all elements with text: `PASS COMPONENT ELEMENT/ELEMENT`. */
function leaves(xml: string): string[] {
  const root = new DOMParser().parseFromString(xml, 'text/xml').documentElement as Element;
  const walk = (element: Element, path: string): string[] => {
    const inner = children(element);
    return inner.length === 0 ? [path] : inner.flatMap((one) => walk(one, `${path}/${one.localName}`));
  };
  return children(root).flatMap((settings) =>
    children(settings).flatMap((component) =>
      children(component).flatMap((element) => {
        const name = component.getAttribute('name')?.replace('Microsoft-Windows-', '');
        return walk(element, `${settings.getAttribute('pass')} ${name} ${element.localName}`);
      }),
    ),
  );
}

describe.each(KINDS.flatMap((kind) => firmwareOf(kind).map((firmware) => ({ kind, firmware }))))(
  'answers for $kind with $firmware',
  ({ kind, firmware }) => {
    test('are as recorded', async () => {
      await expect(answerFile(answers({ kind, firmware }))).toMatchFileSnapshot(
        `../../../fixtures/windows/${kind}-${firmware}.xml`,
      );
    });

    test('have only elements that exist in this version, each with two users or a reason', () => {
      const column = COLUMNS.indexOf(columnOf(kind));
      for (const leaf of leaves(answerFile(answers({ kind, firmware, productKey: 'AAAAA' })))) {
        const rows = ELEMENTS.filter(({ pass, component, path }) => {
          const start = `${pass} ${component} ${path}`;
          return leaf === start || leaf.startsWith(`${start}/`);
        });
        const proven = rows.some(({ uses, because }) => (uses[column] ?? 0) >= (because === undefined ? 2 : 1));
        expect([leaf, proven]).toEqual([leaf, true]);
      }
    });

    test('have each element once', () => {
      const paths = leaves(answerFile(answers({ kind, firmware })));
      // The partitions are lists.
      const single = paths.filter((path) => !/Partitions\//.test(path));
      expect(single).toEqual([...new Set(single)]);
    });
  },
);

test('an answer file is UTF-8 with CR LF, and begins with its declaration', () => {
  const xml = answerFile(answers());
  expect(xml.startsWith('<?xml version="1.0" encoding="utf-8"?>\r\n<unattend ')).toBe(true);
  expect(xml.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
});

test('a product key is there only if the user gave one', () => {
  expect(answerFile(answers())).not.toContain('<Key>A');
  expect(answerFile(answers({ productKey: 'AAAAA-BBBBB' }))).toContain('<Key>AAAAA-BBBBB</Key>');
});

test('any password comes back as it was', () => {
  assert(
    property(string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }), (password) => {
      const xml = answerFile(answers({ password }));
      const document = new DOMParser().parseFromString(xml, 'text/xml');
      const values = [...document.getElementsByTagName('Value')].map(({ textContent }) => textContent);
      expect(values.slice(1)).toEqual([password, password, password]);
    }),
    { seed: SEED },
  );
});

test.each(['windowspe', 'specialize', 'logon'] as const)('the call of the script for %s is short enough', (phase) => {
  expect(scriptCall(phase).length).toBeLessThan(256);
  expect(scriptCall(phase)).not.toContain('X:');
});

describe.each(['windows-xp', 'windows-2003'] as const)('answers for %s', (kind) => {
  const winnt = { ...answers(), firmware: 'bios', arch: 'x86', kind, timeZone: 85 } as const;

  test('are as recorded', async () => {
    await expect(winntSif(winnt)).toMatchFileSnapshot(`../../../fixtures/windows/${kind}.sif`);
  });

  test('double a percent sign, and refuse what the file cannot hold', () => {
    expect(winntSif({ ...winnt, password: '50%' })).toContain('AdminPassword="50%%"\r\n');
    for (const password of ['a"b', 'a\nb', 'ä'])
      expect(() => winntSif({ ...winnt, password })).toThrow('printable ASCII');
    expect(() => winntSif({ ...winnt, locale: 'xx-XX' })).toThrow('unknown locale');
  });
});
