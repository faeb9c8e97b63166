import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { csvPair, PROGRAM, type Folder } from '../support/rollcall.ts';

const SOURCE = 'id,name,mail,status\n1,Ann,ann@x.org,\n2,Ben,ben@x.org,\n';
const TARGET = 'key,name,mail,state\na1,Ann,ann@x.org,\na2,Ben,ben@x.org,\n';

/** Whatever is wrong: a sentence, no stack, and both files as they were. */
async function refused(folder: Folder, exitCode: number, says: readonly string[]): Promise<void> {
  const [source, target] = [folder.read('source.csv'), folder.read('target.csv')];
  const done = await folder.run('run', 'DIR');
  expect(`${done.stdout}${done.stderr}`).not.toMatch(/\n\s+at .*:\d+/);
  for (const text of says) expect(`${done.stdout}${done.stderr}`).toContain(text);
  expect(done.exitCode).toBe(exitCode);
  expect([folder.read('source.csv'), folder.read('target.csv')]).toEqual([source, target]);
}

describe('manifests that are wrong run nothing and say where', () => {
  it.each([
    {
      what: 'malformed YAML',
      edit: (text: string) => text.replace('type: CSV', 'type: [CSV'),
      says: ['manifests.yaml:'],
    },
    {
      what: 'an unknown field',
      edit: (text: string) => text.replace('access: ReadWrite', 'acces: ReadWrite'),
      says: ['spec.acces', 'access'],
    },
    {
      what: 'an unknown kind of ours',
      edit: (text: string) => text.replace('kind: ReconMapping', 'kind: Reconmapping'),
      says: ['Reconmapping'],
    },
    {
      what: 'a reference to nothing',
      edit: (text: string) => text.replace('systemRef: { name: right }', 'systemRef: { name: rigth }'),
      says: ['spec.target.systemRef.name', 'there is left, right'],
    },
    {
      what: 'CEL that cannot be parsed',
      edit: (text: string) => text.replace(`"'a' + source.id"`, `"'a' + + source.id ("`),
      says: ['spec.attributes[0].expression'],
    },
    {
      what: 'CEL of the wrong type',
      edit: (text: string) => text.replace(`"'a' + source.id"`, `"'a' + 1"`),
      says: ['spec.attributes[0].expression', "'+' cannot be applied to string and int"],
    },
    {
      what: 'a missing secret',
      edit: (text: string) => text.replace(`"'a' + source.id"`, `"secret('nowhere', 'value')"`),
      says: ["no Secret 'nowhere'"],
    },
    {
      what: 'a response that is not allowed',
      edit: (text: string) => text.replace('response: Report', 'response: DeleteTarget'),
      says: ['spec.rules[0]', 'Ambiguous'],
    },
  ])('$what', async ({ edit, says }) => {
    const rules = '{ name: rule, situations: [Ambiguous], response: Report }';
    using folder = csvPair({ sourceRows: SOURCE, targetRows: TARGET, rules });
    folder.edit('manifests.yaml', edit);
    await refused(folder, 3, says);
    expect((await folder.run('validate', 'DIR')).exitCode).toBe(3);
    const document = await folder.document('run');
    expect(document).toMatchObject({ exitCode: 3, runs: [] });
    expect(document.problems.length).toBeGreaterThan(0);
  });
});

describe('files that are wrong', () => {
  it.each([
    {
      what: 'an attribute that the header lacks',
      rows: 'id,mail,status\n1,ann@x.org,\n',
      exitCode: 1,
      says: ["source attribute 'name'", 'UnknownAttribute'],
    },
    {
      what: 'a duplicate header',
      rows: 'id,name,name,mail\n1,a,b,c\n',
      exitCode: 1,
      says: ['source.csv', 'name'],
    },
    { what: 'no key column', rows: 'uid,name,mail,status\n1,a,b,\n', exitCode: 1, says: ['id'] },
    { what: 'an empty file', rows: '', exitCode: 1, says: ['source.csv'] },
  ])('$what: the run says so and changes nothing', async ({ rows, exitCode, says }) => {
    using folder = csvPair({ sourceRows: rows, targetRows: TARGET });
    await refused(folder, exitCode, says);
  });

  it('a missing file fails the run', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: TARGET });
    rmSync(join(folder.path, 'source.csv'));
    const document = await folder.document('run');
    expect(document.runs).toMatchObject([{ outcome: 'Failed', source: { reason: 'NotFound' } }]);
    expect(folder.read('target.csv')).toBe(TARGET);
  });

  it.each([
    { what: 'a ragged row', rows: `${SOURCE}3,Cid\n`, reason: 'InvalidRow' },
    {
      what: 'bytes that are not UTF-8',
      rows: Buffer.concat([Buffer.from(SOURCE), Buffer.from([0x33, 0x2c, 0xff, 0xfe, 0x2c, 0x2c, 0x0a])]),
      reason: 'InvalidEncoding',
    },
  ])(
    '$what makes the read incomplete; the good rows go on, nothing is withdrawn',
    async ({ rows, reason }) => {
      const rules = '{ name: leavers, situations: [SourceMissing], response: DeleteTarget }';
      using folder = csvPair({
        sourceRows: `${SOURCE}3,Cid,cid@x.org,\n`,
        targetRows: 'key,name,mail,state\n',
        rules,
      });
      await folder.document('run');
      folder.write('source.csv', rows);
      folder.edit('target.csv', (text) => text.replace('a1,Ann', 'a1,Anne'));
      const document = await folder.document('run');
      expect(document.runs[0]?.source).toMatchObject({ complete: 'No', reason });
      expect(folder.read('target.csv')).toBe(
        'key,name,mail,state\na1,Ann,ann@x.org,\na2,Ben,ben@x.org,\na3,Cid,cid@x.org,\n',
      );
    },
  );

  it('two rows with one key fail, both, and the rest goes on', async () => {
    using folder = csvPair({
      sourceRows: `${SOURCE}2,Benno,benno@x.org,\n`,
      targetRows: 'key,name,mail,state\n',
    });
    const document = await folder.document('run');
    expect(document.runs[0]?.outcome).toBe('Degraded');
    expect(
      document.runs[0]?.entries.map(({ source, outcome, error }) => [source, outcome, error?.code]),
    ).toEqual([
      ['1', 'Applied', undefined],
      ['2', 'Failed', 'DuplicateKey'],
      ['2', 'Failed', 'DuplicateKey'],
    ]);
  });

  it('a BOM is no part of the first header, and stays where it was', async () => {
    using folder = csvPair({ sourceRows: `\uFEFF${SOURCE}`, targetRows: '\uFEFFkey,name,mail,state\r\n' });
    const document = await folder.document('run');
    expect(document.runs[0]?.totals.applied).toBe(2);
    expect(folder.read('target.csv')).toBe(
      '\uFEFFkey,name,mail,state\r\na1,Ann,ann@x.org,\r\na2,Ben,ben@x.org,\r\n',
    );
  });
});

