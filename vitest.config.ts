import { defineConfig } from 'vitest/config';
import { AttackTable } from './test/attack/table.ts';
import { NoSkips } from './test/support/no-skips.ts';

/** Suites that run guests in QEMU, which takes minutes under software emulation, or Windows programs in wine
 *  (`npm run test:machines`). */
const MACHINES = [
  'test/acceptance/windows.test.ts',
  'test/rehearsal/{boot,build,install*}.test.ts',
  'test/serve/view-machine.test.ts',
  'test/stages/{boot,firmware,install-failures,quiet,run,run-failures,snapshot-failures,topology,watch}.test.ts',
  'test/guest/controller.test.ts',
  'test/guest/resume.test.ts',
  'test/guest/stand-in.test.ts',
  'test/guest/windows/script{,-steps}-wine.test.ts',
  'test/vm/firmware.test.ts',
  'test/vm/machine.test.ts',
  'test/vm/machine-devices.test.ts',
  'test/vm/memory-image.test.ts',
  'test/vm/tpm.test.ts',
];

/** Attacks and faults by the hundreds, from a seed (`npm run attack`); their table is in `src/docs/trust.md`. */
const ATTACKS = ['test/attack/*.test.ts'];

const shared = {
  setupFiles: ['test/support/warnings.ts'],
  testTimeout: 60_000,
  // Installing, booting and freezing a machine.
  hookTimeout: 240_000,
};

/** Machine suites share the kernels and images in the cache of the user. */
const ownCache = { setupFiles: [...shared.setupFiles, 'test/support/own-cache.ts'] };

export default defineConfig({
  test: {
    reporters: ['default', new NoSkips(), new AttackTable()],
    globalSetup: ['test/support/build.ts'],
    // The files share nothing, so they run beside each other. The default would be one worker on two processors.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...shared,
          ...ownCache,
          name: 'default',
          include: ['test/**/*.test.ts'],
          exclude: [...MACHINES, ...ATTACKS],
        },
      },
      { test: { ...shared, name: 'machines', include: MACHINES } },
      { test: { ...shared, ...ownCache, name: 'attack', include: ATTACKS } },
    ],
  },
});
