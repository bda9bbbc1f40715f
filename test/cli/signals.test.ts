import { expect, test } from 'vitest';
import { onSignals } from '../../src/cli/terminal/interrupt.ts';

test('a second signal directly after the first is handled too; a third has its default effect', () => {
  const before = process.listenerCount('SIGINT');
  const calls: string[] = [];
  onSignals([
    () => {
      calls.push('first');
      // The process would end here without a listener.
      expect(process.listenerCount('SIGINT')).toBe(before + 1);
      process.emit('SIGINT');
    },
    () => void calls.push('second'),
  ]);
  process.emit('SIGTERM');
  expect(calls).toEqual(['first', 'second']);
  expect(process.listenerCount('SIGINT')).toBe(before);
});
