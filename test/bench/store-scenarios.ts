/** Without a directory: the program's own store, and its start. */
import { applied, atMostSmall, confirmed, emptyRun, everybody, perform } from './common-steps.ts';
import { CSV_TO_REPOSITORY, csvToRepository } from './manifests.ts';
import type { Scenario, Step } from './scenario.ts';

const ENTRIES_PER_SECOND = 20_000;
const START_UP_SECONDS = 0.5;
const COOKBOOK = new URL('../../examples/cookbook', import.meta.url).pathname;

export const START_UP: Scenario = {
  name: 'start-up: validate of the cookbook',
  sizeOf: () => 0,
  bar: () => 1,
  ready: (world) => ({
    own: { command: () => world.rollcall(['validate', COOKBOOK]) },
    reference: { name: 'half a second', beside: START_UP_SECONDS },
  }),
};

export const EMPTY_RUN: Scenario = {
  name: 'start-up: a run over nobody',
  sizeOf: () => 0,
  bar: () => undefined,
  ready: (world) => {
    const validate = { command: () => world.rollcall(['validate', COOKBOOK]) };
    return { own: emptyRun(world), reference: { name: 'validate', beside: validate } };
  },
};

export const REPOSITORY_LOAD: Scenario = {
  name: 'first load, CSV → Repository',
  sizeOf: atMostSmall,
  bar: () => 1,
  ready: (world, size) => {
    const { csv } = everybody(world, size);
    const project = world.project(`load-repository-${String(size)}`, csvToRepository(), csv);
    const own: Step = {
      before: () => project.forget(),
      command: () => project.run(CSV_TO_REPOSITORY),
      result: applied('Absent', size),
    };
    return { own, reference: { name: '20,000 entries/s', beside: size / ENTRIES_PER_SECOND } };
  },
};

export const REPOSITORY_QUIET: Scenario = {
  name: 'nothing changed, CSV → Repository',
  sizeOf: atMostSmall,
  bar: () => 1,
  ready: async (world, size) => {
    const { csv } = everybody(world, size);
    const project = world.project(`quiet-repository-${String(size)}`, csvToRepository(), csv);
    await perform({ command: () => project.run(CSV_TO_REPOSITORY), result: applied('Absent', size) });
    const own: Step = { command: () => project.run(CSV_TO_REPOSITORY), result: confirmed(size) };
    return { own, reference: { name: 'one second', beside: 1 }, less: emptyRun(world) };
  },
};
