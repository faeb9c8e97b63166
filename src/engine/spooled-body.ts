/**
 * What is to be done, as text and back. As for entries, nothing is repeated that is the same for nearly all: what a new
 * entry has is what its record shows and what both sides agree on.
 */
import { AttributeNames, type NameList } from './attribute-names.ts';
import type { Value } from './entry.ts';
import type { EntryRecord } from './entry-record.ts';
import type { OperationBody, LinkEffect, Write } from './operation.ts';
import type { AttributeChange, SpoolForm } from './ports.ts';
import {
  isText,
  pack,
  packValues,
  unpack,
  unpackValues,
  type Packed,
  type PackedValues,
} from './spooled-entry.ts';

type PackedBody = readonly [
  record: PackedRecord,
  write: PackedWrite,
  link: PackedLink,
  mark: OperationBody['mark'] | null,
  hashes: PackedHashes,
];

/** For one spool alone: which names its bodies have is kept beside it. */
export function spooledBodies(): SpoolForm<OperationBody> {
  const names = new AttributeNames();
  return {
    write: ({ record, write, link, mark, hashes }) =>
      JSON.stringify([
        packRecord(record, names),
        packWrite(write, record, names),
        packLink(link, names),
        mark ?? null,
        packHashes(hashes, link, names),
      ] satisfies PackedBody),
    read: (text) => {
      const [packed, write, packedLink, mark, hashes] = JSON.parse(text) as PackedBody;
      const record = unpackRecord(packed, names);
      const link = unpackLink(packedLink, names);
      return {
        record,
        write: unpackWrite(write, record, names),
        link,
        mark: mark ?? undefined,
        hashes: unpackHashes(hashes, link, names),
      };
    },
  };
}

// --- records ----------------------------------------------------------------------------------------------

type Recorded = EntryRecord['differences'][number];
type Shown = Recorded['to'];
type PackedDifference = readonly [
  attribute: string,
  author: string | null,
  from: Recorded['from'],
  to: Recorded['to'],
];
/** Where nothing stood before, and nobody has changed it: names and new values. */
interface PackedNews {
  readonly list: NameList;
  readonly to: readonly (string | Shown)[];
}
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
  readonly PackedDifference[] | PackedNews,
  EntryRecord['error'],
  readonly string[],
];

function packRecord(record: EntryRecord, names: AttributeNames): PackedRecord {
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
    packDifferences(record.differences, names),
    record.error,
    record.passedOver,
  ];
}

function unpackRecord(packed: PackedRecord, names: AttributeNames): EntryRecord {
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
    differences: unpackDifferences(packed[11], names),
    error: packed[12],
    passedOver: packed[13],
  };
}

function packDifferences(differences: readonly Recorded[], names: AttributeNames): PackedRecord[11] {
  if (differences.some(({ author, from }) => author !== null || from.length > 0))
    return differences.map(({ attribute, author, from, to }) => [attribute, author, from, to]);
  const list = names.numberOf(differences.map(({ attribute }) => attribute));
  return { list, to: differences.map(({ to }) => (to.length === 1 && isText(to[0]) ? to[0] : to)) };
}

function unpackDifferences(packed: PackedRecord[11], names: AttributeNames): Recorded[] {
  if (!('list' in packed))
    return packed.map(([attribute, author, from, to]) => ({ attribute, author, from, to }));
  return names.of(packed.list).map((attribute, at) => {
    const to = packed.to[at] ?? [];
    return { attribute, author: null, from: [], to: isText(to) ? [to] : to };
  });
}

// --- links and hashes -------------------------------------------------------------------------------------

type Put = Extract<LinkEffect, { kind: 'Put' }>;
type PackedLink =
  | Exclude<LinkEffect, Put>
  | readonly [
      sourceId: string | null,
      targetId: string | null,
      settles: Put['settles'] | null,
      agreed: NameList,
      hashes: readonly string[],
    ];

