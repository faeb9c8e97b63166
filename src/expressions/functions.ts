/**
 * The functions of an expression beside those of CEL itself. docs/expressions.md lists them, and a test runs
 * every example there. Methods on text give null for null: what is absent stays absent.
 */
import { celFunc, celMethod, CelScalar, listType, type CelFunc } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { RE2JS } from 're2js';
import { escapeValue } from '../engine/dn.ts';

const { STRING, INT, DYN, NULL, BOOL } = CelScalar;

/** A text that an expression makes may not be longer: it would be written to a directory. */
const MAX_TEXT = 65_536;
/** Elements that comprehensions of one evaluation may visit. */
export const MAX_WORK = 100_000;
/** Elements of one list that a comprehension may run over. */
export const MAX_LIST = 10_000;
const MAX_PATTERNS = 200;

/** Letters that Unicode does not take apart into a base letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', ł: 'l', Ł: 'L', đ: 'd', Đ: 'D' },
  ...{ ð: 'd', Ð: 'D', þ: 'th', Þ: 'Th', ı: 'i', ħ: 'h', Ħ: 'H', ŋ: 'n', Ŋ: 'N', ĸ: 'k', ŧ: 't', Ŧ: 'T' },
};
const GERMAN: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', Ä: 'Ae', Ö: 'Oe', Ü: 'Ue' };

/** Letters of the Latin script to ASCII; what has no counterpart is left out. */
export function toAscii(text: string, table: Readonly<Record<string, string>> = {}): string {
  const mapped = [...text.normalize('NFC')]
    .map((letter) => table[letter] ?? LETTERS[letter] ?? letter)
    .join('');
  return mapped
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '');
}

/** What one evaluation may spend; reset before each. */
export class WorkMeter {
  #left = MAX_WORK;

  reset(): void {
    this.#left = MAX_WORK;
  }

  spend(elements: number): void {
    if (elements > MAX_LIST) throw new Error(`a list of ${elements} elements is longer than ${MAX_LIST}`);
    this.#left -= elements;
    if (this.#left < 0) throw new Error(`more than ${MAX_WORK} elements are visited`);
  }
}

export function expressionFunctions(meter: WorkMeter): CelFunc[] {
  const patterns = new Map<string, RE2JS>();
  const compile = (pattern: string): RE2JS => {
    const known = patterns.get(pattern);
    if (known) return known;
    const compiled = RE2JS.compile(pattern);
    if (patterns.size < MAX_PATTERNS) patterns.set(pattern, compiled);
    return compiled;
  };
  return [
    ...strings,
    ...boundedFunctions(),
    ...strings.filter((one) => one.target === STRING).map(forNull),
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return compile(pattern).matcher(this).find();
    }),
    ...['matches', 'contains', 'startsWith', 'endsWith'].map((name) =>
      celMethod(name, NULL, [STRING], BOOL, () => false),
    ),
    ...extractors(compile),
    ...textFunctions(),
    celFunc('coalesce', [DYN, DYN], DYN, (value, other) => (value === null ? other : value)),
    celFunc('@bounded', [DYN], DYN, (value) => {
      const size = sizeOf(value);
      if (size !== undefined) meter.spend(size);
      return value;
    }),
  ];
}

function extractors(compile: (pattern: string) => RE2JS): CelFunc[] {
  const extract = (text: string, pattern: string, group: bigint): string | null => {
    const matcher = compile(pattern).matcher(text);
    return matcher.find() ? (matcher.group(Number(group)) ?? null) : null;
  };
  return [
    celMethod('extract', STRING, [STRING], DYN, function (pattern) {
      return extract(this, pattern, 0n);
    }),
    celMethod('extract', STRING, [STRING, INT], DYN, function (pattern, group) {
      return extract(this, pattern, group);
    }),
    celMethod('extract', NULL, [STRING], NULL, () => null),
    celMethod('extract', NULL, [STRING, INT], NULL, () => null),
  ];
}

function textFunctions(): CelFunc[] {
  return [
    celMethod('lower', STRING, [], STRING, function () {
      return this.toLowerCase();
    }),
    celMethod('upper', STRING, [], STRING, function () {
      return this.toUpperCase();
    }),
    celMethod('ascii', STRING, [], STRING, function () {
      return toAscii(this);
    }),
    celMethod('ascii', STRING, [STRING], STRING, function (language) {
      if (language !== 'de') throw new Error(`ascii knows the language 'de' only`);
      return toAscii(this, GERMAN);
    }),
    ...['lower', 'upper', 'ascii'].map((name) => celMethod(name, NULL, [], NULL, () => null)),
    celMethod('ascii', NULL, [STRING], NULL, () => null),
    celFunc('dn.escape', [STRING], STRING, (value) => escapeValue(value)),
    celMethod('distinct', listType(DYN), [], listType(DYN), function () {
      return [...new Set(this)];
    }),
  ];
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('size' in value)) return undefined;
  return typeof value.size === 'number' ? value.size : undefined;
}

/** The same method on null. */
function forNull(method: CelFunc): CelFunc {
  return celMethod(method.name, NULL, [...method.arguments], NULL, () => null);
}

/** Functions whose result can be much longer than what they are given, with a limit on it. */
function boundedFunctions(): CelFunc[] {
  return [
    celMethod('replace', STRING, [STRING, STRING], STRING, function (old, fresh) {
      return replace(this, old, fresh, Number.POSITIVE_INFINITY);
    }),
    celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (old, fresh, count) {
      return replace(this, old, fresh, count < 0n ? Number.POSITIVE_INFINITY : Number(count));
    }),
    celMethod('join', listType(STRING), [], STRING, function () {
      return join([...this], '');
    }),
    celMethod('join', listType(STRING), [STRING], STRING, function (separator) {
      return join([...this], separator);
    }),
  ];
}

function replace(text: string, old: string, fresh: string, count: number): string {
  if (old === '') throw new Error('replace needs a text to look for');
  const parts = text.split(old);
  if (parts.length * fresh.length + text.length > MAX_TEXT)
    throw new Error(`a text longer than ${MAX_TEXT} characters`);
  if (parts.length - 1 <= count) return parts.join(fresh);
  return [...parts.slice(0, count), parts.slice(count).join(old)].join(fresh);
}

function join(values: readonly unknown[], separator: string): string {
  let length = 0;
  for (const value of values) {
    if (typeof value !== 'string') throw new Error('join takes a list of texts');
    length += value.length + separator.length;
    if (length > MAX_TEXT) throw new Error(`a text longer than ${MAX_TEXT} characters`);
  }
  return values.join(separator);
}
