/** A leaver is disabled at once and deleted after 30 days; another one comes back in time. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  it.step('1. Three people, three accounts');
  it.rollcall(['run'], 0);

  it.step('2. Ben and Cleo leave: both are disabled');
  const people = join(it.folder, 'people.csv');
  const everybody = readFileSync(people, 'utf8');
  writeFileSync(people, everybody.replace(/^100[23],.*\n/gm, ''));
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');

  it.step('3. Ten days later Cleo is back: enabled again');
  it.later(10);
  writeFileSync(people, everybody.replace(/^1002,.*\n/m, ''));
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');

  it.step('4. Day 29: nothing happens to Ben, and explain says which rule waits');
  it.later(19);
  await it.slapd.forget();
  it.rollcall(['run'], 0);
  it.rollcall(['explain', '--mapping', 'default/accounts', '--target', 'ben'], 0);
  await it.expectWrites(0);

  it.step('5. Day 31: Ben’s account is deleted');
  it.later(2);
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');
  await it.expectWrites(1);
  it.end('get mappings DIR', 'history DIR');
}
