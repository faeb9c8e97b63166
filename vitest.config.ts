import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const setup = 'test/support/setup.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: existsSync(setup) ? [setup] : [],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Most files wait for servers more than they work; two at a time keep two cores busy.
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      thresholds: { branches: 90, functions: 90, lines: 90, 'src/engine/**': { branches: 100 } },
    },
  },
});
