/** Two files feed one directory; somebody moves from one to the other, somebody leaves both. */
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  it.step('1. Two people on the staff, two contractors: four accounts');
  it.rollcall(['run'], 0);
  await it.accounts('entryUUID', 'employeeNumber', 'title', 'o');

  it.step('2. Cleo is taken on: her row moves from one file to the other. Same account, same entryUUID');
  it.edit('contractors.csv', (text) => text.replace(/^C7,.*\n/m, ''));
  it.edit('staff.csv', (text) => `${text}1003,Cleo,Dahl,cleo.dahl@example.com,Architect\n`);
  it.rollcall(['run'], 0);
  await it.accounts('entryUUID', 'employeeNumber', 'title', 'o', 'employeeType');

  it.step('3. Dov leaves: he is in neither file, and is disabled');
  it.edit('contractors.csv', (text) => `${text}C9,Eve,Frey,eve.frey@example.com,Frey Ltd\n`);
  it.edit('contractors.csv', (text) => text.replace(/^C8,.*\n/m, ''));
  it.rollcall(['run'], 0);
  await it.accounts('employeeType');

  it.step('4. Again: nothing is written');
  await it.slapd.forget();
  it.rollcall(['run'], 0);
  await it.expectWrites(0);
  it.end('get mappings DIR', 'explain DIR --mapping default/staff-to-directory --source 1003');
}
