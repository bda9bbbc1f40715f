import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    setupFiles: ['test/support/warnings.ts'],
    testTimeout: 60_000,
    // Installing, booting and freezing a machine.
    hookTimeout: 240_000,
  },
});
