import { describe, expect, it } from 'vitest';
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  oneof,
  record,
  string,
  tuple,
} from 'fast-check';

import { RowBoundaries, type Found } from '../../src/connectors/csv/boundaries.ts';
import type { CsvDialect } from '../../src/connectors/csv/config.ts';
import { RowSkimmer } from '../../src/connectors/csv/row-skimmer.ts';
import { RowScanner, type RowBatch, type RowFault } from '../../src/connectors/csv/rows.ts';
import { PLAIN } from '../support/csv-harness.ts';

/** Chunks of `size` octets in memory that the next one overwrites, as a file's are. */
function* piecesOf(text: Buffer, size: number): Generator<Buffer> {
  const memory = Buffer.alloc(size);
  for (let at = 0; at < text.length; at += size) {
    memory.fill(0x21);
    yield memory.subarray(0, text.copy(memory, 0, at, at + size));
  }
  memory.fill(0x21);
}

interface Cut {
  readonly rows: readonly string[];
  readonly lines: readonly number[];
  readonly end: Found;
  readonly rest: string;
}

function cut(text: string | Buffer, size: number, dialect: CsvDialect = PLAIN): Cut {
  const boundaries = new RowBoundaries(dialect);
  const rows: string[] = [];
  const lines: number[] = [];
  let end: Found = 'Beginning';
  for (const piece of piecesOf(Buffer.from(text), size)) {
    boundaries.append(piece);
    for (end = boundaries.next(); end === 'Row'; end = boundaries.next()) {
      rows.push(boundaries.row().toString());
      lines.push(boundaries.line);
    }
    if (end === 'Doubt') break;
  }
  return { rows, lines, end, rest: boundaries.rest().toString() };
}

