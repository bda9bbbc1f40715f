import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  CygstrapError,
  examineHost,
  findSnapshot,
  installVm,
  listStages,
  prepareVm,
  runVm,
  snapshotVm,
} from '../../src/index.ts';
import type { Event, VmContext } from '../../src/index.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { runStage } from '../../src/stages/run.ts';
import type { Bench } from './support.ts';

/** Tests of the library with the stages of a bench that `build` has made. */
export function testLibrary(bench: () => Bench): void {
  describe('as a library', () => {
    const events: Event[] = [];
    const prepared = async (signal?: AbortSignal): Promise<VmContext> =>
      prepareVm({
        directory: bench().vmDir,
        env: process.env,
        version: 'test',
        report: (event) => void events.push(event),
        signal,
      });
    const machineOptions = { memoryMiB: 256, diskMiB: 2048 };

    test('install, snapshot and run: output, files and exit code', async () => {
      expect(await examineHost({ env: process.env })).toMatchObject({ isReady: true });
      const context = await prepared();
      const installed = await installVm({ repo: bench().repo, lock: bench().lock, machineOptions }, context);
      const snapshot = await snapshotVm({ installed }, context);
      expect(await findSnapshot(snapshot.key.slice(0, 8), context)).toEqual(snapshot);
      expect(events.flatMap((event) => (event.kind === 'stage-reused' ? event.key : []))).toEqual([
        installed.key,
        snapshot.key,
      ]);
      expect((await listStages({ directory: bench().vmDir, env: process.env })).map(({ key }) => key)).toEqual(
        expect.arrayContaining([installed.key, snapshot.key]),
      );

      const [input, output] = [join(bench().path, 'library-in'), join(bench().path, 'library-out')];
      mkdirSync(input);
      writeFileSync(join(input, 'question'), 'why');
      const said = { stdout: '', stderr: '' };
      const argv = ['sh', '-c', 'tr a-z A-Z <in/question >out/answer; echo "$WORD"; echo more >&2; exit 9'];
      const result = await runVm(
        { argv, environment: { WORD: 'said' }, input, output },
        { ...context, snapshot, onOutput: (stream, chunk) => void (said[stream] += Buffer.from(chunk).toString()) },
      );
      expect(result).toMatchObject({ code: 9, isCold: false, kept: null });
      expect(said).toEqual({ stdout: 'said\n', stderr: 'more\n' });
      expect(readFileSync(join(output, 'answer'), 'utf8')).toBe('WHY');
    });

    test('output is passed on byte for byte, or printed as UTF-8 with --encoding', async () => {
      const script = "printf '\\201\\000\\377'";
      const context = await prepared();
      const snapshot = await findSnapshot(undefined, context);
      const chunks: Uint8Array[] = [];
      const onOutput = (_: string, chunk: Uint8Array): unknown => chunks.push(chunk);
      await runVm(
        { argv: ['sh', '-c', script] },
        { ...context, snapshot, onOutput: (...each) => void onOutput(...each) },
      );
      expect(Buffer.concat(chunks).toString('hex')).toBe('8100ff');
      expect((await bench().vm(['vm', 'run', '--encoding', 'cp850', '--', 'sh', '-c', script])).stdout).toBe(
        'ü\0\u00a0',
      );
      const list = join(bench().path, 'encoded lines');
      writeFileSync(list, `${script}; printf '\\201\\n' >&2\n`);
      const each = await bench().vm(['vm', 'run', '--each', list, '--encoding', 'cp850', '--before', 'echo ü']);
      expect(each.stdout).toBe('[1] ü\0\u00a0\n');
      expect(each.stderr).toContain('[1] ü\n[1] ü\n');
    });

    test('drive letters are connected after the shares; the clock stays at the date of the snapshot', async () => {
      const context = await prepared();
      const snapshot = await findSnapshot(undefined, context);
      // This guest has no drive letters: the command prints what it is to connect.
      const connectDrives = (drives: ReadonlyMap<string, string>): string =>
        `ls -d ${standIn.shares.xchg}/run-* >/dev/null && echo ${[...drives].flat().join(' ')}`;
      const guest = { ...standIn, commands: { ...standIn.commands, connectDrives } };
      let printed = '';
      await runStage(
        { ...context, guest },
        snapshot,
        {
          argv: ['date', '+%s'],
          environment: {},
          timeoutMs: 60_000,
          isKept: false,
          drives: new Map([
            ['Z', 'xchg'],
            ['S', 'store'],
          ]),
          clock: 'installed',
        },
        { onOutput: (_, chunk) => void (printed += Buffer.from(chunk).toString()) },
      );
      const [drives, seconds] = printed.split('\n');
      expect(drives).toBe('Z xchg S store');
      const lateMs = Number(seconds) * 1000 - Date.parse(snapshot.made.saved);
      expect(lateMs).toBeGreaterThan(-1000);
      expect(lateMs).toBeLessThan(Date.now() - Date.parse(snapshot.made.saved) - 5000);
    });

    test('each failure has its error code', async () => {
      const controller = new AbortController();
      const context = await prepared(controller.signal);
      const run = {
        ...context,
        snapshot: await findSnapshot(bench().stages().snapshot[0], context),
        onOutput: () => {},
      };
      await expect(
        installVm({ repo: bench().repo, lock: join(bench().path, 'none'), machineOptions }, context),
      ).rejects.toMatchObject({ code: 'not-found' });
      await expect(findSnapshot('nosuchkey', context)).rejects.toMatchObject({ code: 'usage' });
      await expect(runVm({ argv: ['true'], input: join(bench().path, 'none') }, run)).rejects.toMatchObject({
        code: 'usage',
      });
      await expect(runVm({ argv: ['sleep', '100'], timeoutMs: 3000 }, run)).rejects.toMatchObject({
        code: 'guest',
        message: 'the command did not end within 3 s',
      });
      await expect(runVm({ argv: ['sh', '-c', 'echo c >/proc/sysrq-trigger; sleep 100'] }, run)).rejects.toMatchObject({
        code: 'vm',
      });
      const reason = new CygstrapError('interrupted', 'enough');
      const stopped = runVm(
        { argv: ['sh', '-c', 'echo begun; sleep 100'] },
        { ...run, onOutput: () => controller.abort(reason) },
      );
      await expect(stopped).rejects.toBe(reason);
      expect(readdirSync(join(bench().vmDir, 'work'))).toEqual([]);
    });
  });
}
