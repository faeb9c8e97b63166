/**
 * Any file, any change to it, any memory of what it held: a skim is a read without what is remembered. Printed with a
 * failure, the seed repeats it: ROLLCALL_CASES and ROLLCALL_SEED.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import fc from 'fast-check';

import type { CsvDialect, CsvExpectation } from '../../src/connectors/csv/config.ts';
import type { Session } from '../../src/connectors/connector.ts';
import type { Entry } from '../../src/engine/entry.ts';
import { ConnectorError } from '../../src/engine/errors.ts';
import type { Evidence } from '../../src/engine/ports.ts';
import type { Unknown } from '../../src/engine/recogniser.ts';
import { csvFolder, type CsvFolder } from '../support/csv-harness.ts';
import { RememberedRecords, skimAll } from '../support/remembered-records.ts';
import { readAll } from './contract.ts';

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 300);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(60_000, CASES * 100);
const CHUNK_BYTES = 64 * 1024;
const REQUEST = { attributes: ['n', 'm'], filter: undefined };

let folder: CsvFolder;
beforeAll(async () => {
  folder = await csvFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const dialect: fc.Arbitrary<Partial<CsvDialect>> = fc.constantFrom<Partial<CsvDialect>>(
  {},
  {},
  { delimiter: ';', quote: "'" },
  { delimiter: '\t', quote: '' },
  { delimiter: 'ü' },
  { quote: '«' },
  { encoding: 'ISO-8859-1' },
  { encoding: 'UTF-16LE' },
);

/** Delimiter and quote stand as D and Q until a dialect is chosen. */
const units = ['a', 'b', 'D', 'Q', '\n', '\r', '\r\n', 'ö', ' ', '|'];
const cell = fc.string({ unit: fc.constantFrom(...units), maxLength: 4 });
const written = (text: string): string => (/[DQ\r\n]/.test(text) ? `Q${text.replaceAll('Q', 'QQ')}Q` : text);
const row = fc
  .tuple(fc.integer({ min: 0, max: 5 }), cell, cell)
  .map(([key, n, m]) => [String(key), written(n), written(m)].join('D'));
const oddRow = fc.oneof(
  fc.constantFrom('', 'END,2', '1DaDb', 'x'.repeat(200)),
  fc.string({ unit: fc.constantFrom(...units), maxLength: 8 }),
);
const line = fc.tuple(
  fc.oneof({ weight: 20, arbitrary: row }, { weight: 2, arbitrary: oddRow }),
  fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom('\n', '\r\n') },
    { weight: 1, arbitrary: fc.constantFrom('\r', '') },
  ),
);

/** Where in the text, in thousandths, something is put in the place of some characters. */
const edit = fc.record({
  at: fc.integer({ min: 0, max: 1000 }),
  cut: fc.integer({ min: 0, max: 3 }),
  put: fc.oneof(
    fc.constantFrom('', 'Q', 'D', '\n', '\r', '1DaDb\n', 'QaQ'),
    line.map((parts) => parts.join('')),
  ),
});

const world = fc.record({
  dialect,
  mark: fc.constantFrom('', '\ufeff'),
  lines: fc.array(line, { maxLength: 14 }),
  edits: fc.array(edit, { maxLength: 2 }),
  /** Where the first chunk ends, counted from the first of the lines; undefined: in one chunk. */
  border: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  chosen: fc.integer({ min: 0 }),
  expect: fc.constantFrom<CsvExpectation>({}, {}, { trailer: 'END,{rows}' }, { rows: 5 }),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function edited(text: string, { at, cut, put }: World['edits'][number]): string {
  const place = Math.floor((text.length * at) / 1000);
  return text.slice(0, place) + put + text.slice(place + cut);
}

/** The file as it is, with a long row before the lines, so that the first chunk ends among them. */
function fileOf(body: string, { dialect: chosen, mark, border }: World): Buffer {
  const { delimiter = ',', quote = '"', encoding = 'UTF-8' } = chosen;
  const inDialect = (text: string): string => text.replaceAll('D', delimiter).replaceAll('Q', quote);
  const encode = (text: string): Buffer => {
    if (encoding === 'UTF-16LE') return Buffer.from(text, 'utf16le');
    return Buffer.from(text, encoding === 'UTF-8' ? 'utf8' : 'latin1');
  };
  const head = encode((encoding === 'ISO-8859-1' ? '' : mark) + inDialect('uidDnDm\n'));
  if (border === undefined) return Buffer.concat([head, encode(inDialect(body))]);
  const frame = encode(inDialect('9DD\n'));
  const width = encode('y').length;
  const filler = 'y'.repeat(Math.floor((CHUNK_BYTES - border - head.length - frame.length) / width));
  return Buffer.concat([head, encode(inDialect(`9D${filler}D\n`)), encode(inDialect(body))]);
}

interface Told {
  readonly entries: readonly Entry[];
  readonly evidence: Evidence;
}

interface Refused {
  readonly refused: string;
}

async function told<T>(reading: Promise<T>): Promise<T | Refused> {
  return reading.catch((error: unknown) => {
    if (error instanceof ConnectorError) return { refused: `${error.code} ${error.message}` };
    throw error;
  });
}

const inText = (entries: readonly Entry[]): readonly string[] =>
  entries.map(({ id, attributes }) => JSON.stringify([id, ...attributes])).sort();

/** What is recognised and what is handed out are together what is read, with the same evidence or the same refusal. */
async function compare(session: Session, records: RememberedRecords): Promise<readonly Unknown[]> {
  const read: Told | Refused = await told(readAll(session, REQUEST));
  const skimmed = await told(skimAll(session, records, REQUEST));
  if ('refused' in read || 'refused' in skimmed) {
    expect(skimmed).toEqual(read);
    return [];
  }
  const handedOut = skimmed.unknown.map(({ entry }) => entry);
  expect(inText([...handedOut, ...records.recognised])).toEqual(inText(read.entries));
  expect(skimmed.evidence).toEqual(read.evidence);
  return skimmed.unknown;
}

const counts = { files: 0, recognised: 0, changed: 0 };

async function live(example: World): Promise<void> {
  const body = example.lines.map((parts) => parts.join('')).join('');
  await folder.write(fileOf(body, example));
  await using session = await folder.open({
    dialect: example.dialect,
    attributes: [{ name: 'm', multiValued: true }],
    expect: example.expect,
  });
  const first = await compare(session, new RememberedRecords());
  const some = new RememberedRecords();
  some.learn(first.filter((_, index) => (example.chosen >> (index % 30)) % 2 === 1));
  await compare(session, some);
  const all = new RememberedRecords();
  all.learn(first);
  const left = await compare(session, all);
  expect(left).toEqual(first.filter(({ rawPrint }) => rawPrint === undefined));
  expect(left.length).toBeLessThanOrEqual(1);
  counts.files += 1;
  counts.recognised += all.recognised.length;
  if (example.edits.length === 0) return;
  await folder.write(fileOf(example.edits.reduce(edited, body), example));
  const later = all.again();
  await compare(session, later);
  counts.changed += later.recognised.length;
}

it(
  'recognises what was handed out before, and nothing else',
  async () => {
    await fc.assert(fc.asyncProperty(world, live), {
      numRuns: CASES,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
    });
    // A property that meets nothing to recognise holds of everything.
    expect(counts.recognised).toBeGreaterThan(counts.files);
    expect(counts.changed).toBeGreaterThan(counts.files / 2);
  },
  LIMIT_MS,
);
