/** Runs once before all tests. */
import { ensureSlapd } from './slapd.ts';

export async function setup(): Promise<void> {
  await ensureSlapd();
}
