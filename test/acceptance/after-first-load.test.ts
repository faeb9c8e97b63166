/**
 * What a first load has put into a Repository is recognised by the very next run. It is judged then as if it had been
 * read: what somebody has changed meanwhile is seen, and so is who corresponds to somebody who was only recognised.
 */
import { afterEach, expect, it } from 'vitest';
import { openStateForReading } from '../../src/store/state.ts';
import { Folder, header, inProcess, type DocumentOf, type RunOfDocument } from '../support/rollcall.ts';

const PEOPLE = 60;
const MANIFESTS = `${header('ManagedSystem', 'file')}
spec:
  type: CSV
  csv: { multiValueDelimiter: '|' }
  objects: [ { name: person, type: User, id: uid, csv: { path: people.csv }, attributes: [ { name: mail, multiValued: true } ] } ]
---
${header('ManagedSystem', 'people')}
spec:
  type: Repository
  repository: {}
  access: ReadWrite
  objects: [ { name: person, type: User, id: uid, attributes: [ { name: cn }, { name: title }, { name: mail, multiValued: true } ] } ]
---
${header('ReconMapping', 'load')}
spec:
  source: { systemRef: { name: file }, object: person }
  target: { systemRef: { name: people }, object: person }
  mode: Enforce
  correlate: [ { source: uid, target: uid }, { source: mail, target: mail } ]
  attributes: [ { target: uid, from: uid }, { target: cn, from: cn }, { target: title, from: title }, { target: mail, from: mail } ]
`;

const rows = Array.from({ length: PEOPLE }, (_, at) => {
  const title = at % 3 === 0 ? '' : 'Nurse';
  return `u${at},"Jörg ""${at}"", 李",${title},a${at}@x.org|b${at}@x.org\n`;
});

let folder: Folder;
afterEach(() => folder[Symbol.dispose]());

async function run(): Promise<RunOfDocument> {
  const done = await inProcess(['run', folder.path, '-o', 'json', '--mapping', 'default/load']);
  const [only] = (JSON.parse(done.stdout) as DocumentOf).runs;
  if (!only) throw new Error(done.stderr);
  return only;
}

async function loaded(): Promise<void> {
  folder = new Folder({ 'manifests.yaml': MANIFESTS, 'people.csv': `uid,cn,title,mail\n${rows.join('')}` });
  expect((await run()).totals).toMatchObject({ applied: PEOPLE, failed: 0 });
}

const counts = ({ situations }: RunOfDocument): unknown[] =>
  situations.map(({ name, count, applied }) => [name, count, applied]);

it('sees what somebody has changed since, and brings it back', async () => {
  await loaded();
  folder.write('object.json', JSON.stringify({ uid: 'u7', cn: 'by hand', title: 'Nurse' }));
  const words = ['default/people', 'person', 'put', 'u7', '--file', `${folder.path}/object.json`];
  expect((await inProcess(['objects', folder.path, ...words])).exitCode).toBe(0);
  const second = await run();
  expect(counts(second)).toEqual([['Confirmed', PEOPLE, 1]]);
  expect(second.entries[0]).toMatchObject({ source: 'u7', changes: ['TargetDrifted'], outcome: 'Applied' });
  expect((await run()).totals).toMatchObject({ inSync: PEOPLE, planned: 0 });
});

it('knows the keys of whom it has only recognised', async () => {
  await loaded();
  folder.edit('people.csv', (text) => `${text}new,Somebody,Nurse,b9@x.org\n`);
  expect(counts(await run())).toEqual([
    ['Confirmed', PEOPLE, 0],
    ['FoundAlreadyLinked', 1, 0],
  ]);
});

it('has counted whose values there are', async () => {
  await loaded();
  expect((await run()).totals).toMatchObject({ inSync: PEOPLE });
  using state = openStateForReading(`${folder.path}/.rollcall`);
  const row = state?.database.get(`SELECT body FROM baselines WHERE side = 'Target'`);
  const valueCounts = { cn: PEOPLE, title: PEOPLE - 20, mail: PEOPLE };
  expect(JSON.parse(String(row?.['body']))).toEqual({ inScope: PEOPLE, valueCounts });
});
