/**
 * The five accidents of the contract, played through the command line on real files and a real directory, under a
 * policy that deletes whatever it may: no wrong withdrawal, no duplicate, and a message that says what to do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  Company,
  csv,
  lastRunOf,
  mappingOf,
  people,
  person,
  type CompanyOptions,
  type Person,
} from '../support/acceptance.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const EVERYBODY = people(100).map(({ id }) => id);

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(() => slapd.stop());

/** As an exporter does it that dies in the middle, and a script that does not look renames what there is. */
function replaceFile(company: Company, text: string | Uint8Array): void {
  company.folder.write('people.csv.part', text);
  renameSync(join(company.folder.path, 'people.csv.part'), join(company.folder.path, 'people.csv'));
}

/** All hundred are there, once, and nothing was written to any of them since the first roll call. */
async function expectUntouched(company: Company): Promise<void> {
  expect(await company.accounts()).toEqual(EVERYBODY);
  expect(company.writes()).toEqual({ ADD: 100, MOD: 0, MODRDN: 0, DEL: 0 });
}

/** Everybody is in sync, nobody is left over, nothing is held. */
async function expectSettled(company: Company, name = 'accounts'): Promise<void> {
  const document = await company.document();
  expect(document.exitCode).toBe(0);
  expect(lastRunOf(document, name)).toMatchObject({ outcome: 'Succeeded', totals: { planned: 0, held: 0 } });
}

/** One company for all cases of an accident: each ends as it began. */
function settledCompany(options?: CompanyOptions): { readonly now: Company } {
  let company: Company | undefined;
  beforeAll(async () => {
    company = await Company.open(slapd, options);
    await company.settle();
  });
  afterAll(() => company?.[Symbol.dispose]());
  return {
    get now() {
      if (!company) throw new Error('not settled yet');
      return company;
    },
  };
}

describe('first accident: an export that was cut off, renamed into place', () => {
  const company = settledCompany();
  const whole = Buffer.from(csv(people(100)));

  it.each([
    { share: 0, told: /is empty, a header is needed/ },
    { share: 0.002, told: /EmptySource: .*bring back what is missing, or approve/s },
    { share: 0.0035, told: /EmptySource: .*bring back what is missing, or approve/s },
    { share: 0.2, told: /SourceShrunk: .*bring back what is missing, or approve/s },
    { share: 0.4, told: /SourceShrunk|InvalidRow/ },
    { share: 0.61, told: /SourceShrunk|InvalidRow/ },
    { share: 0.75, told: /SourceShrunk|InvalidRow/ },
    { share: 0.9, told: /SourceShrunk|InvalidRow/ },
  ])('cut at $share of its length: nothing is written, and it is told why', async ({ share, told }) => {
    replaceFile(company.now, whole.subarray(0, Math.round(whole.length * share)));
    const done = await company.now.look();
    expect(done.exitCode).not.toBe(0);
    expect(done.stdout + done.stderr).toMatch(told);
    await expectUntouched(company.now);
    replaceFile(company.now, whole);
    await expectSettled(company.now);
    await expectUntouched(company.now);
  });

  it('cut in every place of a row: a value that lost its end is not written', async () => {
    const at = whole.indexOf('1063,');
    const end = whole.indexOf('\n', at);
    const cuts = [
      at,
      at + 2,
      at + 4,
      at + 5,
      at + 12,
      whole.indexOf('@', at),
      ...[11, 10, 9, 5, 1, 0].map((left) => end - left),
    ];
    for (const length of [...cuts, end + 1]) {
      replaceFile(company.now, whole.subarray(0, length));
      const document = await company.now.document();
      expect(document.exitCode, `cut at ${length}`).not.toBe(0);
    }
    await expectUntouched(company.now);
    replaceFile(company.now, whole);
    await expectSettled(company.now);
    await expectUntouched(company.now);
  });
});

describe('first accident: what is lost is less than any limit', () => {
  const closed = (rows: readonly Person[]): string => `${csv(rows)}# ${rows.length} rows\n`;
  const company = settledCompany({
    expect: ', expect: { trailer: "# {rows} rows" }',
    file: closed(people(100)),
  });

  it.each([
    { how: 'the trailer is missing', text: csv(people(99)) },
    { how: 'the trailer says another number', text: closed(people(100)).replace(/^1098.*\n/m, '') },
  ])('$how: nothing is withdrawn', async ({ text }) => {
    replaceFile(company.now, text);
    const done = await company.now.look();
    expect(done.exitCode).not.toBe(0);
    expect(done.stdout + done.stderr).toMatch(/people\.csv: .*trailer/);
    await expectUntouched(company.now);
    replaceFile(company.now, closed(people(100)));
    await expectSettled(company.now);
    await expectUntouched(company.now);
  });
});

