/** Every example is lived through by the command that its page names, on a real directory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { liveThrough, type LivedExample } from '../support/lived-example.ts';
import { rollcall } from '../support/rollcall.ts';

const examples = new URL('../../examples', import.meta.url).pathname;
const names = readdirSync(examples).filter((name) => existsSync(join(examples, name, 'mappings.yaml')));

async function completed(name: string): Promise<LivedExample> {
  const lived = await liveThrough(name);
  expect(lived.text).toContain('== Done.');
  expect(lived.code).toBe(0);
  return lived;
}

function uuidOf(step: string, uid: string): string | undefined {
  const [entry = ''] = step.split('\n\n').filter((one) => one.includes(`dn: uid=${uid},`));
  return /entryUUID: (\S+)/.exec(entry)?.[1];
}

describe.each(names)('%s', (name) => {
  it('has manifests that validate as they are, and that YAML 1.1 reads alike', async () => {
    expect(await rollcall(['validate', join(examples, name)])).toMatchObject({ exitCode: 0, stderr: '' });
    for (const file of readdirSync(join(examples, name)).filter((one) => one.endsWith('.yaml'))) {
      const text = readFileSync(join(examples, name, file), 'utf8');
      const read = (version: '1.1' | '1.2'): unknown[] =>
        parseAllDocuments(text, { version }).map((one) => one.toJS() as unknown);
      expect(read('1.1')).toEqual(read('1.2'));
    }
  });

  it('has a page that names its command', () => {
    if (name === 'cookbook') return;
    expect(readFileSync(join(examples, name, 'README.md'), 'utf8')).toContain(`npm run example ${name}\n`);
  });
});

it('HR with contractors: who moves from one file to the other keeps the account, who is in neither is disabled', async () => {
  const { step } = await completed('hr-with-contractors');
  expect(uuidOf(step(1), 'cleo.dahl')).toBeDefined();
  expect(uuidOf(step(2), 'cleo.dahl')).toBe(uuidOf(step(1), 'cleo.dahl'));
  expect(step(2)).toContain('held by Dependency: mapping default/staff-to-directory');
  expect(step(2)).toContain('Found (A12), UpdateTarget, Applied: 1');
  expect(step(2)).toContain('SourceMissing (B5), Unlink, Applied: 1');
  expect(step(2)).not.toContain('employeeType: disabled');
  expect(step(3).match(/^employeeType: disabled$/gm)).toHaveLength(1);
  expect(step(3)).toMatch(/dn: uid=dov\.eden,\S*\nemployeeType: disabled/);
  expect(step(4)).toContain('writes that the directory saw: 0');
}, 120_000);

it('adopting a directory: it is linked without a write, and then written where it differs', async () => {
  const { step } = await completed('adopting-a-directory');
  expect(step(1)).toMatch(/Found +3 +3 +0/);
  expect(step(1)).toContain('to apply it, set spec.mode: Enforce in ReconMapping default/adopt');
  expect(step(2)).toMatch(/Found +3 +3 +3/);
  expect(step(2)).toContain('writes that the directory saw: 0');
  expect(step(3)).toContain('Confirmed (A5), Report, Reported: 1');
  expect(step(3)).toContain('+1 555 9999 → +1 555 0102 (NeverAgreed)');
  expect(step(3)).toContain('writes that the directory saw: 0');
  expect(step(4)).toContain('Confirmed (A5), UpdateTarget, Applied: 1');
  expect(step(4)).toContain('employeeNumber: 1002');
  expect(step(4)).toContain('writes that the directory saw: 1');
}, 120_000);

it('LDAP → CSV: the file follows the directory, which is never written', async () => {
  const { step } = await completed('ldap-to-csv');
  const file = (number: number): string[] =>
    (step(number).split('$ cat phonebook.csv\n')[1] ?? '').trim().split('\n').slice(1);
  const ada = 'ada,Ada Berg,ada.berg@example.com,+1 555 0101|+1 555 0199';
  expect(file(1)).toEqual([ada, 'ben,"Ben ""Benny"" Cole, jr.",ben.cole@example.com,']);
  expect(file(2)).toEqual([ada, 'ben,"Ben ""Benny"" Cole, jr.",ben.cole@example.com,+1 555 0102']);
  expect(file(3)).toEqual(['ben,"Ben ""Benny"" Cole, jr.",ben.cole@example.com,+1 555 0102']);
  expect(step(4)).toContain('writes that the directory saw: 2');
}, 120_000);

it('two-way phone numbers: each side takes what changed on the other, titles go one way', async () => {
  const { step } = await completed('two-way-phone-numbers');
  expect(step(2)).toContain('phone: +1 555 0101 → +1 555 7777 (TargetDrifted)');
  expect(step(2)).toContain('title: Queen → Engineer (TargetDrifted)');
  expect(step(2)).toContain('1001,Ada,Berg,Engineer,+1 555 7777');
  expect(step(3)).toContain('telephoneNumber: +1 555 0102 → +1 555 8888 (SourceChanged)');
  expect(step(4)).toContain('(Conflict)');
  expect(step(4)).toContain('1002,Ben,Cole,Accountant,+1 555 2222');
  expect(step(5)).toContain('writes that the directory saw: 0');
}, 120_000);

it('leavers: disabled at once, enabled when they are back, deleted after 30 days and not before', async () => {
  const { step } = await completed('leavers');
  expect(step(2).match(/^employeeType: disabled$/gm)).toHaveLength(2);
  expect(step(3)).toMatch(/dn: uid=cleo,\S*\nemployeeType: active/);
  expect(step(4)).toContain("rule 'disable-at-once' says DisableTarget, and it is so already.");
  expect(step(4)).toContain('the situation has lasted 696 h, the rule asks for 720 h');
  expect(step(4)).toContain('writes that the directory saw: 0');
  expect(step(5)).toContain('SourceMissing (B5), DeleteTarget, Applied: 1');
  expect(step(5)).not.toContain('dn: uid=ben,');
  expect(step(5)).toContain('writes that the directory saw: 1');
}, 120_000);
