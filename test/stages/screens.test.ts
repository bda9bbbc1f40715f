import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Screens } from '../../src/stages/watch/screens.ts';
import { temporaryDirectory } from '../vm/support.ts';

/** Returns whether screenshots, each of one letter, are of a still screen; `-` is progress of the machine. */
async function isStill(pictures: string): Promise<boolean> {
  let picture = '';
  const screens = new Screens(
    { screenshot: (path) => writeFile(path, picture) },
    join(temporaryDirectory(), 'screen.png'),
  );
  for (picture of pictures) {
    if (picture === '-') screens.forget();
    else await screens.take();
  }
  return screens.isStill();
}

test.each([
  ['one picture', 'aa', true],
  ['a text cursor that blinks', 'abab', true],
  ['a cursor that blinks irregularly', 'abbaabab', true],
  ['a loader and two screens before it', 'abccc', true],
  ['a loader and three screens before a cursor that blinks', 'abcdefef', true],
  ['too few pictures', 'a', false],
  ['two pictures', 'ab', false],
  ['a screen that has just changed', 'aaaaaab', false],
  ['a bar that advances slowly', 'aabbccddeeffgg', false],
  ['an animation', 'abcabcabc', false],
  ['progress since the last pictures', 'aaaa-a', false],
  ['nothing', '', false],
])('a screen with %s', async (_, pictures, expected) => {
  expect(await isStill(pictures)).toBe(expected);
});
