/** The clauses of the store contract about the pages of unlinked entries: kept as a whole, by side. */
import { expect, it } from 'vitest';
import type { UnlinkedPage, UnlinkedPages } from '../../src/engine/unlinked-pages.ts';
import { A, B, type Suite } from './contract-suite.ts';

const SIDES = ['Source', 'Target'] as const;
const PARTS = ['raw', 'text'] as const;

function page(
  side: UnlinkedPage['side'],
  at: number,
  text: string,
  part: UnlinkedPage['part'] = 'raw',
): UnlinkedPage {
  return { side, part, page: at, body: Buffer.from(text) };
}

/** `side part page: body` of everything that is there. */
function told(pages: UnlinkedPages): string[] {
  return SIDES.flatMap((side) =>
    PARTS.flatMap((part) =>
      [...pages.read({ side, part })].map(
        (one) => `${side} ${part} ${one.page}: ${Buffer.from(one.body).toString()}`,
      ),
    ),
  );
}

function* failing(...pages: readonly UnlinkedPage[]): Generator<UnlinkedPage> {
  yield* pages;
  throw new Error('there is no more');
}

export function unlinkedPages({ store, memory }: Suite): void {
  it('are not there at first', () => {
    const { unlinked } = memory();
    const one = unlinked.readOne({ side: 'Source', part: 'raw' }, 0);
    expect([unlinked.header(), told(unlinked), one]).toEqual([undefined, [], undefined]);
  });

  it('are given back byte by byte, in the order of their numbers, at once and after a crash', async () => {
    const body = Uint8Array.from({ length: 256 }, (_, at) => at);
    const whole = { side: 'Target', part: 'text', page: 0, body } as const;
    memory().unlinked.write('h', { Source: 13, Target: 1 }, [
      page('Source', 12, 'c'),
      whole,
      page('Source', 2, 'b'),
    ]);
    const listed = ['Source raw 2: b', 'Source raw 12: c'];
    expect(told(memory().unlinked).slice(0, 2)).toEqual(listed);
    await store().crash();
    const { unlinked } = memory();
    expect([unlinked.header(), unlinked.readOne({ side: 'Target', part: 'text' }, 0)]).toEqual(['h', body]);
    expect(told(unlinked).slice(0, 2)).toEqual(listed);
  });

  it('are replaced one by one; the others stay, up to as many as are kept on their side', () => {
    const { unlinked } = memory();
    const both = SIDES.flatMap((side) => [page(side, 0, 'a'), page(side, 1, 'b'), page(side, 2, 'c')]);
    unlinked.write('one', { Source: 3, Target: 3 }, both);
    unlinked.write('two', { Source: 1, Target: 2 }, [page('Target', 0, 'A')]);
    expect([unlinked.header(), ...told(unlinked)]).toEqual([
      'two',
      'Source raw 0: a',
      'Target raw 0: A',
      'Target raw 1: b',
    ]);
  });

  it('are written as a whole or not at all, and those of another mapping are left alone', () => {
    const [one, other] = [memory(A).unlinked, memory(B).unlinked];
    one.write('h', { Source: 1, Target: 0 }, [page('Source', 0, 'a')]);
    other.write('of another', { Source: 0, Target: 1 }, [page('Target', 0, 'b')]);
    const keep = { Source: 1, Target: 1 };
    expect(() => one.write('h2', keep, failing(page('Source', 0, 'A')))).toThrow('there is no more');
    expect([one.header(), ...told(one)]).toEqual(['h', 'Source raw 0: a']);
    expect([other.header(), ...told(other)]).toEqual(['of another', 'Target raw 0: b']);
  });
}
