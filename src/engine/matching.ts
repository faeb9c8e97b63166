/** Matching rules: when two values of an attribute mean the same (RFC 4517 section 4.2, prepared as in RFC 4518). */
import { normalName } from './dn.ts';
import type { Match, ObjectSchema, Value } from './entry.ts';
import { instant } from './generalized-time.ts';

/** What Unicode leaves as it is, and where no space but U+0020 stands. */
const ASCII = /^[\x20-\x7e]*$/;
const NEEDLESS_SPACE = /^ | $| {2}/;

/** A text that is equal for values that are equal under the rule. Octets become one character a byte. */
export function normalise(value: Value, match: Match): string {
  if (typeof value !== 'string') return octets(value);
  return NORMAL_FORM[match](value);
}

/** The form that all spellings of an entry's id share under its matching rule; an id of an unknown type is exact. */
export function keyOfId(id: string, schema: ObjectSchema): string {
  return normalise(id, schema.attributes.get(schema.id)?.match ?? 'Exact');
}

const NORMAL_FORM: Readonly<Record<Match, (value: string) => string>> = {
  Exact: (value) => value,
  OctetString: (value) => value,
  IgnoreCase: foldCase,
  IgnoreSpace: foldSpace,
  IgnoreCaseAndSpace: (value) => foldCase(foldSpace(value)),
  TelephoneNumber: (value) => value.replace(/[\s-]+/g, '').toLowerCase(),
  DistinguishedName: normalName,
  GeneralizedTime: instant,
  Integer: integer,
  Boolean: (value) => value.toLowerCase(),
};

export function sameValue(one: Value, other: Value, match: Match): boolean {
  return one === other || normalise(one, match) === normalise(other, match);
}

/** The values as a sorted set of normal forms: order and repetition mean nothing. */
export function normalSet(values: readonly Value[], match: Match): string[] {
  const first = values[0];
  if (values.length === 1 && first !== undefined) return [normalise(first, match)];
  return [...new Set(values.map((value) => normalise(value, match)))].toSorted();
}

export function sameValues(one: readonly Value[], other: readonly Value[], match: Match): boolean {
  if (one.length === 1 && other.length === 1 && one[0] === other[0]) return true;
  const left = normalSet(one, match);
  const right = normalSet(other, match);
  return left.length === right.length && left.every((value, at) => value === right[at]);
}

/** The values of `one` that `other` does not have. */
export function without(one: readonly Value[], other: readonly Value[], match: Match): Value[] {
  const known = new Set(other.map((value) => normalise(value, match)));
  const kept: Value[] = [];
  for (const value of one) {
    const normal = normalise(value, match);
    if (!known.has(normal)) kept.push(value);
    known.add(normal);
  }
  return kept;
}

function foldCase(value: string): string {
  return ASCII.test(value) ? value.toLowerCase() : value.normalize('NFKC').toLowerCase();
}

function foldSpace(value: string): string {
  if (ASCII.test(value) && !NEEDLESS_SPACE.test(value)) return value;
  return value.trim().replace(/\s+/g, ' ');
}

function integer(value: string): string {
  return /^[+-]?\d{1,40}$/.test(value.trim()) ? BigInt(value.trim()).toString() : value;
}

function octets(value: Uint8Array): string {
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}
