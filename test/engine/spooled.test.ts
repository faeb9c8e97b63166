/** What is spooled comes back as it was, whatever values it holds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entry, Value } from '../../src/engine/entry.ts';
import type { EntryRecord } from '../../src/engine/entry-record.ts';
import type { LinkEffect, OperationBody, Write } from '../../src/engine/operation.ts';
import { spooledBodies } from '../../src/engine/spooled-body.ts';
import { spooledEntries } from '../../src/engine/spooled-entry.ts';

const text = fc.string({ unit: 'binary' });
const value: fc.Arbitrary<Value> = fc.oneof(text, fc.string({ unit: 'grapheme' }), fc.uint8Array());
const values = fc.array(value, { maxLength: 4 });
const attributes = fc.array(fc.tuple(text, values), { maxLength: 6 }).map((pairs) => new Map(pairs));
const entry: fc.Arbitrary<Entry> = fc.record({
  id: text,
  name: fc.option(text, { nil: undefined }),
  attributes,
});

const changed = fc.record({ attribute: text, values, add: values, remove: values });
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({
    kind: fc.constant('Create' as const),
    entry: fc.record({ name: fc.option(text, { nil: undefined }), attributes }),
  }),
  fc.record({
    kind: fc.constant('Update' as const),
    change: fc.record({
      id: text,
      name: fc.option(text, { nil: undefined }),
      newName: fc.option(text, { nil: undefined }),
      changes: fc.array(changed, { maxLength: 3 }),
    }),
  }),
  fc.record({ kind: fc.constant('Delete' as const), id: text, name: fc.option(text, { nil: undefined }) }),
  fc.constant({ kind: 'None' as const }),
);
const print = fc.option(fc.constant('0f'.repeat(16)), { nil: undefined });
const link: fc.Arbitrary<LinkEffect> = fc.oneof(
  fc.constant({ kind: 'None' as const }),
  fc.record({ kind: fc.constant('Remove' as const), sourceKey: text }),
  fc.record({
    kind: fc.constant('Put' as const),
    sourceId: fc.option(text, { nil: undefined }),
    targetId: fc.option(text, { nil: undefined }),
    agreed: fc.array(fc.tuple(text, text), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    settles: fc.option(fc.record({ source: print, target: print }), { nil: undefined }),
  }),
);
const RECORD: EntryRecord = {
  situation: 'Absent',
  row: 'A11',
  changes: [],
  response: 'CreateTarget',
  rule: null,
  source: '1',
  target: null,
  sourceName: null,
  targetName: null,
  outcome: 'Planned',
  held: null,
  differences: [{ attribute: 'photo', author: null, from: [], to: ['x', { base64: 'AAE=' }] }],
  error: null,
  passedOver: ['a rule: when is false'],
};
const shown = fc.array(fc.oneof(text, fc.constant({ base64: 'AAE=' })), { maxLength: 3 });
const differences = fc.oneof(
  fc.array(fc.record({ attribute: text, author: fc.constant(null), from: fc.constant([]), to: shown })),
  fc.array(fc.record({ attribute: text, author: fc.option(text), from: shown, to: shown }), { maxLength: 3 }),
  // One attribute twice.
  fc
    .record({ attribute: text, author: fc.constant(null), from: fc.constant([]), to: shown })
    .map((one) => [one, one]),
);
const body: fc.Arbitrary<OperationBody> = fc.record({
  record: differences.map((some) => ({ ...RECORD, differences: some })),
  write,
  link,
  mark: fc.constantFrom('Put' as const, 'Drop' as const, undefined),
  hashes: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
});

it('entries', () => {
  const form = spooledEntries();
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 3 }), (entries) => {
      const texts = entries.map((one) => form.write(one));
      expect(texts.map((one) => form.read(one))).toEqual(entries);
    }),
  );
});

it('entries of more kinds than are told apart by a number', () => {
  const form = spooledEntries();
  const entries = Array.from({ length: 5_000 }, (_, at) => ({
    id: String(at),
    name: undefined,
    attributes: new Map([
      ['cn', ['x']],
      [`a${String(at)}`, ['y', 'z']],
    ]),
  }));
  const texts = entries.map((one) => form.write(one));
  expect(texts.map((one) => form.read(one))).toEqual(entries);
});

it('what is to be done', () => {
  const form = spooledBodies();
  fc.assert(
    fc.property(body, (one) => {
      expect(form.read(form.write(one))).toEqual(one);
    }),
  );
});

it.each<{
  readonly what: string;
  readonly values: readonly Value[];
  readonly to: EntryRecord['differences'][0]['to'];
}>([
  { what: 'the same', values: ['a', 'b'], to: ['a', 'b'] },
  { what: 'what nobody may see', values: ['a', 'b'], to: ['[secret]', '[secret]'] },
  { what: 'octets', values: [Uint8Array.of(0, 255), 'b'], to: [{ base64: 'AP8=' }, 'b'] },
  { what: 'fewer', values: ['a', 'b'], to: ['a'] },
  { what: 'more', values: ['a'], to: ['a', 'b'] },
])('what is created, where the record shows $what', ({ values: own, to }) => {
  const made = new Map([
    ['cn', own],
    ['unseen', ['c']],
  ]);
  const created: OperationBody = {
    record: { ...RECORD, differences: [{ attribute: 'cn', author: null, from: [], to }] },
    write: { kind: 'Create', entry: { name: 'cn=a', attributes: made } },
    link: {
      kind: 'Put',
      sourceId: '1',
      targetId: undefined,
      agreed: new Map([
        ['cn', 'aa'],
        ['unseen', 'bb'],
        ['other', 'cc'],
      ]),
      settles: undefined,
    },
    mark: undefined,
    hashes: { cn: 'aa', unseen: 'another' },
  };
  const form = spooledBodies();
  expect(form.read(form.write(created))).toEqual(created);
});
