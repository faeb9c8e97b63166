/** A directory is adopted: looked at, linked without a write, and only then written, one kind of change at a time. */
import type { Tour } from '../tour.ts';

export async function tour(it: Tour): Promise<void> {
  await it.slapd.forget();
  it.step('1. Look: who corresponds, who has no account, which account is nobody’s');
  it.rollcall(['plan'], 2);

  it.step('2. Link (mode: Enforce): who is who is remembered, the directory is still ReadOnly');
  it.edit('mappings.yaml', (text) => text.replace('mode: Observe', 'mode: Enforce'));
  it.rollcall(['run'], 0);
  await it.expectWrites(0);

  it.step('3. What would change from here on: the differences of those who are linked');
  it.rollcall(['run'], 0);
  it.rollcall(['explain', '--mapping', 'default/adopt', '--source', '1002'], 0);
  await it.expectWrites(0);

  it.step('4. Write: take the rule for differences out, and let the directory be written');
  it.edit('policy.yaml', (text) => text.replace(/^ .*name: differences.*\n/m, ''));
  it.edit('systems.yaml', (text) => text.replace(/access: ReadOnly.*/, 'access: ReadWrite'));
  it.rollcall(['plan'], 2);
  it.rollcall(['run'], 0);
  await it.accounts('mail', 'employeeNumber', 'telephoneNumber');
  await it.expectWrites(1);
  it.end('plan DIR', 'explain DIR --mapping default/adopt --source 1004');
}
