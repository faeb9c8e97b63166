import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import type { Session } from '../../src/connectors/connector.ts';
import type { Written } from '../../src/engine/ports.ts';
import { csvFolder, PLAIN, type CsvFolder, type CsvOpening } from '../support/csv-harness.ts';
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

type Edit =
  | { readonly create: Readonly<Record<string, readonly string[]>> }
  | { readonly update: string; readonly set: Readonly<Record<string, readonly string[]>> }
  | { readonly remove: string };

async function edit(session: Session, edits: readonly Edit[]): Promise<Written[]> {
  const { writer } = session;
  if (!writer) throw new Error('no writer');
  const results: Written[] = [];
  for (const step of edits) {
    if ('create' in step) {
      results.push(
        await writer.create({ name: undefined, attributes: new Map(Object.entries(step.create)) }, signal()),
      );
    } else if ('remove' in step) {
      results.push(await writer.delete({ id: step.remove, name: undefined }, signal()));
    } else {
      const changes = Object.entries(step.set).map(([name, values]) => change(name, [], values));
      results.push(
        await writer.update({ id: step.update, name: undefined, newName: undefined, changes }, signal()),
      );
    }
  }
  results.push(await writer.commit(signal()));
  return results;
}

async function rewritten(content: string, edits: readonly Edit[], more: CsvOpening = {}): Promise<string> {
  const folder = await folderOf(content);
  for (const written of await edit(await folder.open({ ...more, writable: true }), edits)) applied(written);
  return folder.read();
}

describe('rewriting a file', () => {
  it.each([
    {
      what: 'leaves untouched rows byte for byte',
      before: 'uid,n\n"1", a \n\n2,"b"\n3,c\n',
      edits: [{ update: '3', set: { n: ['C'] } }],
      after: 'uid,n\n"1", a \n\n2,"b"\n3,C\n',
    },
    {
      what: 'leaves untouched cells of a changed row as they were',
      before: 'uid,n,m\n"1","x,y"," z"\n',
      edits: [{ update: '1', set: { n: ['a'] } }],
      after: 'uid,n,m\n"1",a," z"\n',
    },
    {
      what: 'appends new rows in their order, quoted where needed',
      before: 'uid,n\n1,a\n',
      edits: [{ create: { uid: ['9'], n: ['x,"y"'] } }, { create: { uid: ['8'] } }],
      after: 'uid,n\n1,a\n9,"x,""y"""\n8,\n',
    },
    {
      what: 'keeps the absence of a final line end',
      before: 'uid,n\n1,a',
      edits: [{ create: { uid: ['2'], n: ['b'] } }],
      after: 'uid,n\n1,a\n2,b',
    },
    {
      what: 'keeps the absence of a final line end when the last row goes',
      before: 'uid,n\n1,a\n2,b',
      edits: [{ remove: '2' }],
      after: 'uid,n\n1,a',
    },
    {
      what: 'takes the line end that most lines have',
      before: 'uid,n\r\n1,a\r\n2,b\n',
      edits: [{ create: { uid: ['3'], n: ['c'] } }],
      after: 'uid,n\r\n1,a\r\n2,b\n3,c\r\n',
    },
    {
      what: 'keeps a byte order mark',
      before: '\ufeffuid,n\n1,a\n',
      edits: [{ update: '1', set: { n: ['ü'] } }],
      after: '\ufeffuid,n\n1,ü\n',
    },
    {
      what: 'clears a cell and deletes a row with a line break in it',
      before: 'uid,n\n1,a\n2,"x\ny"\n',
      edits: [{ update: '1', set: { n: [] } }, { remove: '2' }],
      after: 'uid,n\n1,\n',
    },
    {
      what: 'empties a file to its header',
      before: 'uid,n\n1,a\n',
      edits: [{ remove: '1' }],
      after: 'uid,n\n',
    },
    { what: 'fills a header', before: 'uid,n', edits: [{ create: { uid: ['1'] } }], after: 'uid,n\n1,' },
  ])('$what', async ({ before, edits, after }) => {
    expect(await rewritten(before, edits)).toBe(after);
  });

  it('joins several values and refuses one that contains the delimiter', async () => {
    const attributes = [{ name: 'n', multiValued: true }];
    expect(await rewritten('uid,n\n1,a|b\n', [{ update: '1', set: { n: ['b', 'c'] } }], { attributes })).toBe(
      'uid,n\n1,b|c\n',
    );
    const session = await (await folderOf('uid,n\n1,a\n')).open({ attributes, writable: true });
    const [written] = await edit(session, [{ update: '1', set: { n: ['x|y'] } }]);
    expect(written).toMatchObject({ kind: 'Refused', error: { code: 'SchemaViolation', attribute: 'n' } });
  });

  it('updates a trailer', async () => {
    const more = { expect: { trailer: 'END;{rows}' } };
    const after = await rewritten(
      'uid,n\n1,a\nEND;1\n',
      [{ create: { uid: ['2'] } }, { create: { uid: ['3'] } }],
      more,
    );
    expect(after).toBe('uid,n\n1,a\n2,\n3,\nEND;3\n');
  });

  it('renews a checksum file, so that the next read is proved', async () => {
    const content = 'uid,n\n1,a\n';
    const folder = await folderOf(content);
    const sidecar = join(folder.folder, 'people.csv.sha256');
    await writeFile(sidecar, createHash('sha256').update(content).digest('hex'));
    const session = await folder.open({ writable: true, expect: { checksumFile: 'people.csv.sha256' } });
    for (const written of await edit(session, [{ create: { uid: ['2'] } }])) applied(written);
    const digest = createHash('sha256')
      .update(await readFile(folder.file))
      .digest('hex');
    expect(await readFile(sidecar, 'utf8')).toBe(`${digest}  people.csv\n`);
    expect((await readAll(session)).evidence).toMatchObject({ complete: 'Yes', proof: 'Checksum' });
  });

  it.each(['ISO-8859-1', 'Windows-1252', 'UTF-16LE'] as const)('keeps %s', async (encoding) => {
    const node = encoding === 'UTF-16LE' ? 'utf16le' : 'latin1';
    const folder = await folderOf(Buffer.from('uid,n\n1,ä\n2,b\n', node));
    const session = await folder.open({ writable: true, dialect: { encoding } });
    for (const written of await edit(session, [{ update: '2', set: { n: ['ö'] } }])) applied(written);
    expect((await readFile(folder.file)).toString(node)).toBe('uid,n\n1,ä\n2,ö\n');
    if (encoding === 'UTF-16LE') return;
    const [refused] = await edit(session, [{ update: '2', set: { n: ['東'] } }]);
    expect(refused).toMatchObject({ kind: 'Refused', error: { code: 'SchemaViolation', attribute: 'n' } });
  });

  it('keeps the mode, and removes what a killed commit left', async () => {
    const folder = await folderOf('uid,n\n1,a\n');
    await chmod(folder.file, 0o640);
    await writeFile(join(folder.folder, '.people.csv.rollcall-old.tmp'), 'left over');
    const before = await stat(folder.file);
    await edit(await folder.open({ writable: true }), [{ update: '1', set: { n: ['b'] } }]);
    const after = await stat(folder.file);
    expect(after.mode).toBe(before.mode);
    expect(after.ino).not.toBe(before.ino);
    expect(await readdir(folder.folder)).toEqual(['people.csv']);
  });

  it('commits again and again', async () => {
    const folder = await folderOf('uid,n\n1,a\n');
    const session = await folder.open({ writable: true });
    await readAll(session);
    for (const uid of ['2', '3', '4']) {
      for (const written of await edit(session, [{ create: { uid: [uid] } }])) applied(written);
    }
    expect(await folder.read()).toBe('uid,n\n1,a\n2,\n3,\n4,\n');
  });
});

