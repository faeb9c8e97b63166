/** Canonical forms and keyed hashes of entries and values. */
import { normalise, normalSet } from './matching.ts';
import { valuesOf, type AttributeSchema, type Entry, type ObjectSchema, type Value } from './entry.ts';
import type { Digest } from './ports.ts';

/** Remembered value hashes are 64 bits: compared only with one other value of the same attribute. */
const VALUE_HASH_DIGITS = 16;

/**
 * 128 bits over the given attributes: attribute by attribute, values as they stand, sorted (order means
 * nothing), length-prefixed. Values are not normalised: a change of case on one side can matter on the other,
 * and looking at a pair in full once more costs little.
 */
export function printOf(
  entry: Entry,
  attributes: readonly string[],
  schema: ObjectSchema,
  digest: Digest,
): string {
  let text = `${entry.id.length}:${entry.id}`;
  for (const attribute of attributes) {
    const values = valuesOf(entry, attribute, schema);
    const [value = ''] = values;
    // As most are: in one piece, since this is done for every entry that is read.
    if (values.length === 1 && typeof value === 'string') text += `|1,${value.length}:${value}`;
    else text += `|${values.length}${values.map(prefixed).toSorted().join('')}`;
  }
  return shortHash(text, digest);
}

function prefixed(value: Value): string {
  const text = typeof value === 'string' ? value : `\0${normalise(value, 'OctetString')}`;
  return `,${text.length}:${text}`;
}

/** A keyed hash (hex) of a set of values under the attribute's matching rule. */
export function hashValues(values: readonly Value[], attribute: AttributeSchema, digest: Digest): string {
  let text = '';
  for (const value of normalSet(values, attribute.match))
    text += `${text === '' ? '' : ','}${value.length}:${value}`;
  return digest.hash(`value|${attribute.name}|${text}`).slice(0, VALUE_HASH_DIGITS);
}

export function hashKey(scope: string, key: string, digest: Digest): string {
  return digest.hash(`${scope}|${key}`);
}

/** 128 bits: what identifies operations, plans and epochs. */
export function shortHash(text: string, digest: Digest): string {
  return digest.hash(text);
}
