import { expect, it } from 'vitest';
import { sentences, World } from '../support/world.ts';

it('creates an account for a person, and writes nothing the second time', async () => {
  const world = new World({ source: [{ id: '1', key: 'a', title: 'Boss' }] });
  const first = await world.run();
  expect(sentences(first)).toEqual(['A11 Absent CreateTarget Applied 1→new-1']);
  expect(first.outcome).toBe('Succeeded');
  expect(world.targets()).toEqual([{ id: 'new-1', key: 'a', title: 'Boss' }]);
  expect(world.links()).toEqual(['1→new-1']);
  world.target.writes = [];
  const second = await world.run();
  expect([second.outcome, second.totals.inSync, world.target.writes]).toEqual(['Succeeded', 1, []]);
});
