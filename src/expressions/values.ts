/** Values of entries to values of CEL, and results of CEL to values of entries. */
import { isCelList, isCelUint, type CelInput } from '@bufbuild/cel';
import { isMessage } from '@bufbuild/protobuf';
import { timestampDate, timestampFromMs, TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  valuesOf,
  type AttributeSchema,
  type Entry,
  type ObjectSchema,
  type Value,
} from '../engine/entry.ts';
import { EvaluationError } from './evaluation-error.ts';
import { boundedList } from './work-meter.ts';

/** One attribute that an expression reads. */
export interface AttributeRead {
  readonly name: string;
  /** Undefined while the schema is not known: everything is text. */
  readonly schema: ObjectSchema | undefined;
  readonly attribute: AttributeSchema | undefined;
  readonly asList: boolean;
}

export function loadAttribute(entry: Entry | undefined, read: AttributeRead): CelInput {
  const { name, attribute, asList } = read;
  const values = presentValues(entry, read);
  if (asList) return values.map((value) => toCelValue(value, name, attribute));
  const [only] = values;
  if (values.length > 1) {
    throw new EvaluationError(
      `attribute ${name} has ${values.length} values where one is expected; declare it multiValued and treat it as a list`,
    );
  }
  return only === undefined ? null : toCelValue(only, name, attribute);
}

function presentValues(entry: Entry | undefined, { name, schema }: AttributeRead): readonly Value[] {
  if (entry === undefined) return [];
  return schema ? valuesOf(entry, name, schema) : (entry.attributes.get(name) ?? []);
}

function toCelValue(value: Value, name: string, attribute: AttributeSchema | undefined): CelInput {
  if (typeof value !== 'string') return value;
  switch (attribute?.type) {
    case 'Integer':
      return toInteger(value, name);
    case 'Boolean':
      if (!/^(?:true|false)$/i.test(value))
        throw new EvaluationError(`attribute ${name} is neither true nor false`);
      return value.toLowerCase() === 'true';
    case 'Time':
      return toTimestamp(value, name);
    case 'Binary':
      // A system that gives text where octets are declared (CSV): its bytes.
      return new TextEncoder().encode(value);
    case 'String':
    case undefined:
      return value;
  }
}

function toInteger(value: string, name: string): bigint {
  if (!/^[+-]?\d{1,18}$/.test(value)) throw new EvaluationError(`attribute ${name} is not an integer`);
  return BigInt(value.replace(/^\+/, ''));
}

/** What may be left out has a default: minutes, seconds, the zone of a date alone. */
const COMPACT = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** RFC 3339, a date of it (midnight UTC), or LDAP's generalised time (RFC 4517 section 3.3.13). */
function toTimestamp(value: string, name: string): CelInput {
  const [, year, month, day, hour, minute = '00', second = '00', zone = 'Z'] = COMPACT.exec(value) ?? [];
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const text =
    year === undefined ? value.toUpperCase() : `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`;
  const time = RFC_3339.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(time)) throw new EvaluationError(`attribute ${name} is not a time`);
  return timestampFromMs(time);
}

/** Null is no value, and an empty text neither: systems cannot tell it from an absent one. */
export function valuesOfResult(result: unknown): Value[] {
  if (result === null) return [];
  if (!isCelList(result)) return [toValue(result)].filter((value) => value !== '');
  boundedList(result.size);
  return Array.from(result, toValue).filter((value) => value !== '');
}

const SCALARS: readonly string[] = ['bigint', 'boolean', 'number'];

function toValue(result: unknown): Value {
  if (typeof result === 'string' || result instanceof Uint8Array) return result;
  if (SCALARS.includes(typeof result)) return String(result);
  if (isCelUint(result)) return String(result.value);
  const message =
    typeof result === 'object' && result !== null && 'message' in result ? result.message : undefined;
  if (isMessage(message, TimestampSchema)) return generalizedTime(timestampDate(message));
  throw new EvaluationError('the result is no attribute value');
}

function generalizedTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}
