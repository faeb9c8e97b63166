/**
 * The functions of an expression beside those of CEL itself. docs/expressions.md lists them, and a test runs
 * every example there. Methods on text give null for null: what is absent stays absent.
 */
import {
  celEnv,
  celFunc,
  celListConcat,
  celMethod,
  CelScalar,
  isCelList,
  listType,
  objectType,
  type CelFunc,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { timestampFromMs, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { escapeValue } from '../engine/dn.ts';
import { toAscii } from './ascii.ts';
import { EvaluationError } from './evaluation-error.ts';
import { Patterns } from './patterns.ts';
import { boundedList, boundedText, type WorkMeter } from './work-meter.ts';

const { STRING, INT, DYN, NULL, BOOL, DOUBLE, BYTES } = CelScalar;
const LIST = listType(DYN);

export function expressionFunctions(meter: WorkMeter): CelFunc[] {
  const patterns = new Patterns();
  // Quoting is for programs that are made, and there are none.
  const library = strings.filter((one) => one.name !== 'strings.quote');
  return [
    ...library,
    ...boundedFunctions(),
    ...boundedOperators(meter),
    ...library.filter((one) => one.target === STRING && one.name !== 'format').map(forNull),
    ...patternFunctions(patterns),
    ...['contains', 'startsWith', 'endsWith'].map((name) =>
      celMethod(name, NULL, [STRING], BOOL, () => false),
    ),
    ...textFunctions(),
    ...correctedFunctions(),
    celFunc('coalesce', [DYN, DYN], DYN, (value, other) => (value === null ? other : value)),
  ];
}

function patternFunctions(patterns: Patterns): CelFunc[] {
  return [
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return patterns.find(pattern, this) !== undefined;
    }),
    celMethod('matches', NULL, [STRING], BOOL, () => false),
    celMethod('extract', STRING, [STRING], DYN, function (pattern) {
      return patterns.find(pattern, this)?.(0) ?? null;
    }),
    celMethod('extract', STRING, [STRING, INT], DYN, function (pattern, group) {
      return patterns.find(pattern, this)?.(Number(group)) ?? null;
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
      return toAscii(this, undefined);
    }),
    celMethod('ascii', STRING, [STRING], STRING, function (language) {
      return toAscii(this, language);
    }),
    ...['lower', 'upper', 'ascii'].map((name) => celMethod(name, NULL, [], NULL, () => null)),
    celMethod('ascii', NULL, [STRING], NULL, () => null),
    celFunc('dn.escape', [STRING], STRING, (value) => escapeValue(value)),
    celMethod('distinct', LIST, [], LIST, function () {
      return [...new Set(this)];
    }),
  ];
}

/** The same method on null. */
function forNull(method: CelFunc): CelFunc {
  return celMethod(method.name, NULL, [...method.arguments], NULL, () => null);
}

/** Functions whose result can be much longer than what they are given, with a limit on it. */
function boundedFunctions(): CelFunc[] {
  return [
    celMethod('replace', STRING, [STRING, STRING], STRING, function (old, fresh) {
      return replace(this, old, { fresh, count: Number.POSITIVE_INFINITY });
    }),
    celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (old, fresh, count) {
      return replace(this, old, { fresh, count: count < 0n ? Number.POSITIVE_INFINITY : Number(count) });
    }),
    celMethod('split', STRING, [STRING], listType(STRING), function (separator) {
      return split(this, separator, undefined);
    }),
    celMethod('split', STRING, [STRING, INT], listType(STRING), function (separator, count) {
      return split(this, separator, count < 0n ? undefined : Number(count));
    }),
    celMethod('join', listType(STRING), [], STRING, function () {
      return join(this, '');
    }),
    celMethod('join', listType(STRING), [STRING], STRING, function (separator) {
      return join(this, separator);
    }),
  ];
}

/** `+` could double a text or a list again and again; `in` visits a list as macros do, and so does what they run over. */
function boundedOperators(meter: WorkMeter): CelFunc[] {
  return [
    celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
      boundedText(left.length + right.length);
      return left + right;
    }),
    celFunc('_+_', [BYTES, BYTES], BYTES, (left, right) => {
      boundedText(left.length + right.length);
      return Buffer.concat([left, right]);
    }),
    celFunc('_+_', [LIST, LIST], LIST, (left, right) => {
      boundedList(left.size + right.size);
      return celListConcat(left, right);
    }),
    celFunc('@in', [DYN, LIST], BOOL, (value, list) => {
      meter.spend(list.size);
      return isIn(value, list);
    }),
    celFunc('@bounded', [DYN], DYN, (value) => {
      if (isCelList(value)) {
        boundedList(value.size);
        meter.spend(value.size);
      }
      return value;
    }),
  ];
}

/** As the library has it. */
const isIn = functionOf('@in(dyn,list)');

function functionOf(id: string): (value: unknown, list: unknown) => boolean {
  const found = [...celEnv().funcs].find((one) => one.id === id);
  if (!found) throw new Error(`the language has no function ${id}`);
  return (value, list) => found.call(0, undefined, [value, list] as never) === true;
}

/** What the library does otherwise than the language says: an integer is seconds, and a text that is no number is none. */
function correctedFunctions(): CelFunc[] {
  return [
    celFunc('timestamp', [INT], objectType(TimestampSchema), (seconds) =>
      timestampFromMs(Number(seconds) * 1_000),
    ),
    celFunc('double', [STRING], DOUBLE, (text) => {
      if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text))
        throw new EvaluationError('a text is no number');
      return Number(text);
    }),
    celFunc('int', [STRING], INT, (text) => {
      if (!/^[+-]?\d{1,18}$/.test(text)) throw new EvaluationError('a text is no integer');
      return BigInt(text.replace(/^\+/, ''));
    }),
  ];
}

function replace(
  text: string,
  old: string,
  { fresh, count }: { readonly fresh: string; readonly count: number },
): string {
  if (old === '') throw new EvaluationError('replace needs a text to look for');
  const parts = text.split(old);
  boundedText(parts.length * fresh.length + text.length);
  if (parts.length - 1 <= count) return parts.join(fresh);
  return [...parts.slice(0, count), parts.slice(count).join(old)].join(fresh);
}

/** At most `count` parts; the last one holds the rest. */
function split(text: string, separator: string, count: number | undefined): string[] {
  if (count === 0) return [];
  const parts = text.split(separator);
  boundedList(parts.length);
  if (count === undefined || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function join(values: Iterable<unknown>, separator: string): string {
  const texts: string[] = [];
  let length = 0;
  for (const value of values) {
    if (typeof value !== 'string') throw new EvaluationError('join takes a list of texts');
    length += value.length + separator.length;
    boundedText(length);
    texts.push(value);
  }
  return texts.join(separator);
}
