import { createHash } from 'node:crypto';
import { appendFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import type { Session } from '../../src/connectors/connector.ts';
import type { ReadRequest } from '../../src/engine/ports.ts';
import type { Unknown } from '../../src/engine/recogniser.ts';
import { csvFolder, type CsvFolder, type CsvOpening } from '../support/csv-harness.ts';
import { RememberedRecords, skimAll } from '../support/remembered-records.ts';
import { applied, change, codeOf, readAll } from './contract.ts';

const signal = (): AbortSignal => new AbortController().signal;
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

async function folderOf(content: string | Uint8Array): Promise<CsvFolder> {
  const folder = await csvFolder(content);
  opened.push(folder);
  return folder;
}

function everythingOf(session: Session): ReadRequest {
  return { attributes: [...session.schema.attributes.keys()], filter: undefined };
}

/** What a skim hands out when everything that the same file handed out before is known. */
async function skimTwice(
  content: string | Uint8Array,
  more: CsvOpening = {},
): Promise<{ first: readonly Unknown[]; second: readonly Unknown[]; seen: readonly string[] }> {
  const session = await (await folderOf(content)).open(more);
  const request = everythingOf(session);
  const { entries, evidence } = await readAll(session, request);
  const records = new RememberedRecords();
  const first = await skimAll(session, records, request);
  expect(first.unknown.map(({ entry }) => entry)).toEqual(entries);
  expect(first.evidence).toEqual(evidence);
  records.learn(first.unknown);
  const again = records.again();
  const second = await skimAll(session, again, request);
  expect(second.evidence).toEqual(evidence);
  expect(again.shown).toBe(records.shown);
  const known = first.unknown.filter(({ rawPrint }) => rawPrint !== undefined).map(({ entry }) => entry);
  expect(again.recognised).toEqual(known);
  return { first: first.unknown, second: second.unknown, seen: records.seen };
}

describe('skimming hands out what read does, and nothing twice', () => {
  const trailer = { expect: { trailer: 'END,{rows}' } };
  it.each([
    ['LF', 'uid,n\n1,a\n2,b\n', {}],
    ['CRLF', 'uid,n\r\n1,a\r\n2,b\r\n', {}],
    ['CR', 'uid,n\r1,a\r2,b\r', {}],
    ['mixed line ends', 'uid,n\n1,a\r\n2,b\r3,c\n4,d\r', { expect: { rows: 4 } }],
    ['a byte order mark', '\ufeffuid,n\n1,a\n2,b\n', {}],
    ['the same row twice', 'uid,n\n1,a\n1,a\n', {}],
    ['blank lines', 'uid,n\n\n1,a\n\r\n2,b\n\n', {}],
    ['quoted line breaks', '"uid","n"\n"1","a\r\n\n""b"""\n"2","\n"\n', {}],
    ['a row that needs the parser, and rows after it', 'uid,n\n1,a\n2\n3,b"b\n\n4,c\n5,"d"\n', {}],
    ['an unclosed quote', 'uid,n\n1,a\n2,"b\n3,c\n', {}],
    ['text after a closing quote', 'uid,n\n1,a\n2,"b"b\n3,c\n', {}],
    ['an empty key', 'uid,n\n1,a\n,b\n3,c\n', {}],
    ['an empty line in a file of one column', 'uid\n1\n\n3\n', {}],
    ['damaged octets', Buffer.from('uid,n\n1,a\n2,\xe4\n3,c\n', 'latin1'), {}],
    ['a trailer', 'uid,n\n1,a\n2,b\nEND,2\n', trailer],
    ['a trailer that counts wrong', 'uid,n\n1,a\n2,b\nEND,3\n', trailer],
    ['a trailer in the middle', 'uid,n\n1,a\nEND,2\n2,b\n', trailer],
    ['a trailer without a line end', 'uid,n\n1,a\n2,b\nEND,2', trailer],
    ['a number of rows', 'uid,n\n1,a\n2,b\n', { expect: { rows: 2 } }],
    ['another number of rows', 'uid,n\n1,a\n2,b\n', { expect: { rows: 3 } }],
    ['no quotes', 'uid,n\n1,"a\n2,b"\n', { dialect: { quote: '' } }],
    ['a delimiter of two octets', 'uidün\n1üa\n', { dialect: { delimiter: 'ü' } }],
    ['ISO-8859-1', Buffer.from('uid,n\n1,\xe4\n', 'latin1'), { dialect: { encoding: 'ISO-8859-1' } }],
    ['UTF-16', Buffer.from('\ufeffuid,n\n1,ä🦊\n', 'utf16le'), { dialect: { encoding: 'UTF-16LE' } }],
  ] satisfies readonly (readonly [string, string | Uint8Array, CsvOpening])[])(
    'in a file with %s',
    async (_, content, more) => {
      const { first, second } = await skimTwice(content, more);
      expect(first.every(({ rawPrint }) => rawPrint !== undefined)).toBe(true);
      expect(second).toEqual([]);
    },
  );

  it('parses a last row without a line end each time, so that its key is known', async () => {
    const { first, second, seen } = await skimTwice('uid,n\n1,a\n2,b');
    expect(first.map(({ rawPrint }) => rawPrint !== undefined)).toEqual([true, false]);
    expect(second).toMatchObject([{ entry: { id: '2' }, rawPrint: undefined }]);
    expect(seen).toEqual(['1,a\n']);
    const session = await (await folderOf('uid,n\n1,a\n2,b')).open();
    const { evidence } = await skimAll(session, new RememberedRecords(), everythingOf(session));
    expect(evidence.openEnd).toBe('2');
  });

  it('shows neither header nor blank lines, and not what is no UTF-8', async () => {
    const content = Buffer.from('uid,n\n\n1,a\n\r\n2,\xe4\n3,b\n', 'latin1');
    expect((await skimTwice(content)).seen).toEqual(['1,a\n', '3,b\n']);
  });
});

describe('what a row means', () => {
  const content = 'uid,n,m\n1,2,c|d\n';
  const formOf = async (opening: CsvOpening, attributes = ['n', 'm'], text = content): Promise<string> => {
    const session = await (await folderOf(text)).open(opening);
    let form = '';
    const recogniserOf = (told: string): { recognise: () => string } => {
      form = told;
      return { recognise: () => '' };
    };
    for await (const _ of session.skim?.({ attributes, filter: undefined }, recogniserOf, signal()) ?? [])
      break;
    return form;
  };

  it.each([
    ['columns that nobody asks for', {}, ['n', 'm'], 'uid,n,m,o\n1,2,c|d\n'],
    ['the order of columns', {}, ['n', 'm'], 'uid,m,n\n1,2,c|d\n'],
    ['the delimiter', { dialect: { delimiter: ';' } }, ['n', 'm'], 'uid;n;m\n'],
    ['the quote', { dialect: { quote: '' } }, ['n', 'm'], content],
    ['the encoding', { dialect: { encoding: 'Windows-1252' } }, ['n', 'm'], content],
    ['the multi-value delimiter', { dialect: { multiValueDelimiter: ';' } }, ['n', 'm'], content],
    ['whether a cell is split', { attributes: [{ name: 'm', multiValued: true }] }, ['n', 'm'], content],
    ['the trailer', { expect: { trailer: '1,{rows},c|d' } }, ['n', 'm'], content],
    ['the attributes', {}, ['n'], content],
  ] satisfies readonly (readonly [string, CsvOpening, string[], string])[])(
    'depends on %s',
    async (_, opening, attributes, text) => {
      expect(await formOf(opening, attributes, text)).not.toBe(await formOf({}));
    },
  );

  it('depends on the key', async () => {
    expect(await formOf({ id: 'n' }, ['m'])).not.toBe(await formOf({}, ['m']));
  });

  it('does not depend on the order in which attributes are asked for', async () => {
    expect(await formOf({}, ['m', 'n'])).toBe(await formOf({}, ['n', 'm']));
  });

  it('is unknown under a header that has become another, and nobody is asked', async () => {
    const folder = await folderOf('uid,n\n1,a\n');
    const session = await folder.open();
    await folder.write('uid,m\n1,a\n');
    const records = new RememberedRecords();
    await expect(skimAll(session, records, everythingOf(session))).rejects.toMatchObject({ code: 'Changed' });
    expect(records.shown).toBe(0);
  });
});

it('tells after each chunk how far it is, also where everything is known', async () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `${String(index)},some name\n`).join('');
  const session = await (await folderOf(`uid,n\n${rows}`)).open();
  const records = new RememberedRecords();
  records.learn((await skimAll(session, records, everythingOf(session))).unknown);
  const again = await skimAll(session, records.again(), everythingOf(session));
  expect(again.unknown).toEqual([]);
  expect(again.batches).toBeGreaterThanOrEqual(Math.floor(rows.length / 65_536));
});