it('a process that is killed in its commits leaves a whole file, old or new', async () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `${String(index)},a\n`).join('');
  const folder = await folderOf(`uid,n\n${rows}`);
  const module = new URL('../../src/connectors/csv/open-csv.ts', import.meta.url).href;
  const script = `
    import { openCsv } from ${JSON.stringify(module)};
    const signal = new AbortController().signal;
    const object = { name: 'p', id: 'uid', root: ${JSON.stringify(folder.folder)}, path: 'people.csv' };
    const { writer } = await openCsv(object, ${JSON.stringify(PLAIN)}, { writable: true })(signal);
    for (let round = 0; ; round += 1) {
      const values = [String(round)];
      await writer.update({ id: '0', name: undefined, newName: undefined, changes: [{ attribute: 'n', values }] }, signal);
      console.log((await writer.commit(signal)).kind);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => told.push(chunk.toString()));
  await expect
    .poll(async () => (await readdir(folder.folder)).length > 1 && told.length > 2, { interval: 1 })
    .toBe(true);
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(told.join('')).toMatch(/^(Applied\n)+$/);
  const left = await folder.read();
  expect(left.split('\n')).toHaveLength(20_002);
  expect(left.slice(left.indexOf('\n1,'))).toBe(`\n${rows.slice(rows.indexOf('1,'))}`);
  for (const written of await edit(await folder.open({ writable: true }), [{ remove: '0' }]))
    applied(written);
  expect(await readdir(folder.folder)).toEqual(['people.csv']);
});

describe('refusals leave the file alone', () => {
  it.each([
    {
      what: 'an unknown column',
      edits: [{ update: '1', set: { x: ['a'] } }],
      code: 'Refused UnknownAttribute',
    },
    {
      what: 'the key of an old row',
      edits: [{ update: '1', set: { uid: ['2'] } }],
      code: 'Refused Unsupported',
    },
    {
      what: 'a second value',
      edits: [{ update: '1', set: { n: ['a', 'b'] } }],
      code: 'Refused SchemaViolation',
    },
    { what: 'a row without a key', edits: [{ create: { n: ['a'] } }], code: 'Refused SchemaViolation' },
    { what: 'an existing key', edits: [{ create: { uid: ['1'] } }], code: 'Refused AlreadyExists' },
    {
      what: 'a key that occurs twice',
      edits: [{ update: '2', set: { n: ['x'] } }],
      code: 'Refused DuplicateKey',
    },
    { what: 'deleting a key that occurs twice', edits: [{ remove: '2' }], code: 'Refused DuplicateKey' },
    {
      what: 'half a character',
      edits: [{ update: '1', set: { n: ['\ud800'] } }],
      code: 'Refused SchemaViolation',
    },
  ])('$what', async ({ edits, code }) => {
    const content = 'uid,n\n1,a\n2,b\n2,c\n';
    const folder = await folderOf(content);
    const [written] = await edit(await folder.open({ writable: true }), edits);
    expect(written && codeOf(written)).toBe(code);
    expect(await folder.read()).toBe(content);
  });

  it.each([
    { what: 'octets', set: { n: [Uint8Array.of(1)] }, dialect: {}, attribute: 'n' },
    {
      what: 'a cell that needs quotes where there are none',
      set: { n: ['a,b'] },
      dialect: { quote: '' },
      attribute: 'n',
    },
  ])('$what', async ({ set, dialect, attribute }) => {
    const session = await (await folderOf('uid,n\n1,a\n')).open({ writable: true, dialect });
    const changes = [{ attribute, values: set.n, add: set.n, remove: [] }];
    const written = await session.writer?.update(
      { id: '1', name: undefined, newName: undefined, changes },
      signal(),
    );
    expect(written).toMatchObject({ kind: 'Refused', error: { code: 'SchemaViolation', attribute } });
  });

  it('a row that would be read as the trailer', async () => {
    const session = await (
      await folderOf('uid,n\nEND,0\n')
    ).open({ writable: true, expect: { trailer: 'END,{rows}' } });
    const [written] = await edit(session, [{ create: { uid: ['END'], n: ['7'] } }]);
    expect(written && codeOf(written)).toBe('Refused SchemaViolation');
  });

  it('a new name, which rows do not have', async () => {
    const session = await (await folderOf('uid,n\n1,a\n')).open({ writable: true });
    const update = { id: '1', name: undefined, newName: 'x', changes: [] };
    const written = await session.writer?.update(update, signal());
    expect(written && codeOf(written)).toBe('Refused Unsupported');
  });

  it('a checksum file that is gone', async () => {
    const content = 'uid,n\n1,a\n';
    const folder = await folderOf(content);
    const sidecar = join(folder.folder, 'people.csv.sha256');
    await writeFile(sidecar, createHash('sha256').update(content).digest('hex'));
    const session = await folder.open({ writable: true, expect: { checksumFile: 'people.csv.sha256' } });
    await readAll(session);
    await rm(sidecar);
    const results = await edit(session, [{ create: { uid: ['2'] } }]);
    expect(results.map(codeOf)).toEqual(['Applied', 'Refused InvalidData']);
    expect(await folder.read()).toBe(content);
  });

  it('a damaged file is not written at all', async () => {
    const content = 'uid,n\n1,a\n2\n';
    const folder = await folderOf(content);
    const results = await edit(await folder.open({ writable: true }), [{ update: '1', set: { n: ['b'] } }]);
    expect(results[0]).toMatchObject({ kind: 'Refused', error: { code: 'InvalidData' } });
    expect(await folder.read()).toBe(content);
  });

  it('a file that changed since it was read is not written', async () => {
    const folder = await folderOf('uid,n\n1,a\n');
    const session = await folder.open({ writable: true });
    await readAll(session);
    await folder.write('uid,n\n1,other\n');
    const results = await edit(session, [{ update: '1', set: { n: ['b'] } }]);
    expect(results.map(codeOf)).toEqual(['Applied', 'Refused Changed']);
    expect(await folder.read()).toBe('uid,n\n1,other\n');
    expect(await readdir(folder.folder)).toEqual(['people.csv']);
  });

  it('a folder that takes no file', async () => {
    const folder = await folderOf('uid,n\n1,a\n');
    const session = await folder.open({ writable: true });
    await readAll(session);
    await rm(folder.file);
    await mkdir(folder.file);
    const results = await edit(session, [{ update: '1', set: { n: ['b'] } }]);
    expect(results[1]?.kind).toBe('Refused');
    expect(await readdir(folder.folder)).toEqual(['people.csv']);
  });

  it('a fixed number of rows cannot stand on a file that is written', async () => {
    const folder = await folderOf('uid\n');
    const opening = folder.open({ writable: true, expect: { rows: 0 } });
    await expect(opening).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});
