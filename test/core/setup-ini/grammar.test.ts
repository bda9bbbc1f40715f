import { expect, test, describe } from 'vitest';
import { ParseError } from '../../../src/core/setup-ini/diagnostics.ts';
import { parseText, type ParsedIndex } from '../../../src/core/setup-ini/parser/parse.ts';
import { findings, fixtures, outcome, parseCut, randomCuts, randomFrom, rows } from './support.ts';

const SEED = 20260217;
const CUTS_PER_FIXTURE = 20;

describe('setup accepts', () => {
  test.each(fixtures('accept'))('$name', async ({ bytes, path }) => {
    const parsed = parseText(bytes, { file: 'setup.ini' });
    await expect(rows(parsed)).toMatchFileSnapshot(path.replace(/ini$/, 'expected.jsonl'));
  });
});

describe('setup refuses', () => {
  test.each(fixtures('refuse'))('$name', async ({ bytes, path }) => {
    let refusal: unknown;
    try {
      parseText(bytes, { file: 'setup.ini' });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ParseError);
    const { diagnostics, message, code } = refusal as ParseError;
    const first = diagnostics.find((one) => one.severity === 'error');
    expect(code).toBe('parse');
    expect(message).toContain(`setup.ini:${first?.line}:${first?.column}: ${first?.message}`);
    await expect(findings(diagnostics)).toMatchFileSnapshot(path.replace(/ini$/, 'expected.txt'));
  });

  test.each(fixtures('refuse'))('$name: a lenient parse has the same findings', ({ bytes }) => {
    const strict = outcome(() => parseText(bytes, { file: 'setup.ini' })) as ParseError['diagnostics'];
    const lenient = parseText(bytes, { file: 'setup.ini', lenient: true });
    expect(lenient.diagnostics.every((one) => one.severity === 'warning')).toBe(true);
    expect(findings(lenient.diagnostics)).toBe(findings(strict));
  });
});

describe(`any chunks give the same result, with and without the line reader (seed ${SEED})`, () => {
  const all = [...fixtures('accept'), ...fixtures('refuse')];
  test.each(all)('$name', ({ bytes }) => {
    const random = randomFrom(SEED);
    for (const lenient of [false, true]) {
      const parse = (cuts: Iterable<number>, tokensOnly: boolean): ReturnType<typeof outcome> =>
        outcome((): ParsedIndex => parseCut(bytes, cuts, { lenient, tokensOnly }));
      const whole = parse([], false);
      expect(parse([], true)).toEqual(whole);
      expect(parse(bytes.keys(), false)).toEqual(whole);
      expect(parse(bytes.keys(), true)).toEqual(whole);
      for (let round = 0; round < CUTS_PER_FIXTURE; round++) {
        const cuts = randomCuts(bytes.length, random);
        expect(parse(cuts, false), `cuts ${cuts.join()}`).toEqual(whole);
      }
    }
  });
});