it('refuses a filter', async () => {
  const session = await (await folderOf('uid\n')).open();
  const request = { attributes: [], filter: '(a=b)' };
  await expect(skimAll(session, new RememberedRecords(), request)).rejects.toThrow(/where/);
});

it('counts recognised rows behind a trailer as rows behind a trailer', async () => {
  const folder = await folderOf('uid,n\n1,a\n2,b\nEND,2\n');
  const session = await folder.open({ expect: { trailer: 'END,{rows}' } });
  const records = new RememberedRecords();
  records.learn((await skimAll(session, records, everythingOf(session))).unknown);
  await folder.write('uid,n\n1,a\nEND,2\n2,b\n');
  const { unknown, evidence } = await skimAll(session, records.again(), everythingOf(session));
  expect(unknown).toEqual([]);
  expect(evidence).toMatchObject({ complete: 'No', reason: 'TrailerMismatch' });
  expect(evidence).toEqual((await readAll(session)).evidence);
});

it('has a checksum vouch for recognised rows too', async () => {
  const content = 'uid,n\n1,a\n2,b\n';
  const folder = await folderOf(content);
  const digest = createHash('sha256').update(content).digest('hex');
  await writeFile(join(folder.folder, 'sum'), digest);
  const session = await folder.open({ expect: { checksumFile: 'sum' } });
  const records = new RememberedRecords();
  records.learn((await skimAll(session, records, everythingOf(session))).unknown);
  const { evidence } = await skimAll(session, records.again(), everythingOf(session));
  expect(evidence).toMatchObject({ complete: 'Yes', proof: 'Checksum' });
});

