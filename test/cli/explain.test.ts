import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUnit, directoryFolder } from '../support/directory.ts';
import { csvPair, inProcess, type Done, type Folder } from '../support/rollcall.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const SOURCE = `id,name,mail,status
1,Ann,ann@x.org,
2,Ben,ben@x.org,
3,Cid,cid@x.org,gone
4,Dan,dan@x.org,left
5,Eve,eve@x.org,
8,Gil,g@x.org,
8,Gus,h@x.org,
`;
const TARGET = `key,name,mail,state
t1,Ann,ann@x.org,
t2,Benjamin,benny@x.org,
t5,Eve,eve@x.org,service
t6,Fay,fay@x.org,
`;
const RULES = `{ name: friday, situations: [Absent], when: "source.name == 'Friday'", response: CreateTarget },
  { name: later, situations: [Absent], after: 24h, response: CreateTarget },
  { name: wait, situations: [Absent], response: Report }`;

function pairs(more: { mode?: 'Observe' | 'Enforce' } = {}): Folder {
  const folder = csvPair({
    sourceRows: SOURCE,
    targetRows: TARGET,
    source: `, where: "source.status != 'gone'", deletedWhen: "source.status == 'left'"`,
    target: `, where: "target.name != 'Fay'"`,
    rules: RULES,
    ...more,
  });
  folder.edit('manifests.yaml', (text) =>
    text.replace(
      'metadata: { name: right }\nspec:',
      `metadata: { name: right }\nspec:\n  protect: ["entry.state == 'service'"]`,
    ),
  );
  return folder;
}

const explain = (folder: Folder, ...words: string[]): Promise<Done> =>
  inProcess(['explain', folder.path, '--mapping', 'map', ...words]);

describe('explain answers why nothing happened to somebody', () => {
  let folder: Folder;
  beforeAll(async () => {
    folder = pairs();
    await inProcess(['run', folder.path]);
    folder.edit('target.csv', (text) => text.replace('ann@x.org,', 'annie@x.org,'));
    folder.edit('source.csv', (text) => text.replace('5,Eve,eve@x.org,', '5,Evelyn,eve@x.org,'));
  });
  afterAll(() => folder[Symbol.dispose]());

  it.each([
    {
      when: 'somebody changed the account',
      words: ['--source', '1'],
      says: [
        'The next run does it: UpdateTarget: linked, and both sides are there; the default says so.',
        'the source entry 1 is there, and in scope',
        'the target entry t1 is there, and in scope',
        'linked: source 1 and target t1, since 20',
        'situation: Confirmed (row A5)',
        'ATTRIBUTE   IS            SHALL BE    WHY IT DIFFERS',
        'annie@x.org   ann@x.org   TargetDrifted: somebody changed the target',
        'guards: nothing holds it',
        'outcome: Planned',
      ],
    },
    {
      when: 'nobody corresponds, by the name people use',
      words: ['--source', 'ben'],
      says: [
        'default/map, source entry 2',
        "Nothing happens: nobody on the target corresponds; rule 'wait' says Report.",
        'there is no link',
        'no rule of spec.correlate finds an account',
        'passed over: friday: when is false',
        'passed over: later: the situation has lasted 0 h, the rule asks for 24 h',
        "response: Report, by rule 'wait'",
        "next: rule 'wait' of SituationPolicy default/policy",
      ],
    },
    {
      when: 'it is out of scope',
      words: ['--source', '3'],
      says: [
        'Nothing happens: out of scope, and nobody corresponds; the default says Ignore.',
        "but out of scope by spec.source.where (source.status != 'gone')",
        'situation: SourceIgnored (row A19)',
      ],
    },
    {
      when: 'it is marked deleted',
      words: ['--source', '4'],
      says: ["but marked deleted by spec.source.deletedWhen (source.status == 'left')", '(row A4)'],
    },
    {
      when: 'the account is protected',
      words: ['--source', '5'],
      says: [
        'Nothing happens: UpdateTarget is held by Protect: the entry is protected by entry.state ==',
        "in scope, and protected by entry.state == 'service': it is never written",
        'held by Protect',
        'next: spec.protect of ManagedSystem default/right',
      ],
    },
    {
      when: 'two rows have the id',
      words: ['--source', '8'],
      says: [
        "Nothing happens: the entry cannot be judged: id '8' occurs 2 times in default/left person",
        'the source entry 8 cannot be judged: two rows have this key',
        'failed: DuplicateKey',
        'next: keep one entry of each id',
      ],
    },
    {
      when: 'the target is out of scope',
      words: ['--target', 'Fay'],
      says: [
        'default/map, target entry t6',
        "out of scope by spec.target.where (target.name != 'Fay')",
        '(row B1)',
      ],
    },
    {
      when: "the account is nobody's",
      words: ['--target', 't2'],
      says: [
        'Nothing happens: a target entry that belongs to nobody',
        'rollcall link ',
        '--source ID --target t2',
      ],
    },
    {
      when: 'nobody knows it',
      words: ['--target', 'nobody'],
      says: ['nothing is known of it: neither listed, nor linked', 'the target entry nobody is not there'],
    },
  ])('$when', async ({ words, says }) => {
    const done = await explain(folder, ...words);
    for (const text of says) expect(done.stdout).toContain(text);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(folder.read('target.csv')).toContain('annie@x.org');
  });

  it('a name that fits several is not guessed at', async () => {
    using two = pairs();
    two.edit('source.csv', (text) => `${text}9,Ben,ben9@x.org,\n`);
    const done = await explain(two, '--source', 'Ben');
    expect(done).toMatchObject({ exitCode: 3, stdout: '' });
    expect(done.stderr).toContain(
      "'Ben' fits several entries of default/left person: 2, 9; give the id of one",
    );
  });

  it('two accounts that may be meant are named', async () => {
    using two = pairs();
    two.edit('target.csv', (text) => `${text}t7,Benny,ben@x.org,\nt8,Ben,BEN@x.org,\nt9,Benno,ben@x.org,\n`);
    const done = await explain(two, '--source', '2');
    expect(done.stdout).toContain('Ambiguous (row A15)');
    expect(done.stdout).toContain('spec.correlate finds by mail = mail: t7; t9');
    expect(done.stdout).toMatch(/rollcall link \S+ --mapping default\/map --source 2 --target ID/);
  });

  it('in Observe mode it says that nothing happens because of that', async () => {
    using watching = pairs({ mode: 'Observe' });
    const done = await explain(watching, '--source', '1');
    expect(done.stdout).toContain('situation: Found (row A12)');
    watching.edit('target.csv', (text) => text.replace('t1,Ann,', 't1,Anna,'));
    expect((await explain(watching, '--source', '1')).stdout).toContain(
      'Nothing happens in Observe mode: not linked yet, exactly one free entry corresponds; the default says UpdateTarget, and Enforce would do it.',
    );
  });
});

describe('explain in a real directory', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(() => slapd.stop());

  it('finds an account by DN and by name, and shows no secret when the bind fails', async () => {
    await addUnit(slapd, 'explained');
    const rows = Array.from({ length: 60 }, (_, at) => `p${at},Nora Fox ${at}`).join('\n');
    using folder = directoryFolder(slapd, { people: `uid,name\n${rows}\n`, unit: 'explained' });
    await inProcess(['run', folder.path]);
    folder.edit('manifests.yaml', (text) =>
      text.replace('mode: Enforce', 'mode: Enforce\n  policyRef: { name: strict }'),
    );
    folder.write(
      'policy.yaml',
      `apiVersion: rollcall.dev/v1alpha1
kind: SituationPolicy
metadata: { name: strict }
spec: { rules: [ { name: leavers, situations: [SourceMissing], response: DeleteTarget } ] }
`,
    );
    folder.edit('people.csv', (text) => text.replace(/p[1-5],.*\n/g, ''));
    await inProcess(['run', folder.path]);
    const dn = `uid=p3,ou=explained,${slapd.suffix}`;
    const byName = await explain(folder, '--target', 'nora fox 3');
    const byDn = await explain(folder, '--target', dn.replace('uid=p3', 'UID=P3'));
    expect(byDn.stdout).toBe(byName.stdout);
    for (const text of [`the target entry ${dn} (`, 'situation: SourceMissing (row B5)', "by rule 'leavers'"])
      expect(byDn.stdout).toContain(text);
    folder.edit('manifests.yaml', (text) => text.replace(slapd.adminPassword, 'wrong-4711'));
    const refused = await explain(folder, '--target', dn);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('default/map: Failed: ');
    expect(refused.stdout + refused.stderr).not.toMatch(/wrong-4711|\n\s+at /);
  });
});
