/** The tables of docs/metrics.md. */
import { readFileSync } from 'node:fs';

export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const PAGE = new URL('../../docs/metrics.md', import.meta.url);
const ROW = /^\| `(\w+)` +\| (\w+) +\| ([^|]*?) *\| (.*?) *\|$/gm;

export function documentedMetrics(): DocumentedMetric[] {
  return [...readFileSync(PAGE, 'utf8').matchAll(ROW)].map(
    ([, name = '', type = '', labels = '', help = '']) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
      help,
    }),
  );
}
