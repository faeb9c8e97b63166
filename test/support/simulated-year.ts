/** A company that lives through a year, day by day, from a seed: its file with some dirt, and people who edit accounts by hand. */
import type { Slapd } from './slapd.ts';

const FIRST = ['Änne', 'Björn', 'Chloé', 'Dörte', 'D’Arcy', 'Ewa', 'Ferdinand', 'Güneş', 'Håkon', 'Ioana'];
const LAST = [
  'Müller',
  'van der Berg',
  'O’Neill',
  'Łukasz, jr.',
  'Ößner',
  'Smith "S"',
  'Ng',
  'Ñandú',
  'Grün',
];
const TITLES = ['clerk', 'engineer', 'head, of "it"', 'nurse', 'counsel'];

const KINDS = ['Duplicate', 'Typo', 'SwappedPhones', 'BrokenRow', 'MailOfAnother'] as const;

interface Employee {
  /** Their own mail, whatever the file says for some days: who they are for life. */
  readonly person: string;
  id: string;
  first: string;
  last: string;
  mail: string;
  phone: string;
  title: string;
}

/** What is wrong with the file for some days: how it is made, and made good. */
interface Dirt {
  readonly kind: (typeof KINDS)[number];
  readonly ends: number;
  readonly mend: () => void;
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class SimulatedYear {
  readonly employees: Map<string, Employee> = new Map();
  /** Rows beside those of the employees: duplicates and broken ones. */
  readonly #surplus: Set<string> = new Set();
  readonly #left: { readonly employee: Employee; readonly day: number }[] = [];
  /** By person: how often something was done that asks for a write. */
  readonly changes: Map<string, number> = new Map();
  /** Every number that was ever given out, and the person whose it is. */
  readonly mailOf: Map<string, string> = new Map();
  dirt: Dirt[] = [];
  day = 0;
  readonly #random: () => number;
  readonly #slapd: Slapd;
  #next = 1_000;

  constructor(seed: number, people: number, slapd: Slapd) {
    this.#random = randomFrom(seed);
    this.#slapd = slapd;
    for (let at = 0; at < people; at++) this.#join();
  }

  /** The file as it is delivered today. */
  file(): string {
    const rows = [...this.employees.values()].map((one) => rowOf(one));
    return ['id,first,last,mail,phone,title', ...rows, ...this.#surplus].map((row) => `${row}\n`).join('');
  }

  /** Something of today's dirt makes entries fail, or the read incomplete: somebody has to act. */
  get needsSomebody(): boolean {
    return this.dirt.some(({ kind }) => kind === 'Duplicate' || kind === 'BrokenRow');
  }

  /** One day of joiners, movers, leavers, dirt and hands. */
  async pass(): Promise<void> {
    this.day++;
    this.dirt = this.dirt.filter((one) => {
      if (one.ends > this.day) return true;
      one.mend();
      return false;
    });
    if (this.#chance(0.5)) this.#join();
    if (this.#chance(0.9)) this.#move();
    if (this.#chance(0.35)) this.#leave();
    if (this.#chance(0.1)) this.#return();
    if (this.#chance(0.2)) this.soil();
    if (this.#chance(0.15)) await this.#editByHand();
  }

  /** HR corrects what is wrong with the file. */
  mendAll(): void {
    for (const { mend } of this.dirt) mend();
    this.dirt = [];
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.#random() * list.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  #anybody(): Employee {
    return this.#pick([...this.employees.values()]);
  }

  #count({ person }: Employee, more = 1): void {
    this.changes.set(person, (this.changes.get(person) ?? 0) + more);
  }

  #join(): Employee {
    const id = String(this.#next++);
    const phone = `+49 30 ${id}`;
    const mail = `m${id}@example.org`;
    const employee = {
      person: mail,
      id,
      first: this.#pick(FIRST),
      last: this.#pick(LAST),
      mail,
      phone,
      title: this.#pick(TITLES),
    };
    this.#employ(employee);
    this.#count(employee);
    return employee;
  }

  #employ(employee: Employee): void {
    this.employees.set(employee.id, employee);
    this.mailOf.set(employee.id, employee.person);
  }

  #move(): void {
    const one = this.#anybody();
    const [title, last] = [one.title, one.last];
    if (this.#chance(0.2)) one.last = this.#pick(LAST);
    else one.title = this.#pick(TITLES);
    if (one.title !== title || one.last !== last) this.#count(one);
  }

  /** Disabled, and a month later deleted. */
  #leave(): void {
    const one = this.#anybody();
    if (this.#isSoiled(one)) return;
    this.employees.delete(one.id);
    this.#left.push({ employee: one, day: this.day });
    this.#count(one, 2);
  }

  /** With the old number or with a new one; the account is disabled still, or gone. */
  #return(): void {
    const [gone] = this.#left.splice(Math.floor(this.#random() * this.#left.length), 1);
    if (!gone) return;
    const id = this.#chance(0.5) ? gone.employee.id : String(this.#next++);
    this.#employ({ ...gone.employee, id });
    this.#count(gone.employee, 2);
  }

  #isSoiled({ id }: Employee): boolean {
    return [...this.#surplus].some((row) => row.startsWith(`${id},`)) || this.#soiled.has(id);
  }

  readonly #soiled: Set<string> = new Set();

  soil(kind: Dirt['kind'] = this.#pick(KINDS)): void {
    const one = this.#anybody();
    const other = this.#anybody();
    if (one === other || this.#isSoiled(one) || this.#isSoiled(other)) return;
    const ends = this.day + 2 + Math.floor(this.#random() * 5);
    const ids = [one.id, other.id];
    for (const id of ids) this.#soiled.add(id);
    const undo = this.#soilWith(kind, one, other);
    const mend = (): void => {
      for (const id of ids) this.#soiled.delete(id);
      undo();
    };
    this.dirt.push({ kind, ends, mend });
  }

  #soilWith(kind: Dirt['kind'], one: Employee, other: Employee): () => void {
    switch (kind) {
      case 'Duplicate':
        return this.#add(rowOf({ ...one, title: 'twice' }));
      case 'BrokenRow':
        return this.#add(`${this.#next++},half a row`);
      case 'MailOfAnother': {
        const joined = this.#join();
        joined.mail = other.mail;
        // The other may have no account yet either, so that both get one, and this one's mail is corrected later.
        this.#count(joined);
        return () => void (joined.mail = joined.person);
      }
      case 'Typo': {
        const { title } = one;
        one.title = `${title}x`;
        this.#count(one, 2);
        return () => void (one.title = title);
      }
      case 'SwappedPhones': {
        const swap = (): void => void ([one.phone, other.phone] = [other.phone, one.phone]);
        swap();
        for (const each of [one, other]) this.#count(each, 2);
        return swap;
      }
    }
  }

  #add(row: string): () => void {
    this.#surplus.add(row);
    return () => void this.#surplus.delete(row);
  }

  /** Of somebody whose account is there. */
  async #editByHand(): Promise<void> {
    const one = this.#anybody();
    const change = `changetype: modify\nreplace: title\ntitle: by hand ${this.day}`;
    const names = await this.dnOf(one.mail);
    if (names === undefined) return;
    this.#count(one, 2);
    await this.#slapd.run('ldapmodify', [], `dn: ${names}\n${change}\n`);
  }

  async dnOf(mail: string): Promise<string | undefined> {
    const words = ['-LLL', '-o', 'ldif-wrap=no', '-b', this.#slapd.people, `(mail=${mail})`, 'dn'];
    return /^dn: (.*)$/m.exec(await this.#slapd.run('ldapsearch', words))?.[1];
  }
}

function rowOf(one: Employee): string {
  const cells = [one.id, one.first, one.last, one.mail, one.phone, one.title];
  return cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join();
}