function packLink(link: LinkEffect, names: AttributeNames): PackedLink {
  if (link.kind !== 'Put') return link;
  const { sourceId, targetId, settles, agreed } = link;
  return [
    sourceId ?? null,
    targetId ?? null,
    settles ?? null,
    names.numberOf([...agreed.keys()]),
    [...agreed.values()],
  ];
}

function unpackLink(packed: PackedLink, names: AttributeNames): LinkEffect {
  if ('kind' in packed) return packed;
  const [sourceId, targetId, settles, list, hashes] = packed;
  const agreed = new Map<string, string>();
  for (const [at, name] of names.of(list).entries()) agreed.set(name, hashes[at] ?? '');
  return {
    kind: 'Put',
    sourceId: sourceId ?? undefined,
    targetId: targetId ?? undefined,
    agreed,
    settles: settles ?? undefined,
  };
}

/** As pairs, or names alone where each is what both sides agree on. */
type PackedHashes = readonly (readonly [string, string])[] | { readonly agreed: NameList };

function packHashes(hashes: OperationBody['hashes'], link: LinkEffect, names: AttributeNames): PackedHashes {
  const pairs = Object.entries(hashes);
  const isAgreed = link.kind === 'Put' && pairs.every(([name, hash]) => link.agreed.get(name) === hash);
  return isAgreed ? { agreed: names.numberOf(Object.keys(hashes)) } : pairs;
}

function unpackHashes(
  packed: PackedHashes,
  link: LinkEffect,
  names: AttributeNames,
): OperationBody['hashes'] {
  // Not by assignment: an attribute may be called __proto__.
  if (!('agreed' in packed)) return Object.fromEntries(packed);
  const agreed = link.kind === 'Put' ? link.agreed : undefined;
  return Object.fromEntries(names.of(packed.agreed).map((name) => [name, agreed?.get(name) ?? '']));
}

// --- writes -----------------------------------------------------------------------------------------------

type PackedChange = Omit<AttributeChange, 'values' | 'add' | 'remove'> &
  Readonly<Record<'values' | 'add' | 'remove', readonly Packed[]>>;

/** No values: those that the record shows. */
type PackedNew = readonly [name: string | null, list: NameList, values?: readonly PackedValues[]];

type PackedWrite =
  | PackedNew
  | {
      readonly kind: 'Update';
      readonly change: Omit<Extract<Write, { kind: 'Update' }>['change'], 'changes'>;
      readonly changes: readonly PackedChange[];
    }
  | Extract<Write, { kind: 'Delete' | 'None' }>;

function packWrite(write: Write, record: EntryRecord, names: AttributeNames): PackedWrite {
  switch (write.kind) {
    case 'Create': {
      const { name = null, attributes } = write.entry;
      const list = names.numberOf([...attributes.keys()]);
      const shown = shownIn(record);
      const isShown = Array.from(attributes).every(([one, values]) => isSame(values, shown.get(one)));
      return isShown ? [name, list] : [name, list, Array.from(attributes.values(), packValues)];
    }
    case 'Update': {
      const { changes, ...change } = write.change;
      return { kind: 'Update', change, changes: changes.map(packChange) };
    }
    case 'Delete':
    case 'None':
      return write;
  }
}

function unpackWrite(write: PackedWrite, record: EntryRecord, names: AttributeNames): Write {
  if (!('kind' in write)) return unpackNew(write, record, names);
  if (write.kind !== 'Update') return write;
  return { kind: 'Update', change: { ...write.change, changes: write.changes.map(unpackChange) } };
}

function unpackNew([name, list, packed]: PackedNew, record: EntryRecord, names: AttributeNames): Write {
  const attributes = new Map<string, readonly Value[]>();
  const shown = packed ? undefined : shownIn(record);
  for (const [at, attribute] of names.of(list).entries())
    attributes.set(
      attribute,
      packed ? unpackValues(packed[at] ?? []) : (shown?.get(attribute) ?? []).filter(isText),
    );
  return { kind: 'Create', entry: { name: name ?? undefined, attributes } };
}

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
