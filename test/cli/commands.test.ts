import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { csvPair, Folder, PROGRAM, rollcall, type DocumentOf } from '../support/rollcall.ts';

const SOURCE = 'id,name,mail,status\n1,Ann,ann@x.org,\n2,Ben,ben@x.org,\n';
const EMPTY = 'key,name,mail,state\n';

describe('the program', () => {
  it.each([
    { words: ['--help'], says: 'rollcall explain DIR', exitCode: 0 },
    { words: ['run', '--help'], says: 'One run of each mapping', exitCode: 0 },
    { words: ['--version'], says: 'rollcall 0.', exitCode: 0 },
    { words: ['pln', '.'], says: "did you mean 'plan'?", exitCode: 3 },
    { words: ['run'], says: 'needs DIR', exitCode: 3 },
    { words: ['run', '.', '--source', 'x'], says: 'need --mapping', exitCode: 3 },
    { words: ['run', '.', '-o', 'xml'], says: 'table, wide, json or csv', exitCode: 3 },
    { words: ['run', '.', '--nonsense'], says: '--nonsense', exitCode: 3 },
    { words: ['validate', '/nowhere/at/all'], says: '/nowhere/at/all', exitCode: 3 },
  ])('rollcall $words says $says', async ({ words, says, exitCode }) => {
    const done = await rollcall(words);
    expect(done.stdout + done.stderr).toContain(says);
    expect(done.exitCode).toBe(exitCode);
  });

  it('reads manifests from standard input', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: EMPTY });
    const done = await rollcall(['validate', '-'], folder.read('manifests.yaml'));
    expect(done).toMatchObject({ exitCode: 0 });
  });

  it('explain, get, history and objects show what a run did', async () => {
    const rules = `{ name: only-friday, situations: [SourceMissing], when: "link == null", response: DisableTarget }`;
    using folder = csvPair({ sourceRows: SOURCE, targetRows: EMPTY, rules });
    const first = await folder.document('run');
    folder.edit('source.csv', (text) => text.replace('2,Ben,ben@x.org,\n', ''));
    const explained = await folder.run('explain', 'DIR', '--mapping', 'map', '--target', 'a2');
    expect(explained).toMatchObject({ exitCode: 0 });
    for (const text of [
      'SourceMissing (row B5)',
      'Report, by the default',
      'passed over: only-friday: when is false',
      'outcome: Reported',
    ])
      expect(explained.stdout).toContain(text);
    expect((await folder.run('get', 'rmap', 'DIR')).stdout).toMatch(
      /default\/map +left\/person +right\/account +Enforce +True +Succeeded +0 +0 +0/,
    );
    expect((await folder.run('get', 'systems', 'DIR', '-o', 'json')).stdout).toContain('"type": "CSV"');
    expect((await folder.run('get', 'nonsense', 'DIR')).exitCode).toBe(3);
    const history = await folder.run('history', 'DIR');
    expect(history.stdout).toContain(first.runs[0]?.id);
    // In a pod there are no manifests.
    const alone = await rollcall(['history', '--state', join(folder.path, '.rollcall')]);
    expect(alone.stdout).toBe(history.stdout);
    const entries = await folder.run('history', 'DIR', '--run', first.runs[0]?.id ?? '', '-o', 'csv');
    expect(entries.stdout.split('\r\n')).toHaveLength(4);
    const missing = await folder.run('explain', 'DIR', '--mapping', 'map', '--source', 'nobody');
    expect(missing.stdout).toContain('nothing is known of it');
  });

  it('--source runs one entry and leaves the others alone', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: EMPTY });
    const document = await folder.document('run', '--mapping', 'map', '--source', '2');
    expect(document.runs[0]?.entries.map(({ source, outcome }) => [source, outcome])).toEqual([
      ['2', 'Applied'],
    ]);
    expect(folder.read('target.csv')).toBe('key,name,mail,state\na2,Ben,ben@x.org,\n');
  });
});

const REPOSITORY = `apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: hub }
spec:
  type: Repository
  repository: {}
  access: ReadWrite
  objects: [ { name: person, type: User, id: id, attributes: [ { name: name }, { name: mail, unique: true } ] } ]
`;

function mapping(name: string, source: string, target: string, more: string): string {
  return `---
apiVersion: rollcall.dev/v1alpha1
kind: ReconMapping
metadata: { name: ${name} }
spec:
  source: { systemRef: { name: ${source} }, object: person }
  target: { systemRef: { name: ${target} }, object: person }
  mode: Enforce
${more}
`;
}

