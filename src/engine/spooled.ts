/**
 * What is spooled, as text and back: entries, and what is to be done. JSON, which the machine reads and writes
 * faster than anything else it has, with a place of its own for what JSON does not know.
 */
import type { Entry, Value } from './entry.ts';
import type { OperationBody, LinkEffect, Write } from './operation.ts';
import type { AttributeChange, SpoolForm } from './ports.ts';

/** Octets, a character each. */
type Packed = string | { readonly octets: string };
type Attributes = ReadonlyMap<string, readonly Value[]>;
type PackedAttributes = readonly (readonly [string, readonly Packed[]])[];

type PackedEntry = readonly [id: string, name: string | null, attributes: PackedAttributes];

export const SPOOLED_ENTRY: SpoolForm<Entry> = {
  write: ({ id, name, attributes }) =>
    JSON.stringify([id, name ?? null, packAttributes(attributes)] satisfies PackedEntry),
  read: (text) => {
    const [id, name, attributes] = JSON.parse(text) as PackedEntry;
    return { id, name: name ?? undefined, attributes: unpackAttributes(attributes) };
  },
};

interface PackedBody extends Pick<OperationBody, 'record' | 'mark' | 'hashes'> {
  readonly write: unknown;
  readonly link: Exclude<LinkEffect, { kind: 'Put' }> | PackedPut;
}

type Put = Extract<LinkEffect, { kind: 'Put' }>;
type PackedPut = Omit<Put, 'agreed'> & { readonly agreed: readonly (readonly [string, string])[] };

export const SPOOLED_BODY: SpoolForm<OperationBody> = {
  write: ({ record, write, link, mark, hashes }) =>
    JSON.stringify({
      record,
      write: packWrite(write),
      link: packLink(link),
      mark,
      hashes,
    } satisfies PackedBody),
  read: (text) => {
    const { record, write, link, mark, hashes } = JSON.parse(text) as PackedBody;
    return { record, write: unpackWrite(write as PackedWrite), link: unpackLink(link), mark, hashes };
  },
};

function packLink(link: LinkEffect): PackedBody['link'] {
  return link.kind === 'Put' ? { ...link, agreed: [...link.agreed] } : link;
}

function unpackLink(link: PackedBody['link']): LinkEffect {
  return link.kind === 'Put' ? { ...link, agreed: new Map(link.agreed) } : link;
}

type PackedChange = Omit<AttributeChange, 'values' | 'add' | 'remove'> &
  Readonly<Record<'values' | 'add' | 'remove', readonly Packed[]>>;

type PackedWrite =
  | { readonly kind: 'Create'; readonly name: string | undefined; readonly attributes: PackedAttributes }
  | {
      readonly kind: 'Update';
      readonly change: Omit<Extract<Write, { kind: 'Update' }>['change'], 'changes'>;
      readonly changes: readonly PackedChange[];
    }
  | Extract<Write, { kind: 'Delete' | 'None' }>;

function packWrite(write: Write): PackedWrite {
  switch (write.kind) {
    case 'Create':
      return { kind: 'Create', name: write.entry.name, attributes: packAttributes(write.entry.attributes) };
    case 'Update': {
      const { changes, ...change } = write.change;
      return { kind: 'Update', change, changes: changes.map(packChange) };
    }
    case 'Delete':
    case 'None':
      return write;
  }
}

function unpackWrite(write: PackedWrite): Write {
  switch (write.kind) {
    case 'Create':
      return { kind: 'Create', entry: { name: write.name, attributes: unpackAttributes(write.attributes) } };
    case 'Update':
      return { kind: 'Update', change: { ...write.change, changes: write.changes.map(unpackChange) } };
    case 'Delete':
    case 'None':
      return write;
  }
}

function packChange({ attribute, values, add, remove }: AttributeChange): PackedChange {
  return { attribute, values: values.map(pack), add: add.map(pack), remove: remove.map(pack) };
}

function unpackChange({ attribute, values, add, remove }: PackedChange): AttributeChange {
  return { attribute, values: values.map(unpack), add: add.map(unpack), remove: remove.map(unpack) };
}

function packAttributes(attributes: Attributes): PackedAttributes {
  return Array.from(
    attributes,
    ([name, values]) => [name, values.every(isText) ? values : values.map(pack)] as const,
  );
}

function unpackAttributes(attributes: PackedAttributes): Map<string, readonly Value[]> {
  const unpacked = new Map<string, readonly Value[]>();
  for (const [name, values] of attributes)
    unpacked.set(name, values.every(isText) ? values : values.map(unpack));
  return unpacked;
}

function isText(value: Value | Packed): value is string {
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
