/** A phone number changes in the directory, in the file, in both; a title is put right. */
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  it.step('1. Two people, two accounts');
  it.rollcall(['run'], 0);

  it.step(
    '2. Ada changes her number in the directory, and somebody her title: one goes back, one is put right',
  );
  await it.byHand('ada', 'telephoneNumber', '+1 555 7777');
  await it.byHand('ada', 'title', 'Queen');
  it.rollcall(['run'], 0);
  it.show('people.csv');
  await it.accounts('title', 'telephoneNumber');

  it.step('3. HR changes Ben’s number in the file: it goes to the directory');
  it.edit('people.csv', (text) => text.replace('+1 555 0102', '+1 555 8888'));
  it.rollcall(['run'], 0);
  await it.accounts('telephoneNumber');

  it.step('4. Both change it: the directory wins, because the policy says so');
  it.edit('people.csv', (text) => text.replace('+1 555 8888', '+1 555 1111'));
  await it.byHand('ben', 'telephoneNumber', '+1 555 2222');
  it.rollcall(['run'], 0);
  it.show('people.csv');

  it.step('5. Again: nothing is written');
  await it.slapd.forget();
  it.rollcall(['run'], 0);
  await it.expectWrites(0);
  it.end('explain DIR --mapping default/people --source 1002', 'history DIR');
}
