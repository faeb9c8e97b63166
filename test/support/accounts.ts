/** The directory of a test, looked at past everything of ours. */
import type { Slapd } from './slapd.ts';

export type Account = Readonly<Record<string, readonly string[]>>;

/** By uid. */
export async function accountsOf(slapd: Slapd): Promise<Map<string, Account>> {
  const words = ['-LLL', '-o', 'ldif-wrap=no', '-b', slapd.people, '-s', 'one', '(objectClass=*)'];
  const ldif = await slapd.run('ldapsearch', [...words, '*', 'entryUUID']);
  const all = ldif.split('\n\n').filter((text) => text.trim() !== '');
  return new Map(all.map((text) => accountOf(text)).map((account) => [account['uid']?.[0] ?? '', account]));
}

function accountOf(text: string): Account {
  const values: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    const [, name = '', encoded, value = ''] = /^([^:]+):(:?) ?(.*)$/.exec(line) ?? [];
    if (name === '') continue;
    (values[name] ??= []).push(encoded === ':' ? Buffer.from(value, 'base64').toString() : value);
  }
  return values;
}
