/**
 * Loaded before the program (`node --import`): counts what it does to the world – file, socket and database calls, before
 * and after each – and ends the process by SIGKILL at one of them, has a command done there, or writes all of them down.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { DatabaseSync, StatementSync } from 'node:sqlite';

type Method = (this: unknown, ...values: unknown[]) => unknown;

const at = Number(process.env['ROLLCALL_KILL_AT'] ?? Infinity);
const list = process.env['ROLLCALL_KILL_LIST'];
/** `after read,3`: at the third of that name, before the program hears of it. */
const [doName, doNth] = (process.env['ROLLCALL_DO_AT'] ?? '').split(',');
let count = 0;
let named = 0;

function step(name: string): void {
  count++;
  if (list !== undefined) appendFileSync(list, `${name}\n`);
  if (count === at) process.kill(process.pid, 'SIGKILL');
  if (name === doName && ++named === Number(doNth))
    execFileSync('sh', ['-c', process.env['ROLLCALL_DO'] ?? '']);
}

function watch(owner: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(owner, name) as Method;
    const watched: Method = function (...values) {
      step(`before ${name}`);
      const result = Reflect.apply(original, this, values);
      if (result instanceof Promise) return result.finally(() => step(`after ${name}`));
      step(`after ${name}`);
      return result;
    };
    Reflect.set(owner, name, watched);
  }
}

watch(DatabaseSync.prototype, ['exec']);
watch(StatementSync.prototype, ['run']);
watch(promises, ['open', 'rename', 'rm', 'writeFile']);
watch(Socket.prototype, ['write', 'push']);
const handle = await promises.open(new URL(import.meta.url));
watch(Object.getPrototypeOf(handle) as object, ['read', 'write', 'sync', 'datasync']);
await handle.close();
syncBuiltinESMExports();
