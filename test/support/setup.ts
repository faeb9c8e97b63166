/** Runs once before all tests. */
import { ensureGoPrograms } from './go-programs.ts';
import { ensureSlapd } from './slapd-programs.ts';
import { cacheStrippedTypes } from './stripped-types.ts';

export async function setup(): Promise<void> {
  await cacheStrippedTypes();
  await ensureSlapd();
  await ensureGoPrograms();
}
