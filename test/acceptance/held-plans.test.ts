/** What a guard holds, from the run that tells of it to the one that does it: exactly what was approved, once each. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Company, csv, lastRunOf, people, type Person } from '../support/acceptance.ts';
import { LdapProxy } from '../support/ldap-proxy.ts';
import { inProcess, PROGRAM } from '../support/rollcall.ts';
import { carriedOut } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const DAY_MS = 86_400_000;

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(() => slapd.stop());

/** Everybody but these, by their place in the file. */
function withoutThe(...gone: readonly number[]): Person[] {
  return people(100).filter((_, at) => !gone.includes(at));
}

const LEAVERS = [0, 1, 2, 3, 4, 5, 6, 7];

/** Eight have left, which is more than 5 %: nobody is deleted. */
async function held(company: Company): Promise<string> {
  company.folder.write('people.csv', csv(withoutThe(...LEAVERS)));
  const run = lastRunOf(await company.document());
  expect(run).toMatchObject({ outcome: 'Held', totals: { held: 8, applied: 0 }, plan: { operations: 8 } });
  return run.plan?.digest ?? '';
}

function approve(company: Company, digest: string, ...words: string[]): ReturnType<Company['look']> {
  return company.folder.run('approve', 'DIR', '--mapping', 'default/accounts', '--plan', digest, ...words);
}

const deleted = (company: Company): string[] =>
  carriedOut(slapd.folder, 'DEL').filter((dn) => dn.endsWith(company.base));

describe('a held plan', () => {
  it('is shown by plan and run: what, why, the digest, until when, and how to release it', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    for (const command of ['run', 'plan']) {
      const { exitCode, stdout } = await company.look(command);
      expect(exitCode).toBe(2);
      expect(stdout).toMatch(/held by Budget: .*Delete.*8.*5/);
      expect(stdout).toContain(`--plan ${digest}`);
      expect(stdout).toMatch(/until \d{4}-\d\d-\d\d/);
    }
    const plans = await company.folder.run('get', 'plans', 'DIR');
    expect(plans.stdout).toContain(digest);
    expect(deleted(company)).toEqual([]);
  });

  it('released by its digest: exactly these are done, once each, and what is new meanwhile is held anew', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    expect((await approve(company, digest)).exitCode).toBe(0);
    // Two are back, three more have gone.
    company.folder.write('people.csv', csv(withoutThe(2, 3, 4, 5, 6, 7, 50, 51, 52)));
    const run = lastRunOf(await company.document());
    expect(run.totals).toMatchObject({ applied: 6, held: 3 });
    expect(run.plan?.digest).not.toBe(digest);
    const ids = deleted(company).map((dn) => /uid=(\d+)/.exec(dn)?.[1] ?? '');
    expect(ids.toSorted()).toEqual(['1002', '1003', '1004', '1005', '1006', '1007']);
    expect(lastRunOf(await company.document()).totals).toMatchObject({ applied: 0, held: 3 });
    await approve(company, digest);
    expect(lastRunOf(await company.document()).totals).toMatchObject({ applied: 0, held: 3 });
    expect(deleted(company)).toHaveLength(6);
  });

  it('released in Git by spec.approvedPlan; history tells who, and what came of it', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    company.folder.edit('manifests.yaml', (text) =>
      text.replace('mode: Enforce', `mode: Enforce\n  approvedPlan: ${digest}`),
    );
    expect(lastRunOf(await company.document()).totals).toMatchObject({ applied: 8, held: 0 });
    expect(deleted(company)).toHaveLength(8);
    expect(lastRunOf(await company.document()).outcome).toBe('Succeeded');
    const { stdout } = await company.folder.run('history', 'DIR');
    expect(stdout).toMatch(new RegExp(`spec\\.approvedPlan released .*${digest}`));
    expect(stdout.match(/released/g)).toHaveLength(1);
  });

  it('released by a person: history tells who, and what came of it', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    await approve(company, digest, '--by', 'Ada of the service desk');
    await company.document();
    const { stdout } = await company.folder.run('history', 'DIR');
    expect(stdout).toMatch(new RegExp(`Ada of the service desk released .*${digest}`));
  });

  it('expires after seven days: its digest releases nothing, and the next run holds it anew', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      vi.setSystemTime(Date.now() + 8 * DAY_MS);
      const words = ['approve', company.folder.path, '--mapping', 'default/accounts', '--plan', digest];
      const late = await inProcess(words);
      expect([late.exitCode, late.stderr]).toEqual([3, expect.stringMatching(/no plan .* is held|expired/)]);
      const anew = await inProcess(['run', company.folder.path, '-o', 'json']);
      expect(JSON.parse(anew.stdout)).toMatchObject({ exitCode: 2, runs: [{ totals: { held: 8 } }] });
      expect((await inProcess(words)).exitCode).toBe(0);
    } finally {
      vi.useRealTimers();
    }
    expect(deleted(company)).toEqual([]);
  });

  it('approved, expired before a run came: nothing is done', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    await approve(company, await held(company));
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      vi.setSystemTime(Date.now() + 8 * DAY_MS);
      const run = await inProcess(['run', company.folder.path, '-o', 'json']);
      expect(JSON.parse(run.stdout)).toMatchObject({ runs: [{ totals: { held: 8, applied: 0 } }] });
    } finally {
      vi.useRealTimers();
    }
    expect(deleted(company)).toEqual([]);
  });

  it('killed half-way: what is left of it is done by the next run, and nothing else', async () => {
    await using proxy = await LdapProxy.start(slapd.url);
    using company = await Company.open(slapd, { url: proxy.url });
    await company.settle();
    await approve(company, await held(company));
    const child = spawn(process.execPath, [PROGRAM, 'run', company.folder.path], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)));
    let seen = 0;
    proxy.watch(({ op, phase }) => {
      if (op === 'Delete' && phase === 'Answered' && ++seen === 3) child.kill('SIGKILL');
      return seen < 3;
    });
    expect(await ended).toBe('SIGKILL');
    proxy.watch(() => true);
    const before = deleted(company).length;
    expect(before).toBeGreaterThanOrEqual(3);
    expect(before).toBeLessThanOrEqual(8);
    // One more has gone: it is not part of what was approved.
    company.folder.write('people.csv', csv(withoutThe(...LEAVERS, 60)));
    await company.document();
    const run = lastRunOf(await company.document());
    expect(run.totals).toMatchObject({ applied: 0, held: 1, failed: 0 });
    expect(new Set(deleted(company)).size).toBe(8);
    expect(deleted(company)).toHaveLength(8);
  });

  it('a digest from elsewhere releases nothing, and plan says so where it has no state', async () => {
    using company = await Company.open(slapd);
    await company.settle();
    const digest = await held(company);
    using laptop = await Company.open(slapd);
    laptop.folder.write('manifests.yaml', company.folder.read('manifests.yaml'));
    laptop.folder.write('people.csv', company.folder.read('people.csv'));
    rmSync(join(laptop.folder.path, '.rollcall'), { recursive: true, force: true });
    const elsewhere = await laptop.look('plan');
    expect(elsewhere.stdout).toMatch(/without state/);
    const plan = await laptop.document('plan');
    const foreign = lastRunOf(plan).plan?.digest ?? lastRunOf(plan).totals.planDigest;
    expect(foreign).not.toBe(digest);
    const refused = await approve(company, foreign);
    expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringMatching(/of another installation/)]);
    expect(lastRunOf(await company.document()).totals).toMatchObject({ held: 8, applied: 0 });
  });
});
