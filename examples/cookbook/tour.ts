/** The cookbook from nothing to a week of changes: people.csv → Repository → LDAP accounts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  it.step('1. Three people in a file, an empty directory: the roll call makes three accounts');
  it.rollcall(['run'], 0);
  await it.accounts('cn', 'sn', 'mail', 'telephoneNumber');

  it.step('2. Again: everybody is there, nothing is written');
  await it.slapd.forget();
  it.rollcall(['run'], 0);
  await it.expectWrites(0);

  it.step(
    '3. John Doe marries and becomes John Stark: the account is renamed, and stays the same entry (entryUUID)',
  );
  await it.accounts('entryUUID');
  it.edit('people.csv', (text) => text.replace('456,John,Doe', '456,John,Stark'));
  it.rollcall(['run'], 0);
  await it.accounts('entryUUID');

  it.step('4. Jane leaves, her row is gone: reported, and nothing is deleted');
  const people = join(it.folder, 'people.csv');
  const everybody = readFileSync(people, 'utf8');
  it.edit('people.csv', (text) => text.replace(/^789,.*\n/m, ''));
  it.rollcall(['run'], 0);

  it.step('5. With a policy for leavers she is disabled (response: DisableTarget)');
  it.edit('policy.yaml', (text) => text.replace('response: Report', 'response: DisableTarget'));
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');

  it.step('6. She comes back: enabled again');
  writeFileSync(people, everybody);
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');

  it.step('7. Somebody edits an account by hand: TargetDrifted, and put right');
  await it.byHand('snow123', 'telephoneNumber', '000');
  it.rollcall(['run'], 0);

  it.step('8. The file arrives empty: the run is refused, nobody loses an account');
  writeFileSync(people, `${everybody.split('\n')[0] ?? ''}\n`);
  it.rollcall(['run'], 1);
  await it.accounts('employeeType');
  writeFileSync(people, everybody);
  it.end('get mappings DIR', 'explain DIR --mapping default/people-to-directory --source 789');
}