describe('state that is wrong', () => {
  const state = (folder: Folder, name: string): string => join(folder.path, '.rollcall', name);

  it.each([
    {
      what: 'of a newer version',
      spoil: (folder: Folder) => {
        const database = new DatabaseSync(state(folder, 'rollcall.db'));
        database.exec('PRAGMA user_version = 999');
        database.close();
      },
      says: ['version 999', 'newer program'],
    },
    {
      what: 'without its key',
      spoil: (folder: Folder) => rmSync(state(folder, 'key')),
      says: ['needs its key'],
    },
    {
      what: 'with another key',
      spoil: (folder: Folder) => writeFileSync(state(folder, 'key'), `${'a'.repeat(64)}\n`),
      says: ['is not the key'],
    },
    {
      what: 'that is no database',
      spoil: (folder: Folder) => writeFileSync(state(folder, 'rollcall.db'), 'garbage, and a lot of it'),
      says: ['is damaged or no database'],
    },
  ])('$what is refused', async ({ spoil, says }) => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: TARGET });
    await folder.document('run');
    spoil(folder);
    folder.edit('source.csv', (text) => text.replace('Ann', 'Anna'));
    await refused(folder, 1, says);
  });

  it('in a folder that cannot be written is refused', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: TARGET });
    folder.write('file', 'in the way');
    const done = await folder.run('run', 'DIR', '--state', join(folder.path, 'file', 'state'));
    expect(done).toMatchObject({ exitCode: 1 });
    expect(done.stderr).toContain('cannot be written');
  });

  it('is refused to a second process, which is told whose it is', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: TARGET });
    mkdirSync(join(folder.path, '.rollcall'));
    const holder = spawn(
      process.execPath,
      [
        '-e',
        `
      const { openState } = await import(${JSON.stringify(new URL('../../src/store/state.ts', import.meta.url).href)});
      globalThis.state = openState(process.argv[1], process.pid);
      console.log('open');
      setInterval(() => {}, 1000);
    `,
        '--input-type=module',
        join(folder.path, '.rollcall'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      const done = await folder.run('run', 'DIR');
      expect(done.exitCode).toBe(1);
      expect(done.stderr).toContain(`in use by process ${String(holder.pid)}`);
      expect((await folder.run('plan', 'DIR')).exitCode).toBe(2);
    } finally {
      holder.kill('SIGKILL');
    }
  });
});

describe('being stopped', () => {
  it('SIGINT finishes what is in flight, records, prints the document and exits with 130', async () => {
    const rows = Array.from({ length: 60_000 }, (_, at) => `${at},N${at},n${at}@x.org,\n`).join('');
    using folder = csvPair({
      sourceRows: `id,name,mail,status\n${rows}`,
      targetRows: 'key,name,mail,state\n',
    });
    const child = spawn(process.execPath, [PROGRAM, 'run', folder.path, '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    while (!existsSync(join(folder.path, '.rollcall', 'rollcall.db-wal'))) await sleep(10);
    await sleep(100);
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    const document = JSON.parse(text) as { exitCode: number; runs: { outcome: string }[] };
    expect(document).toMatchObject({ exitCode: 130, runs: [{ outcome: 'Failed' }] });
    const rest = await folder.document('run');
    expect(rest.exitCode).toBe(0);
    expect(folder.read('target.csv').split('\n')).toHaveLength(60_002);
  });
});