function csvSystem(name: string): string {
  return `---
apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: ${name} }
spec:
  type: CSV
  csv: {}
  access: ReadWrite
  objects: [ { name: person, type: User, id: id, csv: { path: ${name}.csv } } ]
`;
}

const COPY =
  '  attributes: [ { target: id, from: id }, { target: name, from: name }, { target: mail, from: mail } ]';

describe('chains', () => {
  const hub = (): Folder =>
    new Folder({
      'm.yaml':
        REPOSITORY +
        csvSystem('in') +
        csvSystem('out') +
        mapping('b-in', 'in', 'hub', COPY) +
        mapping('a-out', 'hub', 'out', COPY),
      'in.csv': 'id,name,mail\n1,Ann,a@x\n2,Ben,b@x\n',
      'out.csv': 'id,name,mail\n',
    });

  it('a run goes through the Repository in one call, whatever the names', async () => {
    using folder = hub();
    const document = await folder.document('run');
    expect(document.runs.map(({ mapping: name, totals }) => [name, totals.applied])).toEqual([
      ['default/b-in', 2],
      ['default/a-out', 2],
    ]);
    expect(folder.read('out.csv')).toBe('id,name,mail\n1,Ann,a@x\n2,Ben,b@x\n');
    expect((await folder.run('objects', 'DIR', 'hub', 'person', 'list')).stdout).toMatch(/1 +Ann +a@x/);
    expect((await folder.run('objects', 'DIR', 'hub', 'person', 'delete', '2')).exitCode).toBe(0);
    expect((await folder.run('objects', 'DIR', 'hub', 'person', 'get', '2')).exitCode).toBe(3);
  });

  it('a plan shows all its hops, and the state stays untouched', async () => {
    using folder = hub();
    const document = await folder.document('plan');
    expect(document.runs.map(({ mapping: name, totals }) => [name, totals.pending])).toEqual([
      ['default/b-in', 2],
      ['default/a-out', 2],
    ]);
    expect(folder.read('out.csv')).toBe('id,name,mail\n');
    expect((await folder.run('objects', 'DIR', 'hub', 'person', 'list')).stdout).toContain('nothing found');
  });

  it('objects put checks what the schema says', async () => {
    using folder = hub();
    folder.write('one.json', '{"name":"Zoë","mail":"z@x"}');
    expect(
      (await folder.run('objects', 'DIR', 'hub', 'person', 'put', '9', '--file', `${folder.path}/one.json`))
        .exitCode,
    ).toBe(0);
    const twice = await folder.run(
      'objects',
      'DIR',
      'hub',
      'person',
      'put',
      '10',
      '--file',
      `${folder.path}/one.json`,
    );
    expect(twice.exitCode).toBe(1);
    expect(twice.stderr).toContain('mail');
    expect((await folder.run('objects', 'DIR', 'hub', 'person', 'get', '9')).stdout).toContain('Zoë');
  });

  it('two mappings that write against each other stop, and are named with the attribute', async () => {
    const upper =
      '  attributes: [ { target: id, from: id }, { target: name, expression: "source.name.upper()" } ]';
    const lower =
      '  attributes: [ { target: id, from: id }, { target: name, expression: "source.name.lower()" } ]\n  correlate: [ { source: id, target: id } ]';
    using folder = new Folder({
      'm.yaml':
        csvSystem('one') +
        csvSystem('two') +
        mapping('up', 'one', 'two', upper) +
        mapping('down', 'two', 'one', lower),
      'one.csv': 'id,name\n1,ann\n',
      'two.csv': 'id,name\n',
    });
    folder.edit('m.yaml', (text) => text.replace('source.name.lower()', "source.name.lower() + '!'"));
    const document = await folder.document('run');
    expect(document.exitCode).toBe(1);
    expect(document.problems).toMatchObject([{ rule: 'NotSettling' }]);
    expect(document.problems[0]?.message).toContain('name');
    expect(document.runs.filter((one) => one.mapping === 'default/up')).toHaveLength(3);
  });

  it('a person who moves from one mapping to the other keeps the account, which the first lets go', async () => {
    const dept = (name: string): string =>
      mapping(
        name,
        'in',
        'out',
        `${COPY}\n  correlate: [ { source: id, target: id } ]\n  policyRef: { name: leavers }`,
      ).replace('object: person }', `object: person, where: "source.mail == '${name}'" }`);
    const policy =
      '---\napiVersion: rollcall.dev/v1alpha1\nkind: SituationPolicy\nmetadata: { name: leavers }\nspec: { rules: [ { name: leavers, situations: [SourceMissing, Unqualified], response: DeleteTarget } ] }\n';
    using folder = new Folder({
      'm.yaml': csvSystem('in') + csvSystem('out') + dept('a') + dept('b') + policy,
      'in.csv': 'id,name,mail\n1,Ann,a\n2,Ben,b\n3,Cid,a\n4,Dan,a\n',
      'out.csv': 'id,name,mail\n',
    });
    await folder.document('run');
    folder.write('in.csv', 'id,name,mail\n1,Ann,b\n2,Ben,b\n4,Dan,a\n');
    const document = await folder.document('run');
    const last = (name: string): DocumentOf['runs'][number] | undefined =>
      document.runs.findLast((one) => one.mapping === `default/${name}`);
    expect(last('a')?.entries.map(({ source, response, outcome }) => [source, response, outcome])).toEqual(
      expect.arrayContaining([
        ['1', 'Unlink', 'Applied'],
        ['3', 'DeleteTarget', 'Applied'],
      ]),
    );
    expect(last('b')?.totals).toMatchObject({ applied: 1, inSync: 1 });
    expect(folder.read('out.csv')).toBe('id,name,mail\n1,Ann,b\n4,Dan,a\n2,Ben,b\n');
    expect((await folder.document('run')).runs.every((one) => one.totals.planned === 0)).toBe(true);
  });
});

