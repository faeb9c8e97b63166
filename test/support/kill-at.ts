/**
 * Loaded before the program (`node --import`): counts what it does to the world – file, socket and database calls, before
 * and after each – and ends the process by SIGKILL at one of them, or writes all of them down.
 */
import { appendFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { DatabaseSync, StatementSync } from 'node:sqlite';

type Method = (this: unknown, ...values: unknown[]) => unknown;

const at = Number(process.env['ROLLCALL_KILL_AT'] ?? Infinity);
const list = process.env['ROLLCALL_KILL_LIST'];
let count = 0;

function step(name: string): void {
  count++;
  if (list !== undefined) appendFileSync(list, `${name}\n`);
  if (count === at) process.kill(process.pid, 'SIGKILL');
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
