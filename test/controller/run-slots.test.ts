import { expect, it } from 'vitest';
import { RunSlots } from '../../src/controller/run-slots.ts';

it('so many at once, one for each mapping, one at a time for each system that is written', () => {
  const freed: string[] = [];
  const slots = new RunSlots(2, (key) => freed.push(key));
  const first = slots.take('a', ['directory']);
  expect(first).toBeDefined();
  expect(slots.take('b', ['directory'])).toBeUndefined();
  const second = slots.take('c', ['hub']);
  expect(second).toBeDefined();
  expect(slots.take('d', [])).toBeUndefined();
  first?.free();
  first?.free();
  expect(freed).toEqual(['b']);
  expect(slots.take('b', ['directory'])).toBeDefined();
  second?.free();
  expect(freed).toEqual(['b', 'd']);
});

it('a mapping that runs does not run a second time', () => {
  const slots = new RunSlots(2, () => undefined);
  slots.take('a', []);
  expect(slots.take('a', [])).toBeUndefined();
});

it('readers of one system do not wait for each other', () => {
  const slots = new RunSlots(3, () => undefined);
  expect(slots.take('a', [])).toBeDefined();
  expect(slots.take('b', [])).toBeDefined();
});