describe('writing after a skim', () => {
  const content = 'uid,n\n1,a\n2,b\n';
  const skimmed = async (): Promise<{ folder: CsvFolder; session: Session }> => {
    const folder = await folderOf(content);
    const session = await folder.open({ writable: true });
    const records = new RememberedRecords();
    records.learn((await skimAll(session, records, everythingOf(session))).unknown);
    expect((await skimAll(session, records.again(), everythingOf(session))).unknown).toEqual([]);
    return { folder, session };
  };
  const update = async (session: Session): Promise<string> => {
    const changes = [change('n', ['b'], ['B'])];
    const written = await session.writer?.update(
      { id: '2', name: undefined, newName: undefined, changes },
      signal(),
    );
    return written ? codeOf(written) : 'no writer';
  };
  const commit = async (session: Session): Promise<string> => {
    const written = await session.writer?.commit(signal());
    return written ? codeOf(written) : 'no writer';
  };

  it('knows the keys of rows that were recognised', async () => {
    const { folder, session } = await skimmed();
    const attributes = new Map([['uid', ['1']]]);
    const created = await session.writer?.create({ name: undefined, attributes }, signal());
    expect(created && codeOf(created)).toBe('Refused AlreadyExists');
    expect(await update(session)).toBe('Applied');
    expect(await commit(session)).toBe('Applied');
    expect(await folder.read()).toBe('uid,n\n1,a\n2,B\n');
    expect(await update(session)).toBe('Applied');
  });

  it.each([
    ['a row more', (folder: CsvFolder) => appendFile(folder.file, '3,c\n')],
    ['another file of the same size', (folder: CsvFolder) => folder.write('uid,n\n1,a\n2,c\n')],
    ['damage', (folder: CsvFolder) => folder.write('uid,n\n1,a\n2\n')],
  ])('refuses a file that has %s before the first write', async (_, disturb) => {
    const { folder, session } = await skimmed();
    await disturb(folder);
    const before = await folder.read();
    expect(await update(session)).toBe('Refused Changed');
    expect(await update(session)).toBe('Refused Changed');
    expect(await commit(session)).toBe('Applied');
    expect(await folder.read()).toBe(before);
  });

  it('refuses a file that was changed between a write and the commit', async () => {
    const { folder, session } = await skimmed();
    expect(await update(session)).toBe('Applied');
    await appendFile(folder.file, '3,c\n');
    expect(await commit(session)).toBe('Refused Changed');
    expect(await folder.read()).toBe(`${content}3,c\n`);
  });

  it('looks again once a commit was refused', async () => {
    const { folder, session } = await skimmed();
    expect(await update(session)).toBe('Applied');
    await appendFile(folder.file, '3,c\n');
    expect(await commit(session)).toBe('Refused Changed');
    expect(await update(session)).toBe('Applied');
    expect(await commit(session)).toBe('Applied');
    expect(await folder.read()).toBe('uid,n\n1,a\n2,B\n3,c\n');
  });

  it('refuses, as after a read, a file that was written again with the same content', async () => {
    const { folder, session } = await skimmed();
    await utimes(folder.file, new Date(0), new Date(0));
    expect(await update(session)).toBe('Applied');
    expect(await commit(session)).toBe('Refused Changed');
  });

  it('writes nothing on what was skimmed with damage, and again after a good read', async () => {
    const { folder, session } = await skimmed();
    await folder.write('uid,n\n1,a\n2\n');
    await skimAll(session, new RememberedRecords(), everythingOf(session));
    expect(await update(session)).toBe('Refused InvalidData');
    await folder.write(content);
    await readAll(session);
    expect(await update(session)).toBe('Applied');
    applied((await session.writer?.commit(signal())) ?? { kind: 'Applied', id: '', name: undefined });
    expect(await folder.read()).toBe('uid,n\n1,a\n2,B\n');
  });

  it('goes by the last look, read or skim', async () => {
    const { folder, session } = await skimmed();
    await folder.write('uid,n\n1,a\n2,b\n3,c\n');
    await readAll(session);
    expect(await update(session)).toBe('Applied');
    expect(await commit(session)).toBe('Applied');
    await folder.write(content);
    await skimAll(session, new RememberedRecords(), everythingOf(session));
    const attributes = new Map([['uid', ['3']]]);
    const created = await session.writer?.create({ name: undefined, attributes }, signal());
    expect(created && codeOf(created)).toBe('Applied');
  });
});
