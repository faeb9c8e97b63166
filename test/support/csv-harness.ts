/** A CSV file in a folder of its own, for the contract suite and for tests of CSV alone. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parse } from 'csv-parse/sync';

import type { CsvDialect, CsvExpectation } from '../../src/connectors/csv/config.ts';
import { openCsv } from '../../src/connectors/csv/open-csv.ts';
import type { AttributeDeclaration, Session } from '../../src/connectors/connector.ts';
import type { Attributes, ContractHarness } from '../connectors/contract.ts';

export const PLAIN: CsvDialect = { delimiter: ',', quote: '"', encoding: 'UTF-8', multiValueDelimiter: '|' };
const HEADER = ['uid', 'cn', 'sn', 'description', 'ou'];

export interface CsvFolder extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  write(content: string | Uint8Array): Promise<void>;
  read(): Promise<string>;
  open(more?: CsvOpening): Promise<Session>;
}

export interface CsvOpening {
  readonly writable?: boolean;
  readonly dialect?: Partial<CsvDialect>;
  readonly expect?: CsvExpectation;
  readonly attributes?: readonly AttributeDeclaration[];
  readonly path?: string;
  readonly id?: string;
}

export async function csvFolder(content?: string | Uint8Array): Promise<CsvFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-csv-'));
  const file = join(folder, 'people.csv');
  if (content !== undefined) await writeFile(file, content);
  return {
    folder,
    file,
    write: (text) => writeFile(file, text),
    read: () => readFile(file, 'utf8'),
    open: (more = {}) =>
      openCsv(
        {
          name: 'person',
          id: more.id ?? 'uid',
          root: folder,
          path: more.path ?? 'people.csv',
          ...(more.attributes ? { attributes: more.attributes } : {}),
          ...(more.expect ? { expect: more.expect } : {}),
        },
        { ...PLAIN, ...more.dialect },
        { writable: more.writable ?? false },
      )(new AbortController().signal),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function toCsv(entries: readonly Attributes[]): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = entries.map((entry) => HEADER.map((name) => cell((entry[name] ?? []).join('|'))).join(','));
  return [HEADER.join(','), ...rows, ''].join('\n');
}

/** Read by csv-parse itself, so that what the connector wrote is judged by another reader. */
function toContents(text: string): ReadonlyMap<string, Attributes> {
  const rows: Record<string, string>[] = parse(text, { columns: true });
  return new Map(
    rows.map((row) => {
      const cells = Object.entries(row).filter(([, value]) => value !== '');
      return [row['uid'] ?? '', Object.fromEntries(cells.map(([name, value]) => [name, value.split('|')]))];
    }),
  );
}

export const csvHarness: ContractHarness = {
  transactional: true,
  idChosenBy: 'Writer',
  skims: true,
  nameOf: () => undefined,
  async start(seed) {
    const folder = await csvFolder(toCsv(seed));
    const attributes = [{ name: 'ou', multiValued: true }];
    return {
      open: ({ writable }) => folder.open({ writable, attributes }),
      contents: async () => toContents(await folder.read()),
      stop: async () => folder[Symbol.asyncDispose](),
    };
  },
};
