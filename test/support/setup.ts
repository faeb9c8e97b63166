/** Runs once before all tests. */
import { ensureSlapd } from './slapd-programs.ts';

export async function setup(): Promise<void> {
  await ensureSlapd();
}
