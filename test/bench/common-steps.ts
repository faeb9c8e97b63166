/** Steps that several scenarios take. */
import { CSV_TO_LDAP, csvToLdap } from './manifests.ts';
import { measure } from './measure.ts';
import { ATTRIBUTES } from './people.ts';
import { checkResult, type Step } from './scenario.ts';
import type { Project, World } from './world.ts';

/** What is about writing does not grow with the table. */
export const SMALL = 100_000;
export const LARGE = 1_000_000;
export const PEAK_MIB = 256;

export function atMostSmall(size: number): number {
  return Math.min(size, SMALL);
}

/** All of them, and no more to do. */
export function confirmed(count: number): RegExp {
  return new RegExp(`: Succeeded\\n(.*\\n)*? +Confirmed +${String(count)} +0 +0 +0 +0 `);
}

/** All that was planned in a situation was done. */
export function applied(situation: string, planned: number, count = planned): RegExp {
  const done = String(planned);
  return new RegExp(`: Succeeded\\n(.*\\n)*? +${situation} +${String(count)} +${done} +${done} +0 +0 `);
}

export async function perform(step: Step): Promise<void> {
  await step.before?.();
  const command = step.command();
  await measure(command);
  checkResult(step, command);
}

/** The same people in both forms. */
export function everybody(world: World, size: number): { readonly csv: string; readonly ldif: string } {
  const name = `people-${String(size)}`;
  const people = (): ReturnType<World['people']>[] => [world.people(size)];
  return { csv: world.csv(name, people), ldif: world.ldif(name, people) };
}

/** The same set as Rollcall reads, and the same attributes of it; nothing is done with them. */
export function ldapsearch(world: World, url?: string): Step {
  const { directory } = world;
  const filter = '(objectClass=inetOrgPerson)';
  const words = [
    '-E',
    'pr=1000/noprompt',
    '-LLL',
    '-b',
    directory.people,
    filter,
    'entryUUID',
    ...ATTRIBUTES,
  ];
  // It takes the machine's own name for localhost, which is not in the certificate.
  const address = url?.replace('localhost', '127.0.0.1');
  return { command: () => directory.tool('ldapsearch', words, address) };
}

/** A run over a file of nobody and a directory of nobody: what the program costs before there is anything to do. */
export function emptyRun(world: World): Step {
  const manifests = csvToLdap(world.describe({ base: world.directory.nobody }));
  const project = world.project(
    'nobody',
    manifests,
    world.csv('nobody', () => []),
  );
  return { command: () => ({ ...project.run(CSV_TO_LDAP), allowed: [0, 1, 2] }) };
}

/** Links everybody, who is on both sides, and gives the run after it. */
export async function linked(project: Project, mapping: string, count: number): Promise<Step> {
  await perform({ command: () => project.run(mapping), result: applied('Found', count) });
  return { command: () => project.run(mapping), result: confirmed(count) };
}
