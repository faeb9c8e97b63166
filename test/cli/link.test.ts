import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUnit, directoryFolder, writesSeen } from '../support/directory.ts';
import { csvPair, type Done, type Folder } from '../support/rollcall.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const SOURCE =
  'id,name,mail,status\n1,Ann,ann@x.org,\n2,Ben,ben@x.org,\n3,Cid,cid@x.org,gone\n4,Dan,dan@x.org,\n';
const TARGET =
  'key,name,mail,state\nt1,Ann,ann@x.org,\nt2,Benjamin,benny@x.org,\nt5,Eve,eve@x.org,service\nt6,Fay,fay@x.org,\n';

/** Linked by mail: 1 and t1. Ben's account goes by another address. */
function pairs(): Folder {
  const folder = csvPair({
    sourceRows: SOURCE,
    targetRows: TARGET,
    source: `, where: "source.status != 'gone'"`,
    target: `, where: "target.name != 'Fay'"`,
    rules: '{ name: wait, situations: [Absent], response: Report }',
  });
  folder.edit('manifests.yaml', (text) =>
    text.replace(
      'metadata: { name: right }\nspec:',
      `metadata: { name: right }\nspec:\n  protect: ["entry.state == 'service'"]`,
    ),
  );
  return folder;
}

function link(folder: Folder, source: string, target: string, ...more: string[]): Promise<Done> {
  return folder.run('link', 'DIR', '--mapping', 'map', '--source', source, '--target', target, ...more);
}

function unlink(folder: Folder, ...words: string[]): Promise<Done> {
  return folder.run('unlink', 'DIR', '--mapping', 'map', ...words);
}

function expectRefused(done: Done, says: readonly string[], exitCode = 3): void {
  for (const text of says) expect(done.stderr).toContain(text);
  expect(done.stdout).toBe('');
  expect(done.stderr).not.toMatch(/\n\s+at /);
  expect(done.exitCode).toBe(exitCode);
}

describe('link settles by hand what correlation cannot', () => {
  it('the next run takes the pair as linked and unsettled, and history tells who did it', async () => {
    using folder = pairs();
    await folder.document('run');
    const done = await link(folder, '2', 't2');
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toContain('default/map: linked 2 → t2');
    expect(done.stdout).toContain('next run: Confirmed (A5), UpdateTarget');
    expect(done.stdout).toContain('name: Benjamin → Ben (NeverAgreed)');
    expect(folder.read('target.csv')).toBe(TARGET);
    const document = await folder.document('run');
    expect(document.runs[0]?.entries.filter((one) => one.source === '2')).toMatchObject([
      { situation: 'Confirmed', row: 'A5', changes: ['NeverAgreed'], target: 't2', outcome: 'Applied' },
    ]);
    expect(folder.read('target.csv')).toContain('t2,Ben,ben@x.org,');
    const history = await folder.run('history', 'DIR', '-o', 'json');
    const acts = (JSON.parse(history.stdout) as { byHand: string }[]).map((one) => one.byHand);
    expect(acts).toEqual(['', `${userInfo().username} linked 2 → t2`, '']);
  });

  it('accepts what people call the entries', async () => {
    using folder = pairs();
    await folder.document('run');
    const done = await link(folder, 'ben', 'benjamin', '--by', 'Zoë of HR');
    expect(done.stdout).toContain('linked 2 → t2');
    expect((await folder.run('history', 'DIR')).stdout).toContain('Zoë of HR linked 2 → t2');
  });

  it.each([
    { when: 'the source is not there', words: ['9', 't2'], says: ["left person has no entry '9'"] },
    { when: 'the target is not there', words: ['2', 't9'], says: ["right account has no entry 't9'"] },
    { when: 'the source is linked', words: ['1', 't2'], says: ['source entry 1 is linked to target t1'] },
    {
      when: 'the target is linked to somebody else',
      words: ['2', 't1'],
      says: ['t1 is linked to source 1', '--mapping default/map --source 1'],
    },
    { when: 'they are linked', words: ['1', 't1'], says: ['1 and t1 are linked already'] },
    {
      when: 'the source is out of scope',
      words: ['3', 't2'],
      says: ['3 is out of scope by spec.source.where'],
    },
    {
      when: 'the target is out of scope',
      words: ['2', 't6'],
      says: ['t6 is out of scope by spec.target.where'],
    },
    {
      when: 'the target is protected',
      words: ['2', 't5'],
      says: ["t5 is protected by entry.state == 'service' in ManagedSystem default/right"],
    },
  ])('refuses when $when', async ({ words, says }) => {
    using folder = pairs();
    await folder.document('run');
    const [source = '', target = ''] = words;
    expectRefused(await link(folder, source, target), [...says, 'nothing was changed']);
    expect((await folder.run('history', 'DIR', '-o', 'csv')).stdout).not.toContain('linked');
  });

  it('refuses a name that fits several, and an id that two rows carry', async () => {
    using folder = pairs();
    await folder.document('run');
    folder.edit('source.csv', (text) => `${text}7,Ben,ben7@x.org,\n8,Gil,a@x,\n8,Gus,b@x,\n`);
    expectRefused(await link(folder, 'Ben', 't2'), [
      "'Ben' fits several entries",
      '2, 7',
      'give the id of one',
    ]);
    expectRefused(await link(folder, '8', 't2'), ['two rows have this key']);
  });

  it('refuses an unknown mapping, missing flags, a mapping without state and a state in use', async () => {
    using folder = pairs();
    expectRefused(await link(folder, '2', 't2'), ['there is no state in', 'this makes it', 'rollcall run ']);
    expectRefused(await folder.run('link', 'DIR', '--mapping', 'mep', '--source', '2', '--target', 't2'), [
      "did you mean 'default/map'?",
    ]);
    expectRefused(await folder.run('link', 'DIR', '--mapping', 'map', '--source', '2'), [
      'rollcall link needs --mapping, --source ID and --target ID',
    ]);
    await folder.document('run');
    await using holder = await holding(join(folder.path, '.rollcall'));
    expectRefused(await link(folder, '2', 't2'), [`in use by process ${holder.pid}`], 1);
    expectRefused(await unlink(folder, '--source', '1'), [`in use by process ${holder.pid}`], 1);
  });
});

