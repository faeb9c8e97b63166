import { describe, expect, it } from 'vitest';
import type { AttributeSchema } from '../../src/engine/entry.ts';
import { hashValues } from '../../src/engine/fingerprint.ts';
import { ValueHashes } from '../../src/engine/value-hashes.ts';
import { keyedDigest, PUBLIC_KEY } from '../../src/store/key.ts';

const digest = keyedDigest(PUBLIC_KEY);

function attribute(name: string, match: AttributeSchema['match'] = 'Exact'): AttributeSchema {
  const plain = { writeOnly: false, sensitive: false, readOnly: false } as const;
  return { name, type: 'String', match, values: 'Multi', ...plain };
}

/** How often it is asked for a hash. */
function counting(): { asked: () => number; hashes: ValueHashes } {
  let asked = 0;
  const hash = (text: string): string => {
    asked++;
    return digest.hash(text);
  };
  return { asked: () => asked, hashes: new ValueHashes({ ...digest, hash }) };
}

describe('hashes of values', () => {
  it.each([
    { what: 'one text', values: ['Nurse'] },
    { what: 'no value', values: [] },
    { what: 'two', values: ['b', 'a'] },
    { what: 'octets', values: [Uint8Array.of(0, 255)] },
    { what: 'a long text', values: ['x'.repeat(100)] },
    { what: 'an empty text', values: [''] },
    { what: 'a text with the name of a method', values: ['__proto__'] },
  ])('are what they are without a memory, the second time too: $what', ({ values }) => {
    const { hashes } = counting();
    for (const match of ['Exact', 'IgnoreCase'] as const) {
      const title = attribute('title', match);
      const expected = hashValues(values, title, digest);
      for (let time = 0; time < 2; time++)
        expect(hashes.of(values, { attribute: title, sensitive: false })).toBe(expected);
    }
  });

  it('keep attributes apart that have the same value', () => {
    const { hashes } = counting();
    const [one, other] = ['l', 'st'].map((name) =>
      hashes.of(['Graz'], { attribute: attribute(name), sensitive: false }),
    );
    expect(one).not.toBe(other);
  });

  it('are worked out once for a value that many share, and each time for a sensitive one', () => {
    const { asked, hashes } = counting();
    const title = attribute('title');
    for (let time = 0; time < 100; time++) hashes.of(['Nurse'], { attribute: title, sensitive: false });
    expect(asked()).toBe(1);
    for (let time = 0; time < 100; time++) hashes.of(['sword-fish'], { attribute: title, sensitive: true });
    expect(asked()).toBe(101);
  });

  it('keep a bounded number of values, however many there are', () => {
    const { asked, hashes } = counting();
    const uid = attribute('uid');
    const all = Array.from({ length: 5_000 }, (_, at) => `u${at}`);
    for (let time = 0; time < 2; time++)
      for (const value of all) hashes.of([value], { attribute: uid, sensitive: false });
    expect(asked()).toBe(10_000 - 512);
  });
});
