/** Links at hand, beside a store that is always asked: whatever is put and removed, the two never differ. ROLLCALL_SEED as in oracle.test.ts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownLinks } from '../../src/engine/known-links.ts';
import type { Links } from '../../src/engine/ports.ts';
import { Database } from '../../src/store/database.ts';
import { SqliteLinks } from '../../src/store/links.ts';
import { link } from '../support/store-values.ts';

const SEED = process.env['ROLLCALL_SEED'];
const SETTINGS: fc.Parameters<unknown> = {
  numRuns: Number(process.env['ROLLCALL_CASES'] ?? 200),
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
};
/** So few that they meet each other again and again. */
const ENDS = 4;
const AT_HAND = 4_096;

class Store implements Disposable {
  readonly #database: Database = new Database(':memory:');
  readonly links: Links = new SqliteLinks(this.#database, 1);

  constructor() {
    this.#database.migrate();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

const pair = (source: number, target: number, at: number): ReturnType<typeof link> =>
  link(`s${source}`, `t${target}`, { linkedAt: at });

const end = fc.nat(ENDS - 1);
const act = fc.record({ act: fc.constantFrom('put', 'remove', 'look'), source: end, target: end });

describe('links at hand', () => {
  it('are those of the store', () => {
    const property = fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      using store = new Store();
      const known = new KnownLinks(store.links);
      for (const [at, { act: what, source, target }] of acts.entries()) {
        if (what === 'put') known.put(pair(source, target, at));
        else if (what === 'remove') known.remove(`s${source}`);
        else known.byTarget(`t${target}`);
        for (let one = 0; one < ENDS; one++) {
          // Whoever is not asked for is not at hand, so only some are.
          if (known.isAtHand(`s${one}`) || one === source)
            expect(known.bySource(`s${one}`)).toEqual(store.links.bySource(`s${one}`));
          if (one === target) expect(known.byTarget(`t${one}`)).toEqual(store.links.byTarget(`t${one}`));
        }
      }
    });
    fc.assert(property, SETTINGS);
  });

  it('are asked for once, and not kept for those whom nobody asks for', () => {
    using store = new Store();
    store.links.put(pair(1, 1, 0));
    const known = new KnownLinks(store.links);
    expect(known.isAtHand('s1')).toBe(false);
    known.byTarget('t1');
    expect(known.isAtHand('s1')).toBe(true);
    known.put(pair(1, 1, 5));
    known.put(pair(2, 2, 5));
    expect([known.isAtHand('s1'), known.isAtHand('s2')]).toEqual([true, false]);
    expect(known.bySource('s1')?.linkedAt).toBe(5);
  });

  it('are so many at most, and who came first goes first', () => {
    using store = new Store();
    for (let at = 0; at <= AT_HAND; at++) store.links.put(pair(at, at, 0));
    const known = new KnownLinks(store.links);
    for (let at = 0; at < AT_HAND; at++) known.bySource(`s${at}`);
    expect(known.isAtHand('s0')).toBe(true);
    known.bySource(`s${AT_HAND}`);
    expect([known.isAtHand('s0'), known.isAtHand('s1'), known.bySource('s0')?.targetKey]).toEqual([
      false,
      true,
      't0',
    ]);
  });
});