describe.each([1, 2, 3, 7, 1000])('in chunks of %d octets', (size) => {
  it.each([
    ['LF', 'a,b\nc,d\n', ['a,b\n', 'c,d\n'], [1, 2]],
    ['CRLF', 'a,b\r\nc,d\r\n', ['a,b\r\n', 'c,d\r\n'], [1, 2]],
    ['mixed', 'a\r\nb\nc\r\n', ['a\r\n', 'b\n', 'c\r\n'], [1, 2, 3]],
    ['blank lines', '\na\n\r\n\nb\n', ['\n', 'a\n', '\r\n', '\n', 'b\n'], [1, 2, 3, 4, 5]],
    ['a quoted LF', '"a\nb",c\nd\n', ['"a\nb",c\n', 'd\n'], [1, 3]],
    ['a quoted CRLF', 'x,"a\r\nb"\r\nd\n', ['x,"a\r\nb"\r\n', 'd\n'], [1, 3]],
    ['a quoted CR', '"a\rb"\nd\n', ['"a\rb"\n', 'd\n'], [1, 3]],
    ['a quoted CR before the closing quote', '"a\r"\nd\n', ['"a\r"\n', 'd\n'], [1, 3]],
    ['doubled quotes', '"a""\n""b"\n"""",""\nd\n', ['"a""\n""b"\n', '"""",""\n', 'd\n'], [1, 3, 4]],
    ['quotes in one row of three', 'a\n"b"\nc\n', ['a\n', '"b"\n', 'c\n'], [1, 2, 3]],
    ['letters of several octets', 'ä,🦊\nü\n', ['ä,🦊\n', 'ü\n'], [1, 2]],
  ])('cuts rows with %s', (_, text, rows, lines) => {
    expect(cut(text, size)).toEqual({ rows, lines, end: 'Beginning', rest: '' });
  });

  it.each([
    ['a row without a line end', 'a\nb', ['a\n'], 'b'],
    ['a quote that may go on', 'a\n"b\nc\n', ['a\n'], '"b\nc\n'],
    ['a CR that an LF may follow', 'a\nb\r', ['a\n'], 'b\r'],
    ['a CR behind a quoted cell', 'a\n"b"\r', ['a\n'], '"b"\r'],
    ['a closing quote that may be doubled', 'a\n"b"', ['a\n'], '"b"'],
  ])('waits for the rest of %s', (_, text, rows, rest) => {
    expect(cut(text, size)).toMatchObject({ rows, end: 'Beginning', rest });
  });

  it.each([
    ['a lone CR', 'a\nb\rc\nd\n', 'b\rc'],
    ['a lone CR before a quoted cell', 'a\nb\r"c"\nd\n', 'b\r'],
    ['a lone CR behind a quoted cell', 'a\n"b"\rc\nd\n', '"b"\r'],
    ['a quote inside a cell', 'a\nb"c"\nd\n', 'b"'],
    ['text after a closing quote', 'a\n"b"c\nd\n', '"b"c'],
    ['a NUL after a closing quote', 'a\n"b"\0\nd\n', '"b"\0'],
    ['what is not UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a, 0x64, 0x0a]), '\ufffd\n'],
  ])('doubts %s and stays before its row', (_, text, rest) => {
    const found = cut(text, size);
    expect(found).toMatchObject({ rows: ['a\n'], end: 'Doubt' });
    expect(found.rest.startsWith(rest)).toBe(true);
  });

  it('takes quotes for letters where the dialect has none', () => {
    expect(cut('"a\n"\n', size, { ...PLAIN, quote: '' })).toMatchObject({ rows: ['"a\n', '"\n'] });
  });

  it.each([{ delimiter: 'ü' }, { quote: '«' }])('leaves %j to the parser', (more) => {
    expect(cut('a\n', size, { ...PLAIN, ...more })).toMatchObject({ rows: [], end: 'Doubt' });
  });
});

it('leaves a row of more than 15 megabytes to the parser, whole or not', () => {
  const long = `"${'x'.repeat(15 * 1024 * 1024)}`;
  expect(cut(`a\n${long}"\n`, 65_536)).toMatchObject({ rows: ['a\n'], end: 'Doubt' });
  expect(cut(`a\n${long}"\n`, 20_000_000)).toMatchObject({ rows: ['a\n'], end: 'Doubt' });
  expect(cut(`a\n${long}`, 65_536)).toMatchObject({ rows: ['a\n'], end: 'Doubt' });
});

describe('a row of 50,000 members', () => {
  const members = (count: number): string =>
    Array.from({ length: count }, (_, at) => `uid=""u${at}"",ou=people\r\n`).join('|');
  const text = `id,members\ng1,"${members(50_000)}"\ng2,x\n`;

  it('is found whole, and those after it, with their lines', () => {
    const { rows, lines, end } = cut(text, 65_536);
    expect(rows.map(({ length }) => length)).toEqual([11, text.length - 16, 5]);
    expect([lines, end]).toEqual([[1, 2, 50_003], 'Beginning']);
  });

  it.each([
    ['a quoted cell', 'g1,"aaaaaa', 'a|b"\n'],
    ['a plain cell', '"g1",aaaaaa', 'a|b\n'],
    ['a quoted cell that may be over', 'g1,"aaaaaa"', '"a|b"\n'],
    ['a row that may be over', '"g1",aaaaaa\r', '\n'],
  ])('is looked at once, in however small pieces it comes: %s', (_, first, second) => {
    const boundaries = new RowBoundaries(PLAIN);
    boundaries.append(Buffer.from(first));
    expect(boundaries.next()).toBe('Beginning');
    // Whoever looks here again finds a quote within a cell, and doubts.
    boundaries.rest().write('"x', 6);
    boundaries.append(Buffer.from(second));
    expect(boundaries.next()).toBe('Row');
    expect(boundaries.row()).toHaveLength(first.length + second.length);
  });
});

it('keeps nothing of what follows a row after which nothing can be read', async () => {
  using scanner = new RowScanner(PLAIN);
  expect((await scanner.push(Buffer.from('"a"b,c,d\n'))).hopeless).toBe(true);
  const before = process.memoryUsage().arrayBuffers;
  const chunk = Buffer.alloc(65_536, 'a,b\n');
  for (let count = 0; count < 500; count += 1) await scanner.push(chunk);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});

interface Seen {
  /** In Latin-1, so that no octet is lost. */
  readonly octets: string;
  readonly cells: readonly string[];
  readonly line: number;
}

async function scanned(
  reader: RowScanner | RowSkimmer,
  pieces: Iterable<Buffer>,
): Promise<{ rows: readonly Seen[]; faults: readonly RowFault[] }> {
  const rows: Seen[] = [];
  const faults: RowFault[] = [];
  const take = (batch: RowBatch): void => {
    for (const { cells, raw, line } of batch.rows) rows.push({ octets: raw.toString('latin1'), cells, line });
    faults.push(...batch.faults);
  };
  for (const piece of pieces) take(await reader.push(piece));
  take(await reader.end());
  reader[Symbol.dispose]();
  return { rows, faults };
}

it.each([
  ['a quote within a cell', 'x"y,b\n', 1],
  ['an octet that is no UTF-8', '\xff,b\n', 1],
  ['a line that ends with CR', 'x,b\r', 0],
])('recognises rows after %s again, from the next chunk on', async (_, damaged, faults) => {
  const known = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_row, at) => `${from + at},b\n`).join('');
  const recogniser = { recognise: (): string | undefined => undefined };
  const skimmer = new RowSkimmer(PLAIN, { recogniser, header: ['id', 'b'] });
  const first = await skimmer.push(Buffer.from(`id,b\n${known(0, 5)}${damaged}${known(6, 12)}`, 'latin1'));
  expect([first.recognised?.count, first.faults.length]).toEqual([5, faults]);
  const second = await skimmer.push(Buffer.from(known(12, 20)));
  expect(second.recognised?.count).toBeGreaterThanOrEqual(8);
  // The header, and what the parser has read: none is lost.
  const rows = [...first.rows, ...second.rows, ...(await skimmer.end()).rows];
  const recognised = (first.recognised?.count ?? 0) + (second.recognised?.count ?? 0);
  expect(rows.length + recognised + faults).toBe(1 + 20);
});