describe('second accident: a column that HR stopped delivering', () => {
  const whole = csv(people(100));
  const without = (column: keyof Person): string => csv(people(100).map((one) => ({ ...one, [column]: '' })));
  const gone = (column: 'mail' | 'kind'): string =>
    whole.replaceAll(column === 'kind' ? /,[^,\n]*$/gm : /,[^,\n]*(?=,[^,\n]*$)/gm, '');

  describe('that accounts are made from', () => {
    const company = settledCompany();
    it.each([
      { how: 'its cells are empty', text: without('mail'), column: 'mail' },
      { how: 'it is gone from the header', text: gone('mail'), column: 'mail' },
      { how: 'the last one is gone', text: gone('kind'), column: 'kind' },
    ])('$how: what would clear it is held, and named', async ({ text, column }) => {
      replaceFile(company.now, text);
      const done = await company.now.look();
      expect(done.exitCode).toBe(2);
      expect(done.stdout).toMatch(
        new RegExp(`AttributeVanished: attribute ${column} .*bring back what is missing, or approve`),
      );
      await expectUntouched(company.now);
      replaceFile(company.now, whole);
      await expectSettled(company.now);
      await expectUntouched(company.now);
    });

    it('new people may come with it: they wait as well, where they are known by that column', async () => {
      replaceFile(
        company.now,
        without('mail') +
          csv([{ ...person(100), mail: '' }])
            .split('\n')
            .slice(1)
            .join('\n'),
      );
      expect((await company.now.document()).exitCode).toBe(2);
      await expectUntouched(company.now);
      replaceFile(company.now, whole);
      await expectSettled(company.now);
    });
  });

  it('that says who is in scope: nobody loses an account', async () => {
    using company = await Company.open(slapd, {
      mappings: ({ base }) =>
        mappingOf({ name: 'accounts', where: "source.kind in ['staff', 'contractor']" }, base),
    });
    await company.settle();
    replaceFile(company, without('kind'));
    const done = await company.look();
    expect(done.exitCode).not.toBe(0);
    expect(done.stdout).toMatch(/EmptySource|AttributeVanished/);
    await expectUntouched(company);
    replaceFile(company, whole);
    await expectSettled(company);
    await expectUntouched(company);
  });
});

describe('third accident: accounts that were moved away, or taken out of the filter', () => {
  const company = settledCompany();
  const ids = EVERYBODY.slice(0, 30);
  const dn = (id: string, place = 'people'): string => `uid=${id},ou=${place},${company.now.base}`;

  it('another unit: they are found there, nothing is made anew and nothing is taken away', async () => {
    const move = (from: string, to: string): string =>
      ids
        .map(
          (id) =>
            `dn: ${dn(id, from)}\nchangetype: modrdn\nnewrdn: uid=${id}\ndeleteoldrdn: 0\nnewsuperior: ou=${to},${company.now.base}\n`,
        )
        .join('\n');
    await slapd.run('ldapmodify', [], move('people', 'elsewhere'));
    const before = company.now.writes();
    const document = await company.now.document();
    const [outside] = lastRunOf(document).situations.filter(({ name }) => name === 'TargetIgnored');
    expect(outside).toMatchObject({ count: 30, planned: 0 });
    expect(document.exitCode).not.toBe(0);
    const done = await company.now.look();
    expect(done.stdout + done.stderr).toMatch(/TargetShrunk: 70 entries are in scope, 100 were/);
    expect(company.now.writes()).toEqual(before);
    expect(await company.now.accounts()).toEqual(EVERYBODY);
    await slapd.run('ldapmodify', [], move('elsewhere', 'people'));
    await expectSettled(company.now);
    expect(await company.now.accounts()).toEqual(EVERYBODY);
  });

  it('out of the filter: the same', async () => {
    const mark = (change: string): string =>
      ids.map((id) => `dn: ${dn(id)}\nchangetype: modify\n${change}\n`).join('\n');
    await slapd.run('ldapmodify', [], mark('add: description\ndescription: hidden'));
    const before = company.now.writes();
    const document = await company.now.document();
    expect(lastRunOf(document).situations).toContainEqual(
      expect.objectContaining({ name: 'TargetIgnored', count: 30, planned: 0 }),
    );
    expect(company.now.writes()).toEqual(before);
    await slapd.run('ldapmodify', [], mark('delete: description'));
    await expectSettled(company.now);
    expect(await company.now.accounts()).toEqual(EVERYBODY);
  });

  it('a few, under every limit: they are not made anew either, and their explanation says where they are', async () => {
    const [id = ''] = ids;
    await slapd.run('ldapmodrdn', ['-s', `ou=elsewhere,${company.now.base}`, dn(id), `uid=${id}`]);
    const before = company.now.writes();
    expect(lastRunOf(await company.now.document()).totals).toMatchObject({ planned: 0, inSync: 99 });
    const told = await company.now.folder.run(
      'explain',
      'DIR',
      '--mapping',
      'default/accounts',
      '--source',
      id,
    );
    expect(told.stdout).toMatch(/A6/);
    expect(company.now.writes()).toEqual(before);
    expect(await company.now.accounts()).toEqual(EVERYBODY);
  });
});

