/** A directory is exported to a file, and the file follows it. */
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  await it.slapd.forget();
  it.step('1. The file has a header and nothing else; the run fills it');
  it.rollcall(['run'], 0);
  it.show('phonebook.csv');

  it.step('2. Somebody gets another number: one line changes');
  await it.byHand('ben', 'telephoneNumber', '+1 555 0102');
  it.rollcall(['run'], 0);
  it.show('phonebook.csv');

  it.step('3. Ada’s account is deleted, and so is her line');
  await it.slapd.run('ldapdelete', [`uid=ada,${it.slapd.people}`]);
  it.rollcall(['run'], 0);
  it.show('phonebook.csv');

  it.step('4. Rollcall has never written to the directory');
  await it.expectWrites(2); // those by hand
  it.end('get mappings DIR', 'run DIR');
}
