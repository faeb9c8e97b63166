/** Matching rules: when two values of an attribute mean the same (RFC 4517 section 4.2, prepared as in RFC 4518). */
import { normalName } from './dn.ts';
import type { Match, Value } from './entry.ts';

const PLAIN_ASCII = /^[\x21-\x7e]*$/;

/** A text that is equal for values that are equal under the rule. Octets become one character a byte. */
export function normalise(value: Value, match: Match): string {
  if (typeof value !== 'string') return octets(value);
  return NORMAL_FORM[match](value);
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
  return PLAIN_ASCII.test(value) ? value.toLowerCase() : value.normalize('NFKC').toLowerCase();
}

function foldSpace(value: string): string {
  return PLAIN_ASCII.test(value) ? value : value.trim().replace(/\s+/g, ' ');
}

function integer(value: string): string {
  return /^[+-]?\d{1,40}$/.test(value.trim()) ? BigInt(value.trim()).toString() : value;
}

/** RFC 4517 section 3.3.13 (`20260101120000Z`, fractions and offsets allowed); other text stays as it is. */
function instant(value: string): string {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,](\d+))?(Z|[+-]\d{2}(?:\d{2})?)$/.exec(
    value.trim(),
  );
  if (!parts) return value;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return value;
  const [fraction = '', zone = 'Z'] = parts.slice(7);
  // A fraction is one of the smallest unit that is written.
  const unit = parts[6] !== undefined ? 1 : parts[5] !== undefined ? 60 : 3600;
  const minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offsetMinutes(zone);
  const seconds = BigInt(minutes) * 60n + BigInt(second);
  if (fraction === '') return `${seconds}.`;
  const scale = 10n ** BigInt(fraction.length);
  const exact = seconds * scale + BigInt(fraction) * BigInt(unit);
  return `${exact / scale}.${String(exact % scale)
    .padStart(fraction.length, '0')
    .replace(/0+$/, '')}`;
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3) || 0);
  return zone.startsWith('-') ? -minutes : minutes;
}

/** Days of the proleptic Gregorian calendar; March is its first month, so that the leap day is the last day. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function octets(value: Uint8Array): string {
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}
