import type { Reporter, TestModule } from 'vitest/node';

/** Suffix of the titles of tests for another operating system. */
const OTHER_SYSTEM = /\((skipped on Windows|Windows only|macOS only)[^)]*\)$/;

/** Fails the run for skipped tests if CI is set. Outside CI it has no effect. */
export class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (process.env['CI'] === undefined) return;
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId}: ${test.fullName}`),
    );
    const unexpected = skipped.filter((title) => !OTHER_SYSTEM.test(title));
    if (unexpected.length === 0) return;
    process.stderr.write(`skipped in CI, which is a failure:\n${unexpected.map((title) => `  ${title}\n`).join('')}`);
    process.exitCode = 1;
  }
}