describe('fourth accident: two mappings with one directory, and somebody who moves from one to the other', () => {
  const only = (kind: string): string => `source.kind == '${kind}'`;
  const options = {
    mappings: ({ base }: { base: string }) =>
      [
        mappingOf({ name: 'contractors', where: only('contractor') }, base),
        mappingOf({ name: 'accounts', where: only('staff') }, base),
      ].join('---\n'),
  };
  const company = settledCompany(options);
  const rehired = (id: string, kind: string): void => {
    const rows = people(100).map((one) => (one.id === id ? { ...one, kind } : one));
    replaceFile(company.now, csv(rows));
  };

  it.each([
    { to: 'staff', id: '1003' },
    { to: 'contractor', id: '1004' },
  ])('to $to: the account goes along, and is neither taken away nor made twice', async ({ to, id }) => {
    rehired(id, to);
    await company.now.document();
    await company.now.document();
    expect(await company.now.accounts()).toEqual(EVERYBODY);
    expect(company.now.writes()).toMatchObject({ ADD: 100, DEL: 0 });
    const entry = await slapd.run('ldapsearch', [
      '-LLL',
      '-b',
      company.now.base,
      `(uid=${id})`,
      'employeeType',
    ]);
    expect(entry).toContain(`employeeType: ${to}`);
    replaceFile(company.now, csv(people(100)));
    await company.now.document();
    await expectSettled(company.now);
    await expectSettled(company.now, 'contractors');
    expect(await company.now.accounts()).toEqual(EVERYBODY);
  });

  it('who leaves both loses the account, and nobody else does', async () => {
    replaceFile(company.now, csv(people(100).filter(({ id }) => id !== '1007')));
    await company.now.document();
    await company.now.document();
    expect(await company.now.accounts()).toEqual(EVERYBODY.filter((id) => id !== '1007'));
    expect(company.now.writes()).toMatchObject({ ADD: 100, DEL: 1 });
  });
});

describe('fifth accident: the state folder lost, then a run', () => {
  const lose = (company: Company, ...names: string[]): void => {
    for (const name of names)
      rmSync(join(company.folder.path, '.rollcall', name), { recursive: true, force: true });
  };

  it('whole: everybody is found again by correlation, linked, and nothing is made twice or taken away', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    lose(company, '.');
    const found = lastRunOf(await company.document('run', '--all'));
    expect(found.situations).toMatchObject([{ name: 'Found', count: 100 }]);
    await expectSettled(company);
    await expectUntouched(company);
  });

  it('whole, and nothing correlates: creations are refused by name, and nobody loses an account', async () => {
    using company = await Company.open(slapd, {
      correlate: '[]',
      rules: '\n    - { name: gone, situations: [SourceMissing], response: DeleteTarget }',
    });
    await company.settle();
    lose(company, '.');
    const done = await company.look();
    expect(done.exitCode).not.toBe(0);
    await expectUntouched(company);
  });

  it('the key alone: refused, with the way out, before anything is read', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    lose(company, 'key');
    const searches = (await slapd.operations()).length;
    const done = await company.look();
    expect([done.exitCode, done.stderr]).toEqual([1, expect.stringMatching(/key/)]);
    expect((await slapd.operations()).length).toBe(searches);
    await expectUntouched(company);
  });

  it('the database alone: as if the whole folder were lost', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    lose(company, 'rollcall.db', 'rollcall.db-wal', 'rollcall.db-shm');
    await company.document();
    await expectSettled(company);
    await expectUntouched(company);
  });
});
