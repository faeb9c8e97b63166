/** What every store promises of links. */
import { expect, it } from 'vitest';

import type { Memory } from '../../src/engine/ports.ts';
import { link } from '../support/store-values.ts';
import { A, B, type Suite } from './contract-suite.ts';

const LONG_KEY = 'x'.repeat(2_000);
const KEYS = [
  'a',
  'B',
  '\u00e4',
  'Z',
  '東京',
  '🦊',
  '\uffff',
  'a b',
  '',
  '\u00e9',
  'e\u0301',
  "o'brien",
].concat(LONG_KEY, 'with\ttab', 'with\0zero', 'with');

export function links({ memory, reopened }: Suite): void {
  it('gives back what was put, by both sides, also after a crash', async () => {
    const first = memory();
    const put = link('s', 't', {
      agreed: new Map([
        ['mail', 'a'],
        ['__proto__', 'b'],
        ['10', 'c'],
      ]),
    });
    first.links.put(put);
    expect(first.links.bySource('s')).toEqual(put);
    const again = await reopened(first);
    expect(again.links.bySource('s')).toEqual(put);
    expect(again.links.byTarget('t')).toEqual(put);
    expect(again.links.count()).toBe(1);
  });

  it('keeps what is not known unknown', () => {
    const { links: all } = memory();
    all.put(
      link('s', 't', {
        sourcePrint: undefined,
        targetPrint: undefined,
        settledIn: undefined,
        agreed: new Map(),
      }),
    );
    expect(all.bySource('s')).toMatchObject({
      sourcePrint: undefined,
      targetPrint: undefined,
      settledIn: undefined,
    });
    expect([...all.heads()]).toMatchObject([
      { sourcePrint: undefined, targetPrint: undefined, settledIn: undefined },
    ]);
  });

  it.each([
    {
      when: 'the same pair again',
      puts: [
        ['s1', 't1'],
        ['s1', 't1'],
      ],
      left: ['s1-t1'],
    },
    {
      when: 'another target for a source',
      puts: [
        ['s1', 't1'],
        ['s1', 't2'],
      ],
      left: ['s1-t2'],
    },
    {
      when: 'another source for a target',
      puts: [
        ['s1', 't1'],
        ['s2', 't1'],
      ],
      left: ['s2-t1'],
    },
    {
      when: 'both sides linked elsewhere',
      puts: [
        ['s1', 't1'],
        ['s2', 't2'],
        ['s1', 't2'],
      ],
      left: ['s1-t2'],
    },
    {
      when: 'a swap',
      puts: [
        ['s1', 't1'],
        ['s2', 't2'],
        ['s1', 't2'],
        ['s2', 't1'],
      ],
      left: ['s1-t2', 's2-t1'],
    },
  ])('are unique on both sides: $when', ({ puts, left }) => {
    const { links: all } = memory();
    for (const [source = '', target = ''] of puts) all.put(link(source, target));
    expect([...all.heads()].map((head) => `${head.sourceKey}-${head.targetKey}`)).toEqual(left);
    expect(all.count()).toBe(left.length);
    for (const one of left) {
      const [source = '', target = ''] = one.split('-');
      expect(all.bySource(source)?.targetKey).toBe(target);
      expect(all.byTarget(target)?.sourceKey).toBe(source);
    }
  });

  it('removes one, and forgives one that is not there', () => {
    const { links: all } = memory();
    all.put(link('s1', 't1'));
    all.put(link('s2', 't2'));
    all.remove('s1');
    all.remove('s1');
    expect(all.byTarget('t1')).toBeUndefined();
    expect(all.count()).toBe(1);
  });

  it('tells keys apart byte by byte, and lists them in one order', async () => {
    const first = memory();
    for (const key of KEYS) first.links.put(link(key, `t${key}`));
    const again = await reopened(first);
    const listed = [...again.links.heads()].map((head) => head.sourceKey);
    const bytewise = KEYS.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    expect(listed).toEqual(bytewise);
    expect([...again.links.heads()].map((head) => head.sourceKey)).toEqual(listed);
    for (const key of KEYS) expect(again.links.bySource(key)?.targetKey).toBe(`t${key}`);
  });

  it('belong to one mapping, whatever another one does', () => {
    const [one, other] = [memory(A), memory(B)];
    one.links.put(link('s', 't'));
    other.links.put(link('s', 't'));
    other.links.remove('s');
    expect(one.links.count()).toBe(1);
    expect(other.links.count()).toBe(0);
  });

  it('may be walked in two ways at once, while others are looked up and written', () => {
    const { links: all, flush } = withFlush(memory());
    for (let at = 0; at < 500; at++) all.put(link(`k${String(at).padStart(3, '0')}`, `t${at}`));
    const seen: string[] = [];
    for (const head of all.heads()) {
      seen.push(head.sourceKey);
      const [first] = all.heads();
      expect(first?.sourceKey).toBe('k000');
      const known = all.bySource(head.sourceKey);
      if (known) all.put({ ...known, settledIn: 'later' });
      if (seen.length % 100 === 0) flush();
    }
    expect(seen).toHaveLength(500);
    expect([...all.heads()].every((head) => head.settledIn === 'later')).toBe(true);
  });
}

function withFlush(memory: Memory): { readonly links: Memory['links']; readonly flush: () => void } {
  return { links: memory.links, flush: () => memory.flush() };
}
