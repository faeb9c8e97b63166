import { describe, expect, it } from 'vitest';
import { csvPair, type CsvPair, type DocumentOf, type Folder } from '../support/rollcall.ts';

const SOURCE = 'id,name,mail,status\n1,Ann,ann@x.org,\n2,Ben,ben@x.org,\n';
const EMPTY_TARGET = 'key,name,mail,state\n';

function only(document: DocumentOf): DocumentOf['runs'][number] {
  const [run] = document.runs;
  if (!run) throw new Error(`no run: ${JSON.stringify(document.problems)}`);
  return run;
}

async function ran(
  pair: CsvPair,
  ...words: string[]
): Promise<{ run: DocumentOf['runs'][number]; folder: Folder; exitCode: number }> {
  const folder = csvPair(pair);
  const document = await folder.document('run', ...words);
  return { run: only(document), folder, exitCode: document.exitCode };
}

describe('a run over two files', () => {
  it('A11: creates what is absent, and the next run has nothing to do', async () => {
    const { run, folder, exitCode } = await ran({ sourceRows: SOURCE, targetRows: EMPTY_TARGET });
    using _ = folder;
    expect(exitCode).toBe(0);
    expect(run.situations).toEqual([
      { name: 'Absent', count: 2, planned: 2, applied: 2, held: 0, failed: 0 },
    ]);
    expect(run.entries.map(({ row, source, target, outcome }) => [row, source, target, outcome])).toEqual([
      ['A11', '1', 'a1', 'Applied'],
      ['A11', '2', 'a2', 'Applied'],
    ]);
    expect(folder.read('target.csv')).toBe('key,name,mail,state\na1,Ann,ann@x.org,\na2,Ben,ben@x.org,\n');
    const again = only(await folder.document('run', '--all'));
    expect(again.totals).toMatchObject({ inSync: 2, planned: 0 });
    expect(again.entries.map(({ row, outcome, response }) => [row, outcome, response])).toEqual([
      ['A5', 'InSync', null],
      ['A5', 'InSync', null],
    ]);
  });

  it('A12: links and updates what corresponds, a pure link is shown with --all only', async () => {
    const targetRows = 'key,name,mail,state\nx9,Ann,ann@x.org,\nx8,Benny,BEN@x.org,\n';
    const pair = {
      sourceRows: SOURCE,
      targetRows,
      targetObject: ', attributes: [ { name: mail, match: IgnoreCase } ]',
    };
    const { run, folder } = await ran(pair, '--all');
    using _ = folder;
    expect(run.entries.map(({ row, outcome, target, response }) => [row, outcome, target, response])).toEqual(
      [
        ['A12', 'Linked', 'x9', 'UpdateTarget'],
        ['A12', 'Applied', 'x8', 'UpdateTarget'],
      ],
    );
    expect(run.situations).toEqual([{ name: 'Found', count: 2, planned: 2, applied: 2, held: 0, failed: 0 }]);
    expect(folder.read('target.csv')).toBe('key,name,mail,state\nx9,Ann,ann@x.org,\nx8,Ben,BEN@x.org,\n');
  });

  it('B4 and A15: what belongs to nobody is reported, what is not clear too, and nothing is written', async () => {
    const targetRows = 'key,name,mail,state\nx1,A,ann@x.org,\nx2,B,ann@x.org,\nx3,C,cid@x.org,\n';
    const { run, folder, exitCode } = await ran({
      sourceRows: 'id,name,mail,status\n1,Ann,ann@x.org,\n',
      targetRows,
    });
    using _ = folder;
    expect(exitCode).toBe(0);
    expect(
      run.entries.map(({ row, situation, source, target, outcome }) => [
        row,
        situation,
        source,
        target,
        outcome,
      ]),
    ).toEqual([
      ['B4', 'Unassigned', null, 'x3', 'Reported'],
      ['A15', 'Ambiguous', '1', null, 'Reported'],
    ]);
    expect(folder.read('target.csv')).toBe(targetRows);
  });

  it('B5: disables the account of somebody who has left, and enables it when the row comes back', async () => {
    const rules = '{ name: leavers, situations: [SourceMissing], response: DisableTarget }';
    const { folder } = await ran({ sourceRows: SOURCE, targetRows: EMPTY_TARGET, rules });
    using _ = folder;
    folder.edit('source.csv', (text) => text.replace('2,Ben,ben@x.org,\n', ''));
    const left = only(await folder.document('run'));
    expect(left.entries).toMatchObject([
      {
        row: 'B5',
        response: 'DisableTarget',
        rule: 'leavers',
        outcome: 'Applied',
        source: '2',
        target: 'a2',
        differences: [{ attribute: 'state', from: [], to: ['off'] }],
      },
    ]);
    expect(folder.read('target.csv')).toContain('a2,Ben,ben@x.org,off\n');
    expect(only(await folder.document('run', '--all')).entries).toMatchObject([
      { row: 'A5', outcome: 'InSync' },
      { row: 'B5', outcome: 'InSync', response: 'DisableTarget' },
    ]);
    folder.write('source.csv', SOURCE);
    const back = only(await folder.document('run'));
    expect(back.entries).toMatchObject([
      {
        row: 'A5',
        changes: ['SourceChanged'],
        response: 'UpdateTarget',
        outcome: 'Applied',
        differences: [{ attribute: 'state', author: 'SourceChanged', from: ['off'], to: ['on'] }],
      },
    ]);
    expect(folder.read('target.csv')).toContain('a2,Ben,ben@x.org,on\n');
  });

  it('an account that somebody else has locked stays locked', async () => {
    const { folder } = await ran({ sourceRows: SOURCE, targetRows: EMPTY_TARGET });
    using _ = folder;
    folder.edit('target.csv', (text) => text.replace('a2,Ben,ben@x.org,', 'a2,Ben,ben@x.org,off'));
    expect(only(await folder.document('run')).totals).toMatchObject({ inSync: 2, planned: 0 });
    expect(folder.read('target.csv')).toContain('a2,Ben,ben@x.org,off\n');
  });

  it('every difference has an author', async () => {
    const { folder } = await ran({ sourceRows: SOURCE, targetRows: EMPTY_TARGET });
    using _ = folder;
    folder.edit('source.csv', (text) => text.replace('1,Ann', '1,Anna'));
    folder.edit('target.csv', (text) => text.replace('a2,Ben', 'a2,Benjamin').replace('a1,Ann', 'a1,Anne'));
    const run = only(await folder.document('run'));
    expect(
      run.entries.map(({ source, changes, differences }) => [
        source,
        changes,
        differences.map((one) => one.author),
      ]),
    ).toEqual([
      ['1', ['Conflict'], ['Conflict']],
      ['2', ['TargetDrifted'], ['TargetDrifted']],
    ]);
    expect(folder.read('target.csv')).toBe('key,name,mail,state\na1,Anna,ann@x.org,\na2,Ben,ben@x.org,\n');
  });

  it('takes a change by hand back to the source where a rule says so, and records each response of a pair', async () => {
    const pair: CsvPair = {
      sourceRows: SOURCE,
      targetRows: EMPTY_TARGET,
      rules: `{ name: by-hand, situations: [Confirmed], change: TargetDrifted, when: "'name' in changed", response: UpdateSource }`,
      mapping: `correlate: [ { source: mail, target: mail } ]
  attributes: [ { target: key, expression: "'a' + source.id" }, { target: name, from: name }, { target: mail, from: mail } ]
  inbound: [ { source: name, from: name } ]`,
    };
    const { folder } = await ran(pair);
    using _ = folder;
    folder.edit('target.csv', (text) => text.replace('a2,Ben', 'a2,Benjamin'));
    folder.edit('source.csv', (text) => text.replace('ben@x.org', 'ben@y.org'));
    const document = await folder.document('run');
    expect(
      only(document).entries.map(({ response, rule, changes, outcome, differences }) => [
        response,
        rule,
        changes,
        outcome,
        differences.map((one) => [one.attribute, one.from, one.to]),
      ]),
    ).toEqual([
      ['UpdateSource', 'by-hand', ['TargetDrifted'], 'Applied', [['name', ['Ben'], ['Benjamin']]]],
      ['UpdateTarget', null, ['SourceChanged'], 'Applied', [['mail', ['ben@x.org'], ['ben@y.org']]]],
    ]);
    expect(document.runs.at(-1)?.totals).toMatchObject({ inSync: 2, planned: 0 });
    expect(folder.read('source.csv')).toContain('2,Benjamin,ben@y.org,\n');
    expect(folder.read('target.csv')).toContain('a2,Benjamin,ben@y.org,\n');
  });

  it('does not unlink a pair that nothing would find again, where Absent creates: it would be a second target', async () => {
    const pair: CsvPair = {
      sourceRows: SOURCE,
      targetRows: EMPTY_TARGET,
      rules: `{ name: let-go, situations: [Confirmed], when: "source.name == 'Ben'", response: Unlink }, { name: found, situations: [Found], response: Report }`,
      mapping: `attributes: [ { target: key, expression: "'a' + source.id" }, { target: name, from: name } ]`,
    };
    const { folder } = await ran(pair);
    using _ = folder;
    const run = only(await folder.document('run'));
    expect(run.entries).toMatchObject([
      { row: 'A5', source: '2', response: 'Unlink', outcome: 'Failed', error: { code: 'WouldDuplicate' } },
    ]);
    folder.edit('manifests.yaml', (text) =>
      text.replace(
        '{ name: found,',
        '{ name: absent, situations: [Absent], response: Report }, { name: found,',
      ),
    );
    expect(only(await folder.document('run')).entries).toMatchObject([
      { row: 'A5', response: 'Unlink', outcome: 'Applied' },
    ]);
    expect(only(await folder.document('run')).entries).toMatchObject([
      { row: 'B4', target: 'a2', response: 'Report' },
      { row: 'A11', source: '2', response: 'Report' },
    ]);
  });
});

