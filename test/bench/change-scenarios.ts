/** Something is written, or would be. */
import { applied, atMostSmall, emptyRun, everybody, linked, PEAK_MIB } from './common-steps.ts';
import { writeChanges } from './files.ts';
import { CSV_TO_LDAP, csvToLdap } from './manifests.ts';
import type { Scenario, Step, Trial } from './scenario.ts';
import type { Project, World } from './world.ts';

/** At nine tenths of the rate of ldapadd it takes this much longer. */
const FIRST_LOAD_BAR = 1 / 0.9;

export const FIRST_LOAD: Scenario = {
  name: 'first load into an empty directory',
  sizeOf: atMostSmall,
  bar: () => FIRST_LOAD_BAR,
  ready: (world, size) => {
    const { directory } = world;
    const { csv, ldif } = everybody(world, size);
    const project = world.project(`load-${String(size)}`, csvToLdap(world.describe({ mapsAll: true })), csv);
    const emptied = async (): Promise<void> => {
      directory.changed();
      await directory.hold(undefined);
      project.forget();
    };
    const own: Step = {
      before: emptied,
      command: () => project.run(CSV_TO_LDAP),
      result: applied('Absent', size),
    };
    const ldapadd: Step = { before: emptied, command: () => directory.tool('ldapadd', ['-f', ldif]) };
    return { own, reference: { name: 'ldapadd', beside: ldapadd } };
  },
};

export const PARTLY_CHANGED: Scenario = {
  name: '1 % changed',
  sizeOf: atMostSmall,
  bar: () => 1.2,
  ready: async (world, size) => {
    const { csv, ldif } = everybody(world, size);
    await world.directory.hold(ldif);
    const project = world.project(`changing-${String(size)}`, csvToLdap(world.describe()), csv);
    const quiet = await linked(project, CSV_TO_LDAP, size);
    return changes(world, project, quiet, size);
  },
};

function changes(world: World, project: Project, quiet: Step, size: number): Trial {
  const { directory } = world;
  let round = 0;
  const changed: Step = {
    before: () => {
      directory.changed();
      const title = `Title ${String(++round)}`;
      project.use(world.csv(`changed-${String(size)}-${title}`, () => [world.partlyChanged(size, title)]));
    },
    command: () => project.run(CSV_TO_LDAP),
    result: applied('Confirmed', Math.ceil(size / 100), size),
  };
  const path = `${world.folder}/changes`;
  const ldapmodify: Step = {
    before: () => writeChanges(path, directory.people, world.changedOnes(size), `Room ${String(round)}`),
    command: () => directory.tool('ldapmodify', ['-f', path]),
  };
  return { own: changed, reference: { name: 'ldapmodify', beside: ldapmodify }, less: quiet };
}

export const PLAN: Scenario = {
  name: 'plan of creations, -o json',
  sizeOf: atMostSmall,
  bar: () => undefined,
  barRssMiB: PEAK_MIB,
  ready: async (world, size) => {
    await world.directory.hold(undefined);
    const { csv } = everybody(world, size);
    const project = world.project(`plan-${String(size)}`, csvToLdap(world.describe({ mapsAll: true })), csv);
    const own: Step = {
      command: () => ({ ...project.plan(CSV_TO_LDAP), allowed: [2] }),
      result: new RegExp(`"name":"Absent","count":${String(size)},"planned":${String(size)},`),
    };
    const empty = emptyRun(world);
    return { own, reference: { name: 'a run over nobody', beside: empty } };
  },
};
