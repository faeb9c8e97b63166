/**
 * Which column and which attribute tell that a row and an account are the same person. Nothing is believed for its
 * name alone: the values have to be the same in fact, on both sides only once, and without contradicting each other.
 */
import type { Match } from '../../engine/entry.ts';
import { normalise } from '../../engine/matching.ts';
import type { Accounts } from './accounts.ts';
import type { Column } from './columns.ts';
import { columnExpression } from './expression-text.ts';
import { usualNames } from './usual-names.ts';

/** Fewer may be chance. */
const MIN_HITS = 3;
const MIN_SHARE = 0.05;
/** Of the values of a key, so many have to be the only ones. */
const KEY_DISTINCT = 0.95;
/** Of pairs that two rules find, so many have to be the same ones. */
const AGREEING = 0.98;
const MAX_RULES = 3;
/** Among few people these tell everybody apart by chance, and soon they do not. */
const SHARED_BY_PEOPLE = ['givenName', 'sn', 'cn', 'displayName', 'telephoneNumber', 'title', 'l'];
const SHARED_WEIGHT = 0.25;

export interface ProposedRule {
  readonly attribute: string;
  /** Undefined: an expression. */
  readonly column: string | undefined;
  readonly expression: string;
  /** Rows that hit exactly one account. */
  readonly hits: number;
  /** Row → account. */
  readonly pairs: ReadonlyMap<number, number>;
  readonly score: number;
}

export interface Correlation {
  readonly rules: readonly ProposedRule[];
  /** Row → account, by the first rule that hits. */
  readonly pairs: ReadonlyMap<number, number>;
}

interface Key {
  readonly column: Column;
  readonly isCopy: boolean;
  readonly expression: string;
  readonly values: readonly string[];
}

export function correlate(columns: readonly Column[], accounts: Accounts): Correlation {
  const keys = columns.flatMap(keysOf).filter(({ values }) => isKey(values));
  const candidates = accounts
    .attributes()
    .flatMap((attribute) => candidatesOf(attribute, keys, accounts))
    .toSorted((one, other) => other.score - one.score);
  const pairs = new Map<number, number>();
  const rules: ProposedRule[] = [];
  for (const candidate of candidates) {
    if (rules.length === MAX_RULES) break;
    if (!isPlausible(candidate, columns, accounts) || !addsTo(pairs, candidate)) continue;
    rules.push(candidate);
    for (const [row, account] of candidate.pairs) if (!pairs.has(row)) pairs.set(row, account);
  }
  return { rules, pairs };
}

/** The column as it is, and of an address what stands before the @. */
function keysOf(column: Column): Key[] {
  const expression = columnExpression(column.name);
  const copy = { column, isCopy: true, expression, values: column.values };
  if (!usualNames(column.name).includes('mail')) return [copy];
  const values = column.values.map((value) => value.split('@')[0] ?? '');
  return [copy, { column, isCopy: false, expression: `${expression}.extract('^[^@]+')`, values }];
}

function isKey(values: readonly string[]): boolean {
  const filled = values.filter((value) => value !== '');
  return filled.length >= MIN_HITS && new Set(filled).size >= filled.length * KEY_DISTINCT;
}

function candidatesOf(attribute: string, keys: readonly Key[], accounts: Accounts): ProposedRule[] {
  const match = accounts.matchOf(attribute);
  const index = indexOf(attribute, match, accounts);
  if (!index) return [];
  return keys.flatMap((key) => {
    const pairs = pairsOf(key, match, index);
    const smaller = Math.min(key.column.filled, index.size);
    if (pairs.size < MIN_HITS || pairs.size < smaller * MIN_SHARE) return [];
    const known = usualNames(key.column.name).includes(attribute) ? 1.2 : 1;
    // Who has left keeps the number; addresses and logins are given to others.
    const lasting = attribute === 'employeeNumber' ? 2 : 1;
    const copied = key.isCopy ? 1 : 0.5;
    const telling = SHARED_BY_PEOPLE.includes(attribute) ? SHARED_WEIGHT : 1;
    return [
      {
        attribute,
        column: key.isCopy ? key.column.name : undefined,
        expression: key.expression,
        hits: pairs.size,
        pairs,
        score: pairs.size * known * lasting * copied * telling,
      },
    ];
  });
}

/** Value → account; undefined for a value of several. No index where the attribute is no key. */
function indexOf(
  attribute: string,
  match: Match,
  accounts: Accounts,
): Map<string, number | undefined> | undefined {
  const index = new Map<string, number | undefined>();
  let values = 0;
  for (const at of accounts.entries.keys()) {
    for (const value of accounts.valuesOf(at, attribute)) {
      const key = normalise(value, match);
      values++;
      index.set(key, index.has(key) && index.get(key) !== at ? undefined : at);
    }
  }
  return values >= MIN_HITS && index.size >= values * KEY_DISTINCT ? index : undefined;
}

function pairsOf(
  key: Key,
  match: Match,
  index: ReadonlyMap<string, number | undefined>,
): Map<number, number> {
  const pairs = new Map<number, number>();
  for (const [row, value] of key.values.entries()) {
    const account = value === '' ? undefined : index.get(normalise(value, match));
    if (account !== undefined) pairs.set(row, account);
  }
  return pairs;
}

/** Numbers may coincide: the names of people who are paired by chance do not. */
function isPlausible({ pairs }: ProposedRule, columns: readonly Column[], accounts: Accounts): boolean {
  for (const attribute of ['sn', 'givenName', 'mail']) {
    const column = columns.find(({ name }) => usualNames(name).includes(attribute));
    if (!column) continue;
    const { both, same } = agreement(column.values, attribute, pairs, accounts);
    if (both >= MIN_HITS && same < both / 2) return false;
  }
  return true;
}

/** A rule has to find somebody whom those before it do not, and nobody else for whom they do. */
function addsTo(known: ReadonlyMap<number, number>, { pairs }: ProposedRule): boolean {
  const both = [...pairs].filter(([row]) => known.has(row));
  const same = both.filter(([row, account]) => known.get(row) === account).length;
  return pairs.size > both.length && same >= both.length * AGREEING;
}

export interface Agreement {
  /** Pairs with a value on both sides. */
  readonly both: number;
  readonly same: number;
}

/** How many pairs have the value of the row in the account's attribute. */
export function agreement(
  values: readonly string[],
  attribute: string,
  pairs: ReadonlyMap<number, number>,
  accounts: Accounts,
): Agreement {
  let both = 0;
  let same = 0;
  for (const [row, account] of pairs) {
    const value = values[row] ?? '';
    if (value === '' || accounts.valuesOf(account, attribute).length === 0) continue;
    both++;
    if (accounts.has(account, attribute, value)) same++;
  }
  return { both, same };
}
