/** Nothing has changed, or nothing is to be changed: as fast as the directory can be read. */
import {
  applied,
  emptyRun,
  everybody,
  confirmed,
  LARGE,
  ldapsearch,
  linked,
  PEAK_MIB,
  perform,
} from './common-steps.ts';
import {
  CSV_TO_LDAP,
  CSV_TO_REPOSITORY,
  csvToLdap,
  REPOSITORY_TO_LDAP,
  throughRepository,
} from './manifests.ts';
import type { Scenario, Step, Trial } from './scenario.ts';
import type { World } from './world.ts';

const whole = (size: number): number => size;
/** Below a million the start of the program is taken off, and this is what is left to it. */
const quietBar = (size: number): number => (size >= LARGE ? 1.3 : 1.6);

export const QUIET: Scenario = {
  name: 'nothing changed, CSV × LDAP',
  sizeOf: whole,
  bar: quietBar,
  barRssMiB: PEAK_MIB,
  ready: async (world, size) => {
    await world.directory.hold(everybody(world, size).ldif);
    const { csv } = everybody(world, size);
    const project = world.project(`quiet-${String(size)}`, csvToLdap(world.describe()), csv);
    return beside(world, await linked(project, CSV_TO_LDAP, size), size);
  },
};

export const OVER_TLS: Scenario = {
  name: 'nothing changed, CSV × LDAP over LDAPS',
  sizeOf: whole,
  bar: quietBar,
  barRssMiB: PEAK_MIB,
  ready: async (world, size) => {
    const { directory } = world;
    const { csv, ldif } = everybody(world, size);
    await directory.hold(ldif);
    const tls = '{ mode: LDAPS, caRef: { kind: Secret, name: authority, key: ca } }';
    const systems = csvToLdap(world.describe({ url: directory.slapd.ldapsUrl, tls }));
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'authority' } };
    const authority = JSON.stringify({ ...secret, stringData: { ca: directory.slapd.ca } });
    const project = world.project(`tls-${String(size)}`, `${systems}---\n${authority}\n`, csv);
    return beside(world, await linked(project, CSV_TO_LDAP, size), size, directory.slapd.ldapsUrl);
  },
};

export const FROM_REPOSITORY: Scenario = {
  name: 'nothing changed, Repository × LDAP',
  sizeOf: whole,
  bar: () => 1.4,
  barRssMiB: PEAK_MIB,
  ready: async (world, size) => {
    const { csv, ldif } = everybody(world, size);
    await world.directory.hold(ldif);
    const project = world.project(`hub-${String(size)}`, throughRepository(world.describe()), csv);
    await perform({ command: () => project.run(CSV_TO_REPOSITORY), result: applied('Absent', size) });
    return beside(world, await linked(project, REPOSITORY_TO_LDAP, size), size);
  },
};

export const FIRST_RUN: Scenario = {
  name: 'first run over two full sides, no difference',
  sizeOf: whole,
  bar: () => 4,
  ready: async (world, size) => {
    const { csv, ldif } = everybody(world, size);
    await world.directory.hold(ldif);
    const project = world.project(`first-${String(size)}`, csvToLdap(world.describe()), csv);
    const own: Step = {
      before: () => project.forget(),
      command: () => project.run(CSV_TO_LDAP),
      result: applied('Found', size),
    };
    return beside(world, own, size);
  },
};

/** Half as many as are linked are out of scope on the source; as many on the target belong to nobody. */
export const STRANGERS: Scenario = {
  name: 'nothing changed, half as many again not linked',
  sizeOf: whole,
  bar: () => 1.6,
  ready: async (world, size) => {
    const half = size / 2;
    const name = `strangers-${String(size)}`;
    const csv = world.csv(name, () => [world.people(size), world.outOfScope(half)]);
    await world.directory.hold(world.ldif(name, () => [world.people(size), world.unassigned(half)]));
    const project = world.project(name, csvToLdap(world.describe()), csv);
    const own: Step = { command: () => project.run(CSV_TO_LDAP), result: confirmed(size) };
    await perform({ ...own, result: applied('Found', size) });
    // The first run after one that has linked somebody judges them all once more.
    await perform(own);
    return beside(world, own, size);
  },
};

/** The same set read from the same address; and the start of the program apart, where it is not next to nothing. */
function beside(world: World, own: Step, size: number, url?: string): Trial {
  const reference = { name: 'ldapsearch', beside: ldapsearch(world, url) };
  if (size >= LARGE) return { own, reference };
  return { own, reference, less: emptyRun(world) };
}
