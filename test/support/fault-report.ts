/** Collects what the fault tests found, a row each, for docs/reliability.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FaultRow {
  readonly fault: string;
  readonly injected: string;
  /** What the test has asserted. */
  readonly holds: string;
  /** From the fault, or from its end, until everything was as it should be. */
  readonly seconds?: number;
  /** Of a whole operator, though no time was taken; else those with a time are. */
  readonly timed?: boolean;
}

/** Where `npm run test:faults` gathers its rows; elsewhere nothing is kept. */
const FOLDER = process.env['ROLLCALL_FAULT_ROWS'];

export function recordFault(row: FaultRow): void {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  const name = `${row.fault.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`;
  writeFileSync(join(FOLDER, name), JSON.stringify(row));
}
