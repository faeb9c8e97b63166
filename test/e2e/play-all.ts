/** The scenarios by name, or all; the exit code, and what happened in words. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { playScenario } from './scenario.ts';

const SCENARIOS: string = new URL('scenarios', import.meta.url).pathname;
/** A cluster that has just been made is slow. */
const WAIT_SECONDS = 120;

export async function playAll(names: readonly string[], kubeconfig: string | undefined): Promise<number> {
  const cluster = {
    kubectl: 'kubectl',
    kubeconfig,
    waitSeconds: WAIT_SECONDS,
    say: (line: string) => void process.stdout.write(`${line}\n`),
  };
  let failed = 0;
  const wanted = names.length > 0 ? names : readdirSync(SCENARIOS);
  for (const name of wanted) {
    await playScenario(join(SCENARIOS, name), cluster).catch((error: unknown) => {
      failed++;
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    });
  }
  process.stdout.write(`${wanted.length - failed} of ${wanted.length} scenarios came true\n`);
  return failed === 0 ? 0 : 1;
}