describe('guards', () => {
  const people = (count: number, from = 0): string =>
    Array.from({ length: count }, (_, at) => `${from + at},P${from + at},p${from + at}@x.org,\n`).join('');
  const rules = '{ name: leavers, situations: [SourceMissing], response: DeleteTarget }';

  it('an empty source stalls the run, holds the whole plan, and says so with the digest', async () => {
    const { folder } = await ran({ sourceRows: SOURCE, targetRows: EMPTY_TARGET, rules });
    using _ = folder;
    folder.write('source.csv', 'id,name,mail,status\n');
    const document = await folder.document('run');
    expect(document.exitCode).toBe(1);
    expect(only(document)).toMatchObject({
      outcome: 'Stalled',
      source: { entries: 0, complete: 'No', reason: 'EmptySource' },
      plan: { operations: 2 },
    });
    expect(only(document).entries.map((one) => [one.outcome, one.held?.by])).toEqual([
      ['Held', 'Evidence'],
      ['Held', 'Evidence'],
    ]);
    expect(folder.read('target.csv')).toContain('a2,Ben');
  });

  it('a shrunken source holds withdrawals; the approved plan is the plan that is applied, once', async () => {
    const { folder } = await ran({
      sourceRows: `id,name,mail,status\n${people(40)}`,
      targetRows: EMPTY_TARGET,
      rules,
    });
    using _ = folder;
    folder.write('source.csv', `id,name,mail,status\n${people(30)}`);
    const held = await folder.document('run');
    expect(held.exitCode).toBe(2);
    expect(only(held)).toMatchObject({ outcome: 'Held', source: { complete: 'No', reason: 'SourceShrunk' } });
    const digest = only(held).plan?.digest ?? '';
    expect((await folder.run('approve', 'DIR', '--mapping', 'map', '--plan', `${digest}0`)).exitCode).toBe(3);
    expect((await folder.run('approve', 'DIR', '--mapping', 'map', '--plan', digest)).exitCode).toBe(0);
    const released = await folder.document('run');
    expect(only(released)).toMatchObject({ outcome: 'Succeeded', totals: { applied: 10, held: 0 } });
    expect(folder.read('target.csv').split('\n')).toHaveLength(32);
    expect(only(await folder.document('run')).totals).toMatchObject({ planned: 0, inSync: 30 });
  });

  it('a budget holds one kind of effect and lets the others through', async () => {
    const { folder } = await ran({
      sourceRows: `id,name,mail,status\n${people(40)}`,
      targetRows: EMPTY_TARGET,
      rules,
    });
    using _ = folder;
    folder.write('source.csv', `id,name,mail,status\n${people(36)}${people(1, 100)}`);
    const run = only(await folder.document('run'));
    expect(run).toMatchObject({ outcome: 'Held', totals: { applied: 1, held: 4 } });
    expect(run.entries.find((one) => one.outcome === 'Held')?.held).toEqual({
      by: 'Budget',
      reason: 'Delete: 4 entries, the limit is 3',
    });
  });

  it('a column that the export no longer has holds what would clear it', async () => {
    const { folder } = await ran({
      sourceRows: `id,name,mail,status\n${people(30)}`,
      targetRows: EMPTY_TARGET,
      rules,
    });
    using _ = folder;
    folder.write('source.csv', `id,mail,status\n${people(30).replaceAll(/,P\d+,/g, ',')}`);
    const run = only(await folder.document('run'));
    expect(run.source).toMatchObject({ complete: 'No', reason: 'AttributeVanished' });
    expect(run).toMatchObject({ outcome: 'Held', totals: { applied: 0, held: 30 } });
    expect(folder.read('target.csv')).toContain('a7,P7,p7@x.org');
  });

  it('plan writes nothing, says what would change, and exits with 2', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: EMPTY_TARGET });
    const planned = await folder.document('plan');
    expect(planned.exitCode).toBe(2);
    expect(only(planned)).toMatchObject({
      outcome: 'Succeeded',
      totals: { planned: 2, pending: 2, applied: 0 },
    });
    expect(folder.read('target.csv')).toBe(EMPTY_TARGET);
    expect((await folder.run('get', 'mappings', 'DIR')).stdout).toContain('NeverRun');
    expect(only(await folder.document('plan')).totals.planDigest).toBe(only(planned).totals.planDigest);
  });

  it('Observe plans only, and names the field to change', async () => {
    using folder = csvPair({ sourceRows: SOURCE, targetRows: EMPTY_TARGET, mode: 'Observe' });
    const done = await folder.run('run', 'DIR');
    expect(done.exitCode).toBe(2);
    expect(done.stdout).toContain('set spec.mode: Enforce in ReconMapping default/map');
    expect(folder.read('target.csv')).toBe(EMPTY_TARGET);
  });
});
