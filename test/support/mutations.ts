/** Damage as it happens to files: bytes flipped, lines dropped, values of another type. Always the same for one seed. */

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0, below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(all: readonly T[]): T {
    const found = all[this.below(all.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}

type Mutator = (bytes: Buffer, chance: Chance) => Buffer;

const ODD_BYTES = [0x00, 0x09, 0x0d, 0x0a, 0x22, 0x27, 0x2c, 0x3b, 0x7f, 0x80, 0xc3, 0xfe, 0xff];

const lines =
  (change: (all: string[], chance: Chance) => void): Mutator =>
  (bytes, chance) => {
    const all = bytes.toString('latin1').split('\n');
    change(all, chance);
    return Buffer.from(all.join('\n'), 'latin1');
  };

const splice = (bytes: Buffer, at: number, removed: number, added: readonly number[]): Buffer =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(added), bytes.subarray(at + removed)]);

const ANYWHERE: Readonly<Record<string, Mutator>> = {
  'a bit flipped': (bytes, chance) => {
    const at = chance.below(bytes.length);
    return splice(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << chance.below(8))]);
  },
  'a byte replaced': (bytes, chance) =>
    splice(bytes, chance.below(bytes.length), 1, [chance.pick(ODD_BYTES)]),
  'a byte added': (bytes, chance) => splice(bytes, chance.below(bytes.length), 0, [chance.pick(ODD_BYTES)]),
  'bytes lost': (bytes, chance) => splice(bytes, chance.below(bytes.length), 1 + chance.below(12), []),
  'the end lost': (bytes, chance) => bytes.subarray(0, chance.below(bytes.length)),
  'a line dropped': lines((all, chance) => all.splice(chance.below(all.length), 1)),
  'lines dropped': lines((all, chance) => all.splice(chance.below(all.length), 1 + chance.below(8))),
  'a line doubled': lines((all, chance) => {
    const at = chance.below(all.length);
    all.splice(at, 0, all[at] ?? '');
  }),
  'two lines swapped': lines((all, chance) => {
    const [one, other] = [chance.below(all.length), chance.below(all.length)];
    [all[one], all[other]] = [all[other] ?? '', all[one] ?? ''];
  }),
  'everything lost': () => Buffer.alloc(0),
};

const VALUES = [
  'null',
  '~',
  '42',
  '-1',
  '1e400',
  '0x1F',
  'true',
  '[]',
  '{}',
  '[[[[]]]]',
  '""',
  "''",
  '{ a: { b: [ 1, null ] } }',
  '2026-01-01',
  '*nowhere',
  '&a [ *a ]',
  '!!binary eHg=',
  '!!js/function x',
  '"\\ud800"',
  '|',
  '- x',
  '? y',
  'constructor',
  '__proto__',
  '"source.name + 1"',
  '"source.name.matches(\'(a+)+$\')"',
  `"${'x'.repeat(5_000)}"`,
];

/** What stands behind a colon becomes something else. */
const IN_YAML: Readonly<Record<string, Mutator>> = {
  'a value of another type': (bytes, chance) => {
    const text = bytes.toString('latin1');
    const places = [...text.matchAll(/: +([^\s,{}[\]#]+|"[^"]*"|'[^']*'|\[[^\]]*\])/g)];
    if (places.length === 0) return bytes;
    const place = chance.pick(places);
    const value = chance.pick(VALUES);
    const at = place.index + place[0].length - (place[1] ?? '').length;
    return Buffer.from(text.slice(0, at) + value + text.slice(place.index + place[0].length), 'latin1');
  },
  'a field by another name': (bytes, chance) => {
    const text = bytes.toString('latin1');
    const places = [...text.matchAll(/([A-Za-z]+):/g)];
    if (places.length === 0) return bytes;
    const { index, 1: name = '' } = chance.pick(places);
    const other = chance.pick([`${name}s`, name.toUpperCase(), name.slice(1), '__proto__', 'toString']);
    return Buffer.from(text.slice(0, index) + other + text.slice(index + name.length), 'latin1');
  },
  'another indentation': lines((all, chance) => {
    const at = chance.below(all.length);
    all[at] = chance.pick([' ', '\t', '  ', '']) + (all[at] ?? '').slice(chance.below(3));
  }),
};

/** One to three kinds of damage, and what they were. */
export function mutate(bytes: Buffer, kind: 'YAML' | 'CSV', chance: Chance): { bytes: Buffer; what: string } {
  const mutators = Object.entries(kind === 'YAML' ? { ...ANYWHERE, ...IN_YAML } : ANYWHERE);
  const chosen = Array.from({ length: 1 + chance.below(3) }, () => chance.pick(mutators));
  let damaged = bytes;
  for (const [, mutator] of chosen) if (damaged.length > 0) damaged = mutator(damaged, chance);
  return { bytes: damaged, what: chosen.map(([name]) => name).join(', ') };
}
