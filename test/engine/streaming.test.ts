/** What a run over unchanged pairs keeps alive, in a process of its own, beside the same run over a handful. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PAIRS = 100_000;
const MEBIBYTE = 1024 * 1024;

interface Measured {
  readonly peak: number;
  readonly seconds: number;
  readonly inSync: number;
  readonly recognised: number;
}

it.each([
  { way: 'recognises', recognised: 2 * PAIRS, limit: 16 },
  { way: 'decodes', recognised: 0, limit: 40 },
])(
  'memory for 100 k unchanged pairs that it $way stays within $limit MB over the baseline',
  { timeout: 120_000 },
  ({ way, recognised, limit }) => {
    const program = fileURLToPath(new URL('../support/streaming-run.ts', import.meta.url));
    const line = ['--expose-gc', '--no-warnings', program, String(PAIRS), way];
    const output = execFileSync(process.execPath, line, { encoding: 'utf8' });
    const { few, many } = JSON.parse(output) as { few: Measured; many: Measured };
    expect([many.inSync, many.recognised]).toEqual([PAIRS, recognised]);
    expect((many.peak - few.peak) / MEBIBYTE).toBeLessThan(limit);
  },
);
