/** Generalised times (RFC 4517 section 3.3.13) as text that is equal for equal instants. The engine has no Date. */
const FORM = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,](\d+))?(Z|[+-]\d{2}(?:\d{2})?)$/;

/** `20260101120000Z`, fractions and offsets allowed; other text stays as it is. */
export function instant(value: string): string {
  const parts = FORM.exec(value.trim());
  if (!parts) return value;
  const numbers = parts.slice(1, 7).map((part) => Number(part ?? 0));
  if (!isInRange(numbers)) return value;
  const [fraction = '', zone = 'Z'] = parts.slice(7);
  return withFraction(secondsOf(numbers) - offsetSeconds(zone), fraction, unitOf(parts));
}

function secondsOf([year = 0, month = 0, day = 0, ...time]: readonly number[]): bigint {
  const [hour = 0, minute = 0, second = 0] = time;
  return BigInt(((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second);
}

const HIGHEST = [9999, 12, 31, 23, 59, 60];
const LOWEST = [0, 1, 1, 0, 0, 0];

function isInRange(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => number >= (LOWEST[at] ?? 0) && number <= (HIGHEST[at] ?? 0));
}

/** A fraction is one of the smallest unit that is written, in seconds. */
function unitOf(parts: RegExpExecArray): bigint {
  if (parts[6] !== undefined) return 1n;
  return parts[5] === undefined ? 3600n : 60n;
}

function withFraction(seconds: bigint, fraction: string, unit: bigint): string {
  if (fraction === '') return `${seconds}.`;
  const scale = 10n ** BigInt(fraction.length);
  const more = BigInt(fraction) * unit;
  const rest = String(more % scale).padStart(fraction.length, '0');
  return `${seconds + more / scale}.${rest.replace(/0+$/, '')}`;
}

function offsetSeconds(zone: string): bigint {
  if (zone === 'Z') return 0n;
  const seconds = BigInt(Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(3) || 0) * 60);
  return zone.startsWith('-') ? -seconds : seconds;
}

/** Days of the proleptic Gregorian calendar; March is its first month, so that the leap day is the last day. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}
