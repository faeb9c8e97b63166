/** What a run over unchanged pairs keeps alive, in a process of its own, beside the same run over a handful. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PAIRS = 100_000;
const LIMIT_BYTES = 40 * 1024 * 1024;

interface Measured {
  readonly peak: number;
  readonly seconds: number;
  readonly inSync: number;
}

it('memory for 100 k unchanged pairs stays within 40 MB over the baseline', { timeout: 120_000 }, () => {
  const program = fileURLToPath(new URL('../support/streaming-run.ts', import.meta.url));
  const output = execFileSync(process.execPath, ['--expose-gc', '--no-warnings', program, String(PAIRS)], {
    encoding: 'utf8',
  });
  const { few, many } = JSON.parse(output) as { few: Measured; many: Measured };
  expect(many.inSync).toBe(PAIRS);
  expect(many.peak - few.peak).toBeLessThan(LIMIT_BYTES);
});