describe('unlink takes a link back', () => {
  it('warns that correlation finds the pair again, which the next run then does', async () => {
    using folder = pairs();
    await folder.document('run');
    const done = await unlink(folder, '--source', '1');
    expect(done.stdout).toContain('default/map: unlinked 1 → t1');
    expect(done.stdout).toContain('next run: Found (A12)');
    expect(done.stderr).toContain('warning: spec.correlate finds the same pair again');
    const document = await folder.document('run', '--all');
    expect(document.runs[0]?.entries).toContainEqual(
      expect.objectContaining({ source: '1', target: 't1', situation: 'Found' }),
    );
  });

  it('undoes link, by the command that link prints, and is undone by link', async () => {
    using folder = pairs();
    await folder.document('run');
    const linked = await link(folder, '2', 't2');
    const undo = /undo it with: rollcall (.*)\n/.exec(linked.stdout)?.[1]?.split(' ') ?? [];
    const unlinked = await folder.run(...undo);
    expect(unlinked).toMatchObject({ exitCode: 0, stderr: '' });
    expect(unlinked.stdout).toContain('next run: Absent (A11), Report');
    const redo = /undo it with: rollcall (.*)\n/.exec(unlinked.stdout)?.[1]?.split(' ') ?? [];
    expect((await folder.run(...redo)).stdout).toContain('linked 2 → t2');
    const lines = (await folder.run('history', 'DIR')).stdout.split('\n');
    expect(lines.slice(1, 4).map((line) => / (linked|unlinked) /.exec(line)?.[1])).toEqual([
      'linked',
      'unlinked',
      'linked',
    ]);
  });

  it('finds a link whose entries are gone, and refuses what makes no sense', async () => {
    using folder = pairs();
    await folder.document('run');
    expectRefused(await unlink(folder, '--source', '2'), ['source entry 2 is not linked']);
    expectRefused(await unlink(folder, '--target', 'nobody'), ["no link of 'nobody' is known"]);
    expectRefused(await unlink(folder, '--source', '1', '--target', 't2'), ['target entry t2 is not linked']);
    expectRefused(await unlink(folder), ['rollcall unlink needs --mapping, and --source ID or --target ID']);
    folder.edit('source.csv', (text) => text.replace('1,Ann,ann@x.org,\n', ''));
    folder.edit('target.csv', (text) => text.replace('t1,Ann,ann@x.org,\n', ''));
    expect((await unlink(folder, '--target', 't1')).stdout).toContain('unlinked 1 → t1');
    expectRefused(await unlink(folder, '--target', 't1'), ["no link of 't1' is known"]);
  });
});

describe('in a real directory', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(() => slapd.stop());

  it('the target may be given by its DN; neither command writes to the directory', async () => {
    await addUnit(slapd, 'linked');
    const dn = `uid=anna,ou=linked,${slapd.suffix}`;
    await slapd.run(
      'ldapadd',
      [],
      `dn: ${dn}\nobjectClass: inetOrgPerson\nuid: anna\ncn: Anna Fox\nsn: Fox\n`,
    );
    await slapd.run(
      'ldapadd',
      [],
      `dn: uid=else,${slapd.people}\nobjectClass: inetOrgPerson\nuid: else\ncn: E\nsn: E\n`,
    );
    using folder = directoryFolder(slapd, { people: 'uid,name\np1,Ann Fox\n', unit: 'linked' });
    folder.edit('manifests.yaml', (text) => text.replace('mode: Enforce', 'mode: Observe'));
    await folder.document('run');
    await slapd.forget();
    expectRefused(await link(folder, 'p1', `uid=else,${slapd.people}`), ['is out of scope: base or filter']);
    expectRefused(await link(folder, 'p1', `uid=none,${slapd.people}`), ['has no entry']);
    const done = await link(folder, 'p1', dn.replace('uid=anna', 'UID=Anna'));
    expect(done.stdout).toMatch(/linked p1 → uid=anna,\S+ \([0-9a-f-]{36}\)/);
    const found = await unlink(folder, '--target', 'Anna Fox');
    expect(found.stdout).toContain('unlinked p1 → ');
    expect(await writesSeen(slapd)).toEqual([]);
    folder.edit('manifests.yaml', (text) => text.replace(slapd.url, 'ldap://127.0.0.1:1'));
    expectRefused(await link(folder, 'p1', dn), ['127.0.0.1:1'], 1);
  });
});

/** Another process that has the state open. */
async function holding(state: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const module = new URL('../../src/store/state.ts', import.meta.url).href;
  const program = `const { openState } = await import(${JSON.stringify(module)});
    globalThis.state = openState(process.argv[1], process.pid);
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program, '--input-type=module', state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
