/**
 * What is spooled, as text and back: entries, and what is to be done. JSON, which the machine reads and writes
 * faster than anything else it has, of flat lists: names that are the same for all are not repeated in each.
 */
import { AttributeNames } from './attribute-names.ts';
import type { Entry, Value } from './entry.ts';
import type { EntryRecord } from './entry-record.ts';
import type { OperationBody, LinkEffect, Write } from './operation.ts';
import type { AttributeChange, SpoolForm } from './ports.ts';

/** Octets, a character each. */
type Packed = string | { readonly octets: string };
/** One text, as most attributes have it, or a list. */
type PackedValues = string | readonly Packed[];
type Attributes = ReadonlyMap<string, readonly Value[]>;

type PackedEntry = [
  id: string,
  name: string | null,
  names: number | readonly string[],
  ...values: PackedValues[],
];

/** For one spool alone: which names its entries have is kept beside it. */
export function spooledEntries(): SpoolForm<Entry> {
  const names = new AttributeNames();
  return {
    write: ({ id, name, attributes }) => {
      const packed: PackedEntry = [id, name ?? null, names.numberOf(attributes)];
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

type PackedBody = readonly [
  record: PackedRecord,
  write: PackedWrite,
  link: PackedLink,
  mark: OperationBody['mark'] | null,
  hashes: readonly (string | null)[],
];

export const SPOOLED_BODY: SpoolForm<OperationBody> = {
  write: ({ record, write, link, mark, hashes }) =>
    JSON.stringify([
      packRecord(record),
      packWrite(write, record),
      packLink(link),
      mark ?? null,
      packHashes(hashes, link),
    ] satisfies PackedBody),
  read: (text) => {
    const [packed, write, packedLink, mark, hashes] = JSON.parse(text) as PackedBody;
    const record = unpackRecord(packed);
    const link = unpackLink(packedLink);
    return {
      record,
      write: unpackWrite(write, record),
      link,
      mark: mark ?? undefined,
      hashes: unpackHashes(hashes, link),
    };
  },
};

// --- records ----------------------------------------------------------------------------------------------

type PackedDifference = readonly [
  attribute: string,
  author: string | null,
  from: EntryRecord['differences'][number]['from'],
  to: EntryRecord['differences'][number]['to'],
];
/** In the order in which they are written below. */
type PackedRecord = readonly [
  string | null,
  string | null,
  readonly string[],
  string | null,
  string | null,
  string | null,
  string | null,
  string | null,
  string | null,
  EntryRecord['outcome'],
  EntryRecord['held'],
  readonly PackedDifference[],
  EntryRecord['error'],
  readonly string[],
];

function packRecord(record: EntryRecord): PackedRecord {
  return [
    record.situation,
    record.row,
    record.changes,
    record.response,
    record.rule,
    record.source,
    record.target,
    record.sourceName,
    record.targetName,
    record.outcome,
    record.held,
    record.differences.map(({ attribute, author, from, to }) => [attribute, author, from, to]),
    record.error,
    record.passedOver,
  ];
}

function unpackRecord(packed: PackedRecord): EntryRecord {
  const [situation, row, changes, response, rule, source, target, sourceName, targetName] = packed;
  return {
    situation,
    row,
    changes,
    response,
    rule,
    source,
    target,
    sourceName,
    targetName,
    outcome: packed[9],
    held: packed[10],
    differences: packed[11].map(([attribute, author, from, to]) => ({ attribute, author, from, to })),
    error: packed[12],
    passedOver: packed[13],
  };
}

// --- links and hashes -------------------------------------------------------------------------------------

type Put = Extract<LinkEffect, { kind: 'Put' }>;
/** `agreed`: name, hash, name, hash … */
type PackedLink =
  | Exclude<LinkEffect, Put>
  | readonly [
      sourceId: string | null,
      targetId: string | null,
      settles: Put['settles'] | null,
      agreed: readonly string[],
    ];

function packLink(link: LinkEffect): PackedLink {
  if (link.kind !== 'Put') return link;
  const agreed: string[] = [];
  for (const [name, hash] of link.agreed) agreed.push(name, hash);
  return [link.sourceId ?? null, link.targetId ?? null, link.settles ?? null, agreed];
}

function unpackLink(packed: PackedLink): LinkEffect {
  if ('kind' in packed) return packed;
  const [sourceId, targetId, settles, flat] = packed;
  const agreed = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) agreed.set(flat[at] ?? '', flat[at + 1] ?? '');
  return {
    kind: 'Put',
    sourceId: sourceId ?? undefined,
    targetId: targetId ?? undefined,
    agreed,
    settles: settles ?? undefined,
  };
}

/** Name, hash, name, hash …; no hash: it is what both sides agree on. */
function packHashes(hashes: OperationBody['hashes'], link: LinkEffect): PackedBody[4] {
  const agreed = link.kind === 'Put' ? link.agreed : undefined;
  return Object.entries(hashes).flatMap(([name, hash]) => [name, agreed?.get(name) === hash ? null : hash]);
}

function unpackHashes(packed: PackedBody[4], link: LinkEffect): OperationBody['hashes'] {
  const agreed = link.kind === 'Put' ? link.agreed : undefined;
  const pairs: [string, string][] = [];
  for (let at = 0; at < packed.length; at += 2) {
    const name = packed[at] ?? '';
    pairs.push([name, packed[at + 1] ?? agreed?.get(name) ?? '']);
  }
  // Not by assignment: an attribute may be called __proto__.
  return Object.fromEntries(pairs);
}

// --- writes -----------------------------------------------------------------------------------------------

type PackedChange = Omit<AttributeChange, 'values' | 'add' | 'remove'> &
  Readonly<Record<'values' | 'add' | 'remove', readonly Packed[]>>;

/** Null: the values that the record shows for it. */
type PackedNew = readonly [
  name: string | null,
  attributes: readonly (readonly [attribute: string, values: PackedValues | null])[],
];

type PackedWrite =
  | PackedNew
  | {
      readonly kind: 'Update';
      readonly change: Omit<Extract<Write, { kind: 'Update' }>['change'], 'changes'>;
      readonly changes: readonly PackedChange[];
    }
  | Extract<Write, { kind: 'Delete' | 'None' }>;

function packWrite(write: Write, record: EntryRecord): PackedWrite {
  switch (write.kind) {
    case 'Create':
      return [write.entry.name ?? null, packNew(write.entry.attributes, record)];
    case 'Update': {
      const { changes, ...change } = write.change;
      return { kind: 'Update', change, changes: changes.map(packChange) };
    }
    case 'Delete':
    case 'None':
      return write;
  }
}

function unpackWrite(write: PackedWrite, record: EntryRecord): Write {
  if (!('kind' in write))
    return {
      kind: 'Create',
      entry: { name: write[0] ?? undefined, attributes: unpackNew(write[1], record) },
    };
  if (write.kind !== 'Update') return write;
  return { kind: 'Update', change: { ...write.change, changes: write.changes.map(unpackChange) } };
}

function packNew(attributes: Attributes, record: EntryRecord): PackedNew[1] {
  const shown = shownIn(record);
  return Array.from(
    attributes,
    ([name, values]) => [name, isSame(values, shown.get(name)) ? null : packValues(values)] as const,
  );
}

function unpackNew(packed: PackedNew[1], record: EntryRecord): Map<string, readonly Value[]> {
  const shown = shownIn(record);
  const attributes = new Map<string, readonly Value[]>();
  for (const [name, values] of packed)
    attributes.set(name, values === null ? (shown.get(name) ?? []).filter(isText) : unpackValues(values));
  return attributes;
}

type Shown = EntryRecord['differences'][number]['to'];

function shownIn({ differences }: EntryRecord): Map<string, Shown> {
  return new Map(differences.map(({ attribute, to }) => [attribute, to]));
}

/** Not where octets are shown in another form, or nothing is shown at all. */
function isSame(values: readonly Value[], shown: Shown | undefined): boolean {
  return shown?.length === values.length && values.every((value, at) => isText(value) && value === shown[at]);
}

function packChange({ attribute, values, add, remove }: AttributeChange): PackedChange {
  return { attribute, values: values.map(pack), add: add.map(pack), remove: remove.map(pack) };
}

function unpackChange({ attribute, values, add, remove }: PackedChange): AttributeChange {
  return { attribute, values: values.map(unpack), add: add.map(unpack), remove: remove.map(unpack) };
}

// --- values -----------------------------------------------------------------------------------------------

function packValues(values: readonly Value[]): PackedValues {
  const [first] = values;
  if (values.length === 1 && isText(first)) return first;
  return values.map(pack);
}

function unpackValues(packed: PackedValues): readonly Value[] {
  return isText(packed) ? [packed] : packed.map(unpack);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function pack(value: Value): Packed {
  if (typeof value === 'string') return value;
  let octets = '';
  for (const octet of value) octets += String.fromCharCode(octet);
  return { octets };
}

function unpack(packed: Packed): Value {
  if (typeof packed === 'string') return packed;
  return Uint8Array.from(packed.octets, (character) => character.charCodeAt(0));
}
