import { createHash } from 'node:crypto';
import { appendFile, chmod, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { openCsv } from '../../src/connectors/csv/open-csv.ts';
import type { Evidence } from '../../src/engine/ports.ts';
import { csvFolder, PLAIN, type CsvFolder, type CsvOpening } from '../support/csv-harness.ts';
import { collect, readAll } from './contract.ts';

const signal = (): AbortSignal => new AbortController().signal;
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

async function folderOf(content?: string | Uint8Array): Promise<CsvFolder> {
  const folder = await csvFolder(content);
  opened.push(folder);
  return folder;
}

interface Seen {
  readonly rows: readonly (readonly [string, Record<string, readonly unknown[]>])[];
  readonly evidence: Evidence;
}

async function see(content: string | Uint8Array, more: CsvOpening = {}): Promise<Seen> {
  const folder = await folderOf(content);
  const session = await folder.open(more);
  const request = { attributes: [...session.schema.attributes.keys()], filter: undefined };
  const { entries, evidence } = await readAll(session, request);
  return { rows: entries.map((entry) => [entry.id, Object.fromEntries(entry.attributes)]), evidence };
}

const ids = (seen: Seen): string[] => seen.rows.map(([id]) => id);

describe('what a CSV file means', () => {
  it.each([
    ['LF', 'uid,n\n1,a\n2,b\n'],
    ['CRLF', 'uid,n\r\n1,a\r\n2,b\r\n'],
    ['CR', 'uid,n\r1,a\r2,b\r'],
    ['mixed line ends', 'uid,n\n1,a\r\n2,b\r'],
    ['no line end at the end', 'uid,n\n1,a\n2,b'],
    ['a byte order mark', '\ufeffuid,n\n1,a\n2,b\n'],
    ['blank lines', 'uid,n\n1,a\n\n2,b\n\n'],
    ['quotes everywhere', '"uid","n"\n"1","a"\n"2","b"\n'],
  ])('reads a file with %s', async (_, content) => {
    const seen = await see(content);
    expect(seen.rows).toEqual([
      ['1', { n: ['a'] }],
      ['2', { n: ['b'] }],
    ]);
    expect(seen.evidence).toMatchObject({ complete: 'Unproved', snapshot: true, reason: undefined });
  });

  it.each([
    ['ISO-8859-1' as const, Buffer.from('uid;n\n1;Jörg\n', 'latin1'), 'Jörg'],
    [
      'Windows-1252' as const,
      Buffer.concat([Buffer.from('uid;n\n1;'), Buffer.from([0x80, 0x92, 0xfc]), Buffer.from('\n')]),
      '€’ü',
    ],
    ['UTF-16LE' as const, Buffer.from('\ufeffuid;n\n1;Ⰰ東🦊\n', 'utf16le'), 'Ⰰ東🦊'],
  ])('reads %s', async (encoding, content, value) => {
    const seen = await see(content, { dialect: { encoding, delimiter: ';' } });
    expect(seen.rows).toEqual([['1', { n: [value] }]]);
  });

  it('keeps spaces, quotes and line breaks in quoted cells', async () => {
    const seen = await see('uid,n\n1," a ""b""\r\n,c"\n 2 , x \n');
    expect(seen.rows).toEqual([
      ['1', { n: [' a "b"\r\n,c'] }],
      [' 2 ', { n: [' x '] }],
    ]);
  });

  it('takes an empty cell for an absent attribute, also in a list', async () => {
    const attributes = [{ name: 'n', multiValued: true }];
    const seen = await see('uid,n\n1,\n2,""\n3,a||b|\n', { attributes });
    expect(seen.rows).toEqual([
      ['1', {}],
      ['2', {}],
      ['3', { n: ['a', 'b'] }],
    ]);
  });

  it('delivers a duplicate key twice and fails its fetch', async () => {
    const seen = await see('uid,n\n1,a\n1,b\n');
    expect(ids(seen)).toEqual(['1', '1']);
    const session = await (await folderOf('uid,n\n1,a\n1,b\n')).open();
    const request = { attributes: ['n'], filter: undefined };
    const answers = await collect(session.fetch(['1'], request, signal()));
    expect(answers).toMatchObject([{ kind: 'Failed', error: { code: 'DuplicateKey' } }]);
  });

  it('keeps declared attributes that the header lacks and names them', async () => {
    const folder = await folderOf('uid,n\n');
    const session = await folder.open({ attributes: [{ name: 'mail' }, { name: 'n', type: 'Integer' }] });
    expect(session.missingAttributes).toEqual(['mail']);
    expect(session.schema.attributes.get('n')).toMatchObject({ type: 'Integer', match: 'Integer' });
  });

  it('reads text from a ConfigMap and never writes it', async () => {
    const object = { name: 'p', id: 'uid', content: 'uid,n\n1,ä\n', label: 'ConfigMap people' };
    const session = await openCsv(object, PLAIN, { writable: false })(signal());
    expect(
      (await readAll(session, { attributes: ['n'], filter: undefined })).entries[0]?.attributes.get('n'),
    ).toEqual(['ä']);
    await expect(openCsv(object, PLAIN, { writable: true })(signal())).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });

  it('refuses a filter, and says what to use', async () => {
    const session = await (await folderOf('uid\n')).open();
    const reading = session.read({ attributes: [], filter: '(a=b)' }, signal());
    await expect(reading.next()).rejects.toThrow(/where/);
  });
});

describe('what a session says of itself', () => {
  it('names the file and what can be done with it', async () => {
    const folder = await folderOf('uid\n');
    expect((await (await folder.open()).probe(signal())).capabilities).toEqual(['Read']);
    const probe = await (await folder.open({ writable: true })).probe(signal());
    expect(probe).toEqual({ vendor: 'CSV file people.csv', capabilities: ['Read', 'Write', 'Transaction'] });
  });

  it('does not read a file whose header has become another', async () => {
    const folder = await folderOf('uid,n\n');
    const session = await folder.open();
    await folder.write('uid,m\n');
    await expect(readAll(session)).rejects.toMatchObject({ code: 'Changed' });
  });

  it.each([
    [{ dialect: { delimiter: ';;' } }, /delimiter/],
    [{ dialect: { quote: ',' } }, /differ/],
    [{ dialect: { quote: '\n' } }, /quote/],
    [{ dialect: { multiValueDelimiter: '' } }, /multiValueDelimiter/],
    [{ expect: { trailer: 'END' } }, /\{rows\}/],
    [{ expect: { checksumFile: '../people.csv.sha256' } }, /stay in its folder/],
  ] satisfies readonly (readonly [CsvOpening, RegExp])[])('refuses %j', async (more, message) => {
    const folder = await folderOf('uid\n');
    await expect(folder.open(more)).rejects.toThrow(message);
    await expect(folder.open(more)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });

  it('reads a dialect without quotes', async () => {
    const seen = await see('uid,n\n1,"a\n', { dialect: { quote: '' } });
    expect(seen.rows).toEqual([['1', { n: ['"a'] }]]);
  });

  it('refuses a checksum file for what is no file, and a folder that is not there', async () => {
    const object = { name: 'p', id: 'uid', content: 'uid\n', label: 'x', expect: { checksumFile: 'y' } };
    await expect(openCsv(object, PLAIN, { writable: false })(signal())).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    const nowhere = { name: 'p', id: 'uid', root: '/no/such/folder', path: 'p.csv' };
    await expect(openCsv(nowhere, PLAIN, { writable: false })(signal())).rejects.toMatchObject({
      code: 'NotFound',
    });
  });
});

describe('damaged rows', () => {
  it.each([
    { what: 'a short row', content: 'uid,n\n1,a\n2\n3,c\n', line: 3, delivered: ['1', '3'] },
    { what: 'a long row', content: 'uid,n\n1,a\n2,b,c\n3,c\n', line: 3, delivered: ['1', '3'] },
    { what: 'an empty key', content: 'uid,n\n1,a\n,b\n3,c\n', line: 3, delivered: ['1', '3'] },
    { what: 'a quote inside a cell', content: 'uid,n\n1,a\n2,b"b\n3,c\n', line: 3, delivered: ['1', '3'] },
    { what: 'an unclosed quote', content: 'uid,n\n1,a\n2,"b\n3,c\n', line: 3, delivered: ['1'] },
    { what: 'text after a closing quote', content: 'uid,n\n1,a\n2,"b"b\n3,c\n', line: 3, delivered: ['1'] },
    {
      what: 'a fault after a long cell',
      content: 'uid,n\n1,"a\r\nb\r\nc"\n2\n3,c\n',
      line: 5,
      delivered: ['1', '3'],
    },
    {
      what: 'an empty line in a file of one column',
      content: 'uid\n1\n\n3\n',
      line: 3,
      delivered: ['1', '3'],
    },
  ])('$what is told with its line, without its values', async ({ content, line, delivered }) => {
    const seen = await see(content);
    expect(ids(seen)).toEqual(delivered);
    expect(seen.evidence).toMatchObject({ complete: 'No', reason: 'InvalidRow', snapshot: false });
    expect(seen.evidence.message).toContain(`people.csv line ${String(line)}:`);
  });

  it.each([
    [
      'UTF-8' as const,
      Buffer.concat([Buffer.from('uid,n\n1,ä\ufffd\n2,'), Buffer.from([0xe4]), Buffer.from('\n3,c\n')]),
    ],
    [
      'UTF-16LE' as const,
      Buffer.concat([
        Buffer.from('uid,n\n1,ä\ufffd\n2,', 'utf16le'),
        Buffer.from([0x00, 0xd8]),
        Buffer.from('\n3,c\n', 'utf16le'),
      ]),
    ],
  ])('bytes that are not %s condemn their row alone', async (encoding, content) => {
    const seen = await see(content, { dialect: { encoding } });
    expect(ids(seen)).toEqual(['1', '3']);
    expect(seen.evidence).toMatchObject({ complete: 'No', reason: 'InvalidEncoding' });
    expect(seen.evidence.message).toContain('line 3');
  });

  it('finds half a character at the very end', async () => {
    const seen = await see(Buffer.concat([Buffer.from('uid,n\n1,a\n2,'), Buffer.from([0xc3])]));
    expect(seen.evidence.reason).toBe('InvalidEncoding');
  });

  it('counts further faults', async () => {
    const { evidence } = await see('uid,n\n1\n2\n3\n');
    expect(evidence.message).toContain('line 2: 1 cells where the header has 2; 2 more rows are damaged');
  });

  it('does not say that a row is not there when it may have been damaged', async () => {
    const session = await (await folderOf('uid,n\n1,a\n2\n')).open();
    const answers = await collect(session.fetch(['1', '2'], { attributes: [], filter: undefined }, signal()));
    expect(answers.map((answer) => answer.kind)).toEqual(['There', 'Failed']);
  });
});

describe('headers and places that cannot be used', () => {
  it.each([
    ['an empty file', '', 'InvalidData', /empty/],
    ['a duplicate name', 'uid,n,n\n', 'InvalidData', /line 1.*'n' twice/],
    ['an empty name', 'uid,,n\n', 'InvalidData', /line 1.*without a name/],
    ['no key column', 'id,n\n', 'InvalidData', /line 1.*'uid'.*'id', 'n'/],
    ['broken quotes', '"uid"x,n\n1,a\n', 'InvalidData', /line 1/],
    ['invalid bytes', Buffer.from([0x75, 0xff, 0x0a]), 'InvalidData', /line 1.*UTF-8/],
  ])('%s is refused', async (_, content, code, message) => {
    const folder = await folderOf(content);
    await expect(folder.open()).rejects.toMatchObject({ code });
    await expect(folder.open()).rejects.toThrow(message);
  });

  it.each([
    ['a missing file', 'nothing.csv', 'NotFound'],
    ['a folder', 'inner', 'InvalidConfiguration'],
    ['an absolute path', '/etc/passwd', 'InvalidConfiguration'],
    ['a way out', '../x.csv', 'InvalidConfiguration'],
    ['a hidden way out', 'inner/../../x.csv', 'InvalidConfiguration'],
    ['a link that leads out', 'out.csv', 'InvalidConfiguration'],
    ['a linked folder that leads out', 'etc/passwd', 'InvalidConfiguration'],
  ])('%s is refused', async (_, path, code) => {
    const folder = await folderOf('uid\n');
    await mkdir(join(folder.folder, 'inner'));
    await symlink('/etc/passwd', join(folder.folder, 'out.csv'));
    await symlink('/etc', join(folder.folder, 'etc'));
    await expect(folder.open({ path })).rejects.toMatchObject({ code });
  });

  it('follows a link that stays inside', async () => {
    const folder = await folderOf('uid\n1\n');
    await symlink('people.csv', join(folder.folder, 'link.csv'));
    const session = await folder.open({ path: 'link.csv' });
    expect((await readAll(session)).entries).toHaveLength(1);
  });

  it.runIf(process.getuid?.() !== 0)('needs permission', async () => {
    const folder = await folderOf('uid\n');
    await chmod(folder.file, 0);
    await expect(folder.open()).rejects.toMatchObject({ code: 'PermissionDenied' });
  });
});

it('closes the file when a read is left early', async () => {
  const session = await (await folderOf('uid,n\n1,a\n')).open();
  const before = (await readdir('/proc/self/fd')).length;
  for (let round = 0; round < 10; round += 1) {
    for await (const batch of session.read({ attributes: ['n'], filter: undefined }, signal())) {
      expect(batch).toHaveLength(1);
      break;
    }
  }
  expect((await readdir('/proc/self/fd')).length).toBe(before);
});

describe('evidence', () => {
  const file = 'uid,n\n1,a\n2,b\n';
  const digest = createHash('sha256').update(file).digest('hex');

  it.each([
    ['rows', { rows: 2 }, { complete: 'Yes', proof: 'RowCount', reason: undefined }],
    ['wrong rows', { rows: 3 }, { complete: 'No', proof: undefined, reason: 'RowCountMismatch' }],
    [
      'no trailer',
      { trailer: 'END,{rows}' },
      { complete: 'No', proof: undefined, reason: 'TrailerMismatch' },
    ],
    ['no checksum file', { checksumFile: 'gone.sha256' }, { complete: 'No', reason: 'ChecksumMissing' }],
  ])('%s', async (_, expectation, evidence) => {
    const seen = await see(file, { expect: expectation });
    expect(seen.evidence).toMatchObject(evidence);
  });

  it.each([
    ['the right count', `${file}END,2\n`, 'Yes', ['1', '2']],
    ['a wrong count', `${file}END,3\n`, 'No', ['1', '2']],
    ['a trailer in the middle', `${file}END,2\n3,c\n`, 'No', ['1', '2', '3']],
  ])('a trailer with %s', async (_, content, complete, delivered) => {
    const seen = await see(content, { expect: { trailer: 'END,{rows}' } });
    expect(ids(seen)).toEqual(delivered);
    expect(seen.evidence.complete).toBe(complete);
    expect(seen.evidence.proof).toBe(complete === 'Yes' ? 'Trailer' : undefined);
  });

  it.each([
    ['sha256sum', `${digest}  people.csv\n`, 'Yes'],
    ['sha256sum, binary, with a folder', `${'0'.repeat(64)} *other.csv\n${digest} *some/people.csv\n`, 'Yes'],
    ['a bare digest', digest.toUpperCase(), 'Yes'],
    ['another digest', '0'.repeat(64), 'No'],
    ['no digest', 'hello', 'No'],
  ])('a checksum file: %s', async (_, sidecar, complete) => {
    const folder = await folderOf(file);
    await writeFile(join(folder.folder, 'people.csv.sha256'), sidecar);
    const session = await folder.open({ expect: { checksumFile: 'people.csv.sha256' } });
    expect((await readAll(session)).evidence.complete).toBe(complete);
  });

  it.each([
    ['appended to', async (folder: CsvFolder) => appendFile(folder.file, 'last,z\n')],
    [
      'replaced',
      async (folder: CsvFolder) => {
        await writeFile(join(folder.folder, 'next'), 'uid,n\n1,a\n');
        await rename(join(folder.folder, 'next'), folder.file);
      },
    ],
  ])('a file that is %s while it is read proves nothing', async (_, disturb) => {
    const rows = Array.from({ length: 60_000 }, (_row, index) => `${String(index)},some name\n`);
    const folder = await folderOf(`uid,n\n${rows.join('')}`);
    const session = await folder.open();
    const reading = session.read({ attributes: ['n'], filter: undefined }, signal());
    await reading.next();
    await disturb(folder);
    let step = await reading.next();
    while (!step.done) step = await reading.next();
    expect(step.value).toMatchObject({ complete: 'No', reason: 'FileChanged', snapshot: false });
  });
});
