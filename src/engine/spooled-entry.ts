/**
 * Entries as text and back. JSON, which the machine reads and writes faster than anything else it has, of flat lists:
 * names that are the same for nearly all are not repeated in each.
 */
import { AttributeNames, type NameList } from './attribute-names.ts';
import type { Entry, Value } from './entry.ts';
import type { SpoolForm } from './ports.ts';

/** Octets, a character each. */
export type Packed = string | { readonly octets: string };
/** One text, as most attributes have it, or a list. */
export type PackedValues = string | readonly Packed[];

type PackedEntry = [id: string, name: string | null, names: NameList, ...values: PackedValues[]];

/** For one spool alone: which names its entries have is kept beside it. */
export function spooledEntries(): SpoolForm<Entry> {
  const names = new AttributeNames();
  return {
    write: ({ id, name, attributes }) => {
      const packed: PackedEntry = [id, name ?? null, names.numberOf([...attributes.keys()])];
      for (const values of attributes.values()) packed.push(packValues(values));
      return JSON.stringify(packed);
    },
    read: (text) => {
      const packed = JSON.parse(text) as PackedEntry;
      const [id, name, list] = packed;
      const attributes = new Map<string, readonly Value[]>();
      let at = 3;
      for (const attribute of names.of(list))
        attributes.set(attribute, unpackValues(packed[at++] as PackedValues));
      return { id, name: name ?? undefined, attributes };
    },
  };
}

export function packValues(values: readonly Value[]): PackedValues {
  const [first] = values;
  if (values.length === 1 && isText(first)) return first;
  return values.map(pack);
}

export function unpackValues(packed: PackedValues): readonly Value[] {
  return isText(packed) ? [packed] : packed.map(unpack);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function pack(value: Value): Packed {
  if (typeof value === 'string') return value;
  let octets = '';
  for (const octet of value) octets += String.fromCharCode(octet);
  return { octets };
}

export function unpack(packed: Packed): Value {
  if (typeof packed === 'string') return packed;
  return Uint8Array.from(packed.octets, (character) => character.charCodeAt(0));
}
