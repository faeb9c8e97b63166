import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUnit, directoryFolder, writesSeen } from '../support/directory.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import type { DocumentOf } from '../support/rollcall.ts';

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(() => slapd.stop());

const UGLY = [
  ['1', 'Jürgen Groß'],
  ['2', '"O\'Neil, Sean"'],
  ['3', 'Ana +María'],
  ['4', '#Hash'],
  ['5', ' leading and trailing '],
  ['6', '"He said ""no"""'],
  ['7', 'a\\b;c<d>e=f'],
  ['8', '山田太郎'],
];

function only(document: DocumentOf): DocumentOf['runs'][number] {
  const [run] = document.runs;
  if (!run) throw new Error(JSON.stringify(document.problems));
  return run;
}

describe('a file into a real directory', () => {
  it('ugly names arrive as they are, and the second run writes nothing and looks at nothing twice', async () => {
    await addUnit(slapd, 'ugly');
    const people = `uid,name\n${UGLY.map((row) => row.join(',')).join('\n')}\n`;
    using folder = directoryFolder(slapd, { people: people.replaceAll(/^(\d)/gm, 'u$1'), unit: 'ugly' });
    folder.edit('manifests.yaml', (text) =>
      text
        .replace('attribute: uid, expression: source.uid', 'attribute: cn, expression: source.name')
        .replace('{ target: cn, from: name }', '{ target: uid, from: uid }'),
    );
    expect(only(await folder.document('run'))).toMatchObject({
      outcome: 'Succeeded',
      totals: { applied: 8 },
    });
    const found = await slapd.run('ldapsearch', [
      '-LLL',
      '-o',
      'ldif-wrap=no',
      '-b',
      `ou=ugly,${slapd.suffix}`,
      '(uid=u7)',
      'sn',
    ]);
    expect(found).toContain('sn: a\\b;c<d>e=f\n');
    await slapd.forget();
    const again = only(await folder.document('run', '--all'));
    expect(again.totals).toMatchObject({ inSync: 8, planned: 0 });
    expect(await writesSeen(slapd)).toEqual([]);
    const quiet = await folder.document('run');
    expect(only(quiet).totals).toMatchObject({ inSync: 8, planned: 0 });
  });

  it('one entry that the directory refuses fails alone, with the attribute and without the value', async () => {
    await addUnit(slapd, 'schema');
    using folder = directoryFolder(slapd, {
      people: 'uid,name,manager\np1,Ann,\np2,Ben,not a dn\np3,Cid,\n',
      unit: 'schema',
      attributes: '    - { target: manager, from: manager }',
    });
    const document = await folder.document('run');
    expect(document.exitCode).toBe(1);
    expect(only(document)).toMatchObject({ outcome: 'Degraded', totals: { applied: 2, failed: 1 } });
    const refused = only(document).entries.find((one) => one.outcome === 'Refused');
    expect(refused).toMatchObject({ source: 'p2', error: { code: 'SchemaViolation', attribute: 'manager' } });
    expect(refused?.error?.message).not.toContain('not a dn');
  });

  it.each([
    {
      what: 'a wrong password',
      options: { password: 'wrong' },
      outcome: 'Failed',
      reason: 'AuthenticationFailed',
    },
    {
      what: 'a directory that is not there',
      options: { url: 'ldap://127.0.0.1:1' },
      outcome: 'Failed',
      reason: 'Unreachable',
    },
    {
      what: 'a base that does not exist',
      options: { unit: 'nowhere' },
      outcome: 'Stalled',
      reason: 'InvalidConfiguration',
    },
  ])('$what: $outcome, nothing written, no secret shown', async ({ options, outcome, reason }) => {
    using folder = directoryFolder(slapd, { people: 'uid,name\np1,Ann\n', unit: 'people', ...options });
    const done = await folder.run('run', 'DIR', '-o', 'json');
    const document = JSON.parse(done.stdout) as DocumentOf;
    expect(document.runs).toMatchObject([{ outcome, source: { reason } }]);
    expect(document.exitCode).toBe(1);
    expect(done.stdout + done.stderr).not.toContain(slapd.adminPassword);
    expect(done.stdout + done.stderr).not.toContain("'wrong'");
  });

  it('an attribute that the schema does not know stalls the run and names the nearest one', async () => {
    using folder = directoryFolder(slapd, {
      people: 'uid,name\np1,Ann\n',
      unit: 'people',
      attributes: '    - { target: telefoneNumber, from: name }',
    });
    const document = await folder.document('run');
    expect(document.runs).toMatchObject([{ outcome: 'Stalled' }]);
    expect(document.problems[0]?.message).toContain("did you mean 'telephoneNumber'?");
  });

  it('a surname that changes renames the account, which stays the same entry', async () => {
    await addUnit(slapd, 'rename');
    using folder = directoryFolder(slapd, { people: 'uid,name\np1,Ann\np2,Ben\n', unit: 'rename' });
    folder.edit('manifests.yaml', (text) =>
      text
        .replace('attribute: uid, expression: source.uid', 'attribute: cn, expression: source.name')
        .replace('{ target: cn, from: name }', '{ target: uid, from: uid }'),
    );
    const first = only(await folder.document('run'));
    folder.edit('people.csv', (text) => text.replace('Ben', 'Benson'));
    const second = only(await folder.document('run'));
    expect(second.entries).toMatchObject([
      { row: 'A5', outcome: 'Applied', target: first.entries[1]?.target },
    ]);
    const dns = await slapd.run('ldapsearch', ['-LLL', '-b', `ou=rename,${slapd.suffix}`, '-s', 'one', 'dn']);
    expect(dns).toContain('cn=Benson,');
    expect(dns).not.toContain('cn=Ben,');
    expect(only(await folder.document('run')).totals.inSync).toBe(2);
  });

  it('over LDAPS and StartTLS with the authority from a ConfigMap, refused with another one', async () => {
    const ca = `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ca }\ndata:\n  ca.crt: |\n${slapd.ca.replaceAll(/^/gm, '    ')}\n`;
    for (const [mode, url] of [
      ['LDAPS', slapd.ldapsUrl],
      ['StartTLS', slapd.url],
    ] as const) {
      const tls = `{ mode: ${mode}, caRef: { kind: ConfigMap, name: ca, key: ca.crt } }`;
      using folder = directoryFolder(slapd, { people: 'uid,name\np1,Ann\n', unit: 'people', url, tls });
      folder.edit('manifests.yaml', (text) => text.replace('mode: Enforce', 'mode: Observe') + ca);
      expect(only(await folder.document('run'))).toMatchObject({
        outcome: 'Succeeded',
        totals: { pending: 1 },
      });
      folder.edit('manifests.yaml', (text) => text.replace(/, caRef: \{[^}]*\}/, ''));
      expect(only(await folder.document('run'))).toMatchObject({ outcome: 'Failed' });
    }
  });

  it('a server that dies in mid-write: nothing is lost, nothing is done twice', async () => {
    await addUnit(slapd, 'killed');
    const rows = Array.from({ length: 3_000 }, (_, at) => `k${at},N${at}`).join('\n');
    using folder = directoryFolder(slapd, { people: `uid,name\n${rows}\n`, unit: 'killed' });
    const running = folder.document('run');
    await untilSome(`ou=killed,${slapd.suffix}`);
    await slapd.kill();
    expect(only(await running)).toMatchObject({ outcome: 'Failed' });
    await slapd.restart();
    expect((await folder.document('run')).exitCode).toBe(0);
    const last = only(await folder.document('run'));
    expect(last.totals).toMatchObject({ inSync: 3_000, planned: 0, failed: 0 });
    expect(last.target.entries).toBe(3_000);
  }, 60_000);
});

async function untilSome(base: string): Promise<void> {
  for (;;) {
    const found = await slapd.run('ldapsearch', ['-LLL', '-b', base, '-s', 'one', '1.1']);
    if ((found.match(/^dn/gm) ?? []).length > 100) return;
  }
}
