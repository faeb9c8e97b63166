/** Loaded before the program (`node --import`): counts what it asks of its store, and writes the number down at the end. */
import { writeFileSync } from 'node:fs';
import { DatabaseSync, StatementSync } from 'node:sqlite';

type Method = (this: unknown, ...values: unknown[]) => unknown;

const file = process.env['ROLLCALL_STATEMENTS'];
const counts: Record<string, number> = {};

function watch(
  owner: object,
  names: readonly string[],
  textOf: (self: unknown, first: unknown) => string,
): void {
  for (const name of names) {
    const original = Reflect.get(owner, name) as Method;
    const watched: Method = function (...values) {
      const text = textOf(this, values[0]);
      counts[text] = (counts[text] ?? 0) + 1;
      return Reflect.apply(original, this, values);
    };
    Reflect.set(owner, name, watched);
  }
}

watch(DatabaseSync.prototype, ['exec'], (_, sql) => String(sql));
watch(StatementSync.prototype, ['run', 'get', 'all', 'iterate'], (self) => (self as StatementSync).sourceSQL);
process.on('exit', () => {
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
});
