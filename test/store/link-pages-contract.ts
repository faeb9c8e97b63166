/** The clauses of the store contract about the pages of links: kept as a whole, and believed only while no link changes. */
import { expect, it } from 'vitest';
import type { LinkPage, LinkPages } from '../../src/engine/link-pages.ts';
import type { Links } from '../../src/engine/ports.ts';
import { link } from '../support/store-values.ts';
import { A, B, type Suite } from './contract-suite.ts';

const PARTS = ['raw', 'ids', 'keys'] as const;

function page(at: number, text: string, part: LinkPage['part'] = 'raw'): LinkPage {
  return { part, page: at, body: Buffer.from(text) };
}

/** `part page: body` of everything that is there. */
function told(pages: LinkPages): string[] {
  return PARTS.flatMap((part) =>
    [...pages.read(part)].map((one) => `${part} ${one.page}: ${Buffer.from(one.body).toString()}`),
  );
}

function* failing(...pages: readonly LinkPage[]): Generator<LinkPage> {
  yield* pages;
  throw new Error('there is no more');
}

export function linkPages({ store, memory, reopened }: Suite): void {
  it('are not there at first', () => {
    const { pages } = memory().links;
    expect([pages.header(), told(pages), pages.readOne('raw', 0)]).toEqual([undefined, [], undefined]);
  });

  it('are given back byte by byte, part by part in the order of their numbers, at once and after a crash', async () => {
    const first = memory();
    const body = Uint8Array.from({ length: 256 }, (_, at) => at);
    const [second, twelfth] = [page(2, 'b'), page(12, 'c')];
    first.links.pages.write('h', 13, [twelfth, { part: 'keys', page: 0, body }, second, page(1, '', 'ids')]);
    expect(told(first.links.pages).slice(0, 3)).toEqual(['raw 2: b', 'raw 12: c', 'ids 1: ']);
    await store().crash();
    const { pages } = memory().links;
    expect([pages.header(), pages.readOne('keys', 0)]).toEqual(['h', body]);
    expect(told(pages).slice(0, 3)).toEqual(['raw 2: b', 'raw 12: c', 'ids 1: ']);
  });

  it('are replaced one by one; the others stay, up to as many as are kept', () => {
    const { pages } = memory().links;
    pages.write('one', 4, [page(0, 'a'), page(1, 'b'), page(2, 'c'), page(3, 'd'), page(3, 'k', 'keys')]);
    pages.write('two', 3, [page(1, 'B')]);
    expect([pages.header(), ...told(pages)]).toEqual(['two', 'raw 0: a', 'raw 1: B', 'raw 2: c']);
    pages.write('three', 0, []);
    expect([pages.header(), ...told(pages)]).toEqual(['three']);
  });

  it.each([
    { when: 'a link comes', change: (one: Links) => one.put(link('s2', 't2')) },
    { when: 'a link is put as it is', change: (one: Links) => one.put(link('s', 't')) },
    { when: 'a link takes the source of another', change: (one: Links) => one.put(link('s', 't2')) },
    { when: 'a link takes the target of another', change: (one: Links) => one.put(link('s2', 't')) },
    { when: 'a link goes', change: (one: Links) => one.remove('s') },
  ])('do not hold any more once $when, nor after a crash', async ({ change }) => {
    const first = memory();
    first.links.put(link('s', 't'));
    first.links.pages.write('h', 1, [page(0, 'a')]);
    expect(first.links.pages.header()).toBe('h');
    change(first.links);
    expect(first.links.pages.header()).toBeUndefined();
    const again = await reopened(first);
    expect(again.links.pages.header()).toBeUndefined();
    again.links.pages.write('h2', 1, []);
    expect([again.links.pages.header(), ...told(again.links.pages)]).toEqual(['h2', 'raw 0: a']);
  });

  it('hold on where a change of links did not become durable', async () => {
    const first = memory();
    first.links.put(link('s', 't'));
    first.links.pages.write('h', 1, [page(0, 'a')]);
    first.links.put(link('s2', 't2'));
    await store().crash();
    const { links } = memory();
    expect([links.count(), links.pages.header()]).toEqual([1, 'h']);
  });

  it('hold on when nothing was removed, and whatever happens to the links of another mapping', () => {
    const [one, other] = [memory(A).links, memory(B).links];
    other.put(link('s', 't'));
    one.pages.write('h', 1, [page(0, 'a')]);
    one.remove('nobody');
    other.put(link('s', 't2'));
    other.remove('s');
    expect(one.pages.header()).toBe('h');
    other.pages.write('of another', 0, [page(0, 'b')]);
    expect([one.pages.header(), ...told(one.pages)]).toEqual(['h', 'raw 0: a']);
  });

  it('are written as a whole or not at all, with what was written before them durable', async () => {
    const first = memory();
    first.links.pages.write('h', 2, [page(0, 'a'), page(1, 'b')]);
    expect(() => first.links.pages.write('h2', 1, failing(page(0, 'A')))).toThrow('there is no more');
    expect([first.links.pages.header(), ...told(first.links.pages)]).toEqual(['h', 'raw 0: a', 'raw 1: b']);
    first.links.put(link('s', 't'));
    expect(() => first.links.pages.write('h2', 1, failing(page(0, 'A')))).toThrow('there is no more');
    await store().crash();
    const { links } = memory();
    expect([links.count(), links.pages.header(), ...told(links.pages)]).toEqual([
      1,
      undefined,
      'raw 0: a',
      'raw 1: b',
    ]);
  });

  it('may be read while they are written', () => {
    const { pages } = memory().links;
    pages.write('h', 2, [page(0, 'a'), page(1, 'b')]);
    const copied = function* (): Generator<LinkPage> {
      for (const at of [0, 1]) yield page(at, `${Buffer.from(pages.readOne('raw', at) ?? []).toString()}!`);
    };
    pages.write('h2', 2, copied());
    expect(told(pages)).toEqual(['raw 0: a!', 'raw 1: b!']);
  });
}