describe('what a person reads', () => {
  it('plan names the mappings that would follow behind another system', async () => {
    using folder = new Folder({
      'm.yaml':
        csvSystem('in') +
        csvSystem('mid') +
        csvSystem('out') +
        mapping('one', 'in', 'mid', COPY) +
        mapping('two', 'mid', 'out', COPY),
      'in.csv': 'id,name,mail\n1,Ann,a@x\n',
      'mid.csv': 'id,name,mail\n',
      'out.csv': 'id,name,mail\n',
    });
    const done = await folder.run('plan', 'DIR');
    expect(done.stdout).toContain('; default/two would follow');
  });

  it('plan names the field to change next for every group, with file and line', async () => {
    const rows = Array.from({ length: 5 }, (_, at) => `${at},N${at},n${at}@x.org,\n`).join('');
    using folder = csvPair({
      sourceRows: `id,name,mail,status\n${rows}7,A,a@x.org,\n7,B,b@x.org,\n`,
      targetRows: `${EMPTY}t1,Nobody,nobody@x.org,\nt2,One,n0@x.org,\nt3,Two,n0@x.org,\n`,
      mode: 'Observe',
    });
    folder.edit('manifests.yaml', (text) => text.replace(/(name: right.*?access: )ReadWrite/s, '$1ReadOnly'));
    const { stdout } = await folder.run('plan', 'DIR');
    const file = `${folder.path}/manifests.yaml`;
    const line = 1 + folder.read('manifests.yaml').split('\n').indexOf('  access: ReadOnly');
    expect(stdout.match(/^ {4}\d;/gm)).toHaveLength(3 + 2);
    for (const text of [
      'Absent (A11), CreateTarget, Planned: 4',
      '… and 1 more',
      `a SituationPolicy with the rule { situations: [Absent], response: Report }, named by spec.policyRef of ReconMapping default/map (${file}:`,
      `rollcall explain ${folder.path} --mapping default/map --source 0`,
      'next: nothing has to be done; spec.target.where of ReconMapping default/map',
      'Failed, DuplicateKey: 2',
      `set spec.access: ReadWrite in ManagedSystem default/right (${file}:${line}), and spec.mode: Enforce in ReconMapping default/map (${file}:`,
      `then: rollcall run ${folder.path}`,
    ])
      expect(stdout).toContain(text);
  });

  it('a bad row is named with its file and line, beside whatever is printed', async () => {
    using folder = csvPair({ sourceRows: `${SOURCE}3,Cid\n`, targetRows: EMPTY });
    const document = await folder.document('run');
    expect(document).toMatchObject({ exitCode: 1, runs: [{ outcome: 'Degraded' }] });
    const [problem] = document.problems;
    expect(problem?.message).toMatch(/source was not read as a whole: InvalidRow: .*source\.csv.*4/);
    expect((await folder.run('run', 'DIR')).stderr).toMatch(/InvalidRow: .*source\.csv.*4/);
  });

  it('a reader that stops reading ends nothing', async () => {
    const rows = Array.from({ length: 3_000 }, (_, at) => `${at},N${at},n${at}@x.org,\n`).join('');
    using folder = csvPair({ sourceRows: `id,name,mail,status\n${rows}`, targetRows: EMPTY });
    const child = spawn(process.execPath, [PROGRAM, 'run', folder.path, '-o', 'wide'], { stdio: 'pipe' });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(stderr).not.toContain('EPIPE');
    expect(folder.read('target.csv').split('\n')).toHaveLength(3_002);
  });
});