const cell = string({
  unit: constantFrom('a', 'b', ',', '"', '\n', '\r', '\r\n', 'ü', '\0', ' '),
  maxLength: 4,
});
const validRow = array(cell, { minLength: 1, maxLength: 3 }).map((cells) =>
  cells.map((text) => (/[,"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(','),
);
const anyRow = string({ unit: constantFrom('a', ',', '"', '\n', '\r', 'ü', '\ufeff'), maxLength: 8 });
const row = oneof({ weight: 30, arbitrary: validRow }, { weight: 1, arbitrary: anyRow });
const end = oneof(
  { weight: 50, arbitrary: constantFrom('\n', '\r\n') },
  { weight: 1, arbitrary: constantFrom('\r', '', '\xff\n') },
);
const text = array(tuple(row, end), { maxLength: 12 }).map((rows) =>
  Buffer.concat(rows.flatMap(([line, lineEnd]) => [Buffer.from(line), Buffer.from(lineEnd, 'latin1')])),
);

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 3000);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(60_000, CASES * 10);
const SETTINGS = { numRuns: CASES, ...(SEED === undefined ? {} : { seed: Number(SEED) }) };

it(
  'cuts any text as the parser alone does, whatever is recognised, in any chunks',
  async () => {
    let recognisedInAll = 0;
    const world = record({ text, size: integer({ min: 1, max: 40 }), chosen: integer({ min: 0 }) });
    const check = asyncProperty(world, async (example) => {
      const whole = await scanned(new RowScanner(PLAIN), [example.text]);
      const isChosen = (_: Seen, index: number): boolean => (example.chosen >> (index % 30)) % 2 === 1;
      const known = new Set(whole.rows.filter(isChosen).map(({ octets }) => octets));
      const recognised: string[] = [];
      const recogniser = {
        recognise(raw: Uint8Array): string | undefined {
          const octets = Buffer.from(raw).toString('latin1');
          if (!known.has(octets)) return 'print';
          recognised.push(octets);
          return undefined;
        },
      };
      const skimmer = new RowSkimmer(PLAIN, { recogniser, header: whole.rows[0]?.cells ?? [] });
      const skimmed = await scanned(skimmer, piecesOf(example.text, example.size));
      expect(skimmed.faults).toEqual(whole.faults);
      // In the file's order each row was either recognised or is there, with its cells and on its line.
      let left = skimmed.rows;
      for (const expected of whole.rows) {
        const [next] = left;
        if (next?.line === expected.line && next.octets === expected.octets) {
          expect(next).toEqual(expected);
          left = left.slice(1);
        } else {
          expect(recognised.shift()).toBe(expected.octets);
          recognisedInAll += 1;
        }
      }
      expect(left).toEqual([]);
      expect(recognised).toEqual([]);
    });
    await assert(check, SETTINGS);
    expect(recognisedInAll).toBeGreaterThan(CASES / 2);
  },
  LIMIT_MS,
);
