/**
 * Node strips types with WebAssembly, and a process whose threads do so may crash when one of them ends (V8's wrappers
 * are tiered up and freed at once). What is in the compile cache is not stripped again, in no process and no thread.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

/** Everything that a thread of ours loads; on its own it does nothing. */
const THREAD = 'src/runner/run-thread.ts';

export async function cacheStrippedTypes(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] = resolve('node_modules/.cache/compiled');
  await promisify(execFile)(process.execPath, [THREAD]);
}
