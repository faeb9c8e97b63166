/** Runs once before all tests. */
import { ensureGoPrograms } from './go-programs.ts';
import { ensureSlapd } from './slapd-programs.ts';

export async function setup(): Promise<void> {
  await ensureSlapd();
  await ensureGoPrograms();
}
