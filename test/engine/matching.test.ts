/** What is quick for plain text comes to the same as what is right for any text. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Match } from '../../src/engine/entry.ts';
import { normalise } from '../../src/engine/matching.ts';

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'B', ' ', '-', '~', '\t', '\u00a0', 'Ä', 'ﬁ') }),
  fc.string({ unit: 'binary' }),
);
const foldedCase = (value: string): string => value.normalize('NFKC').toLowerCase();
const foldedSpace = (value: string): string => value.trim().replace(/\s+/g, ' ');

it.each<[Match, (value: string) => string]>([
  ['IgnoreCase', foldedCase],
  ['IgnoreSpace', foldedSpace],
  ['IgnoreCaseAndSpace', (value) => foldedCase(foldedSpace(value))],
])('%s', (match, reference) => {
  fc.assert(
    fc.property(text, (value) => {
      expect(normalise(value, match)).toBe(reference(value));
    }),
    { numRuns: 2_000 },
  );
});
