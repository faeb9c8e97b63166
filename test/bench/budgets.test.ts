/**
 * Every scenario of the benchmark with few people: what comes of it, and exactly what the directory and the store are
 * asked meanwhile. A call for every entry that nobody meant to make shows here, long before a clock would show it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROGRAM } from '../support/rollcall.ts';
import { measure } from './measure.ts';
import { checkResult } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { World } from './world.ts';

const HOOK = new URL('../support/count-statements.ts', import.meta.url).pathname;
/** No whole number of pages, and enough that one call for each would stand out from everything else. */
const PEOPLE = 1_500;
const PAGES = 2;
const CHANGED = PEOPLE / 100;
/** Each is written once, and deleted once. */
const JOURNAL_ROWS = Math.ceil(PEOPLE / 32);
/** Rows that go into one table without a pause: 64 at once, and the rest in powers of two. */
const gathered = (rows: number): number =>
  Math.floor(rows / 64) + (rows % 64).toString(2).replaceAll('0', '').length;
/** The root DSE and the schema, on a connection of their own. */
const OPENING = { BIND: 2, SRCH: 2 };

interface Budget {
  readonly operations: Readonly<Record<string, number>>;
  /** Searches more, at most: which of the two sides is read first is not certain. */
  readonly fetches?: number;
  /**
   * But for those that begin and end a transaction, the book of what was spent, and rows of the journal that shrink. Where
   * entries are created one by one, as many rows go into a statement as were created meanwhile: at most so many.
   */
  readonly statements: number;
  /** Where entries are written one by one, what was done is booked every half second: at most so many. */
  readonly transactions: number;
}

const NOT_COUNTED =
  /^(BEGIN|COMMIT|INSERT INTO spent|DELETE FROM spent|SELECT body FROM intents WHERE number|UPDATE intents)/;
const NOTHING: Budget = { operations: {}, statements: 0, transactions: 0 };
const searches = (count: number): Budget['operations'] => ({ ...OPENING, SRCH: OPENING.SRCH + count });

const BUDGETS: Readonly<Record<string, Budget>> = {
  'start-up: validate of the cookbook': NOTHING,
  'start-up: a run over nobody': { operations: searches(1), statements: 37, transactions: 9 },
  'first load, CSV → Repository': {
    operations: {},
    statements: 86 + 3 * gathered(PEOPLE),
    transactions: 14,
  },
  // The very first run after the load: what that has written is recognised.
  'nothing changed, CSV → Repository': { operations: {}, statements: 47, transactions: 3 },
  'plan of creations, -o json': {
    operations: searches(1),
    statements: 51 + 2 * gathered(PEOPLE),
    transactions: 9,
  },
  'first load into an empty directory': {
    operations: { ...searches(1), ADD: PEOPLE },
    statements: 57 + PEOPLE / 2 + 2 * JOURNAL_ROWS,
    transactions: PEOPLE / 20,
  },
  'nothing changed, CSV × LDAP': { operations: searches(PAGES), statements: 46, transactions: 3 },
  'nothing changed, CSV × LDAP over LDAPS': { operations: searches(PAGES), statements: 46, transactions: 3 },
  'nothing changed, Repository × LDAP': { operations: searches(PAGES), statements: 47, transactions: 3 },
  'first run over two full sides, no difference': {
    operations: searches(PAGES),
    statements: 59 + 2 * gathered(PEOPLE),
    transactions: 12,
  },
  // Of those whose row has changed the entries that have not are fetched where they came before the row. Each link is looked up once.
  '1 % changed': {
    operations: { ...searches(PAGES), MOD: CHANGED },
    fetches: 1,
    statements: 58 + CHANGED + 2 * gathered(CHANGED),
    transactions: PEOPLE / 20,
  },
  'nothing changed, half as many again not linked': {
    operations: searches(PAGES + 1),
    statements: 48,
    transactions: 3,
  },
};

const folder = mkdtempSync(join(tmpdir(), 'rollcall-budgets-'));
const counted = join(folder, 'statements');
let world: World;
beforeAll(async () => {
  const env = { ROLLCALL_STATEMENTS: counted, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  world = await World.open({ seed: 1, program: PROGRAM, nodeWords: ['--import', HOOK], env });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

it('has a budget for every scenario', () => {
  expect(Object.keys(BUDGETS)).toEqual(SCENARIOS.map(({ name }) => name));
});

it.each(SCENARIOS)('$name: the result, and what it asks for', async (scenario) => {
  const { own } = await scenario.ready(world, scenario.sizeOf(PEOPLE));
  await own.before?.();
  await world.directory.slapd.forget();
  const command = own.command();
  await measure(command);
  checkResult(own, command);
  const { operations, fetches = 0, statements, transactions } = BUDGETS[scenario.name] ?? NOTHING;
  const asked = await world.directory.slapd.operations();
  const counts = countsOf(asked.map(({ op }) => op));
  const fetched = (counts['SRCH'] ?? 0) - (operations['SRCH'] ?? 0);
  expect(fetched).toBeGreaterThanOrEqual(0);
  expect(fetched).toBeLessThanOrEqual(fetches);
  expect(counts).toEqual({ ...operations, ...(fetched > 0 && { SRCH: counts['SRCH'] }) });
  const ofStore = Object.entries(JSON.parse(readFileSync(counted, 'utf8')) as Record<string, number>);
  const made = sumOf(ofStore.filter(([sql]) => !NOT_COUNTED.test(sql)));
  if (operations['ADD'] !== undefined) expect(made).toBeLessThanOrEqual(statements);
  else expect(made).toBe(statements);
  const begun = sumOf(ofStore.filter(([sql]) => sql.startsWith('BEGIN')));
  const isPaced = operations['ADD'] !== undefined || operations['MOD'] !== undefined;
  if (isPaced) expect(begun).toBeLessThanOrEqual(transactions);
  else expect(begun).toBe(transactions);
});

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sumOf(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}
