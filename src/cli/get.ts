/** `rollcall get KIND`: what `kubectl get` would print, from the manifests and the last runs. */
import { keyOf } from '../controller/definition-side.ts';
import { findMapping as mappingRow } from '../store/mappings.ts';
import { listHeldPlans } from '../store/approvals.ts';
import { Runs, type StoredRun } from '../store/runs.ts';
import { openStateForReading, type State } from '../store/state.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { MAPPING_HEADER } from './live-table.ts';
import { writeListing, type Listing } from './output.ts';
import type { LinkedMapping, LinkedSide } from '../controller/linked-mapping.ts';
import type { Project } from './project.ts';
import type { RunDocument } from '../runner/run-document.ts';
import { systemClock } from './roll-call.ts';
import { since } from './since.ts';

type Listed = 'mappings' | 'systems' | 'policies' | 'plans';

/** What people may call a kind: its plural, its singular, and what kubectl knows it by. */
const NAMES: Readonly<Record<Listed, readonly string[]>> = {
  mappings: ['mappings', 'mapping', 'reconmappings', 'reconmapping', 'rmap'],
  systems: ['systems', 'system', 'managedsystems', 'managedsystem', 'msys'],
  policies: ['policies', 'policy', 'situationpolicies', 'situationpolicy', 'sitpol'],
  plans: ['plans', 'plan'],
};
const LISTED: readonly Listed[] = ['mappings', 'systems', 'policies', 'plans'];

export function get(project: Project, context: Context): number {
  const { settings, output } = context;
  const word = settings.operands[0] ?? '';
  const kind = LISTED.find((one) => NAMES[one].includes(word.toLowerCase()));
  if (!kind)
    throw new CommandFailure(
      EXIT.invalid,
      `there is no kind '${word}'; there is mappings, systems, policies, plans`,
    );
  using state = openStateForReading(project.stateFolder);
  const listing = list(kind, project, state, settings.output === 'wide');
  writeListing(listing, settings.output, output);
  return EXIT.ok;
}

function list(kind: Listed, project: Project, state: State | undefined, wide: boolean): Listing {
  switch (kind) {
    case 'mappings':
      return mappings(project, state, wide);
    case 'systems':
      return {
        header: ['NAME', 'TYPE', 'ACCESS', 'OBJECTS', 'USED BY'],
        rows: project.manifests.systems.map(({ object }) => [
          keyOf(object),
          object.spec.type,
          object.spec.access,
          object.spec.objects.map((one) => one.name).join(','),
          String(
            project.mappings.filter((one) =>
              [one.source, one.target].some((side) => side.system.object === object),
            ).length,
          ),
        ]),
      };
    case 'policies':
      return {
        header: ['NAME', 'RULES', 'USED BY'],
        rows: project.manifests.policies.map(({ object }) => [
          keyOf(object),
          String(object.spec.rules.length),
          String(project.mappings.filter((one) => one.policy?.object === object).length),
        ]),
      };
    case 'plans':
      return {
        header: ['MAPPING', 'DIGEST', 'OPERATIONS', 'APPROVED', 'EXPIRES'],
        rows: plans(project, state),
      };
  }
}

function mappings(project: Project, state: State | undefined, wide: boolean): Listing {
  const rows = project.mappings.map((one) => mappingCells(one, state && lastRun(one, state), wide));
  return { header: wide ? [...MAPPING_HEADER, 'HELD', 'POLICY', 'PLAN'] : MAPPING_HEADER, rows };
}

function lastRun(one: LinkedMapping, { database }: State): StoredRun | undefined {
  const [last] = [...new Runs(database).list(one.key, 1)];
  return last;
}

const READY: Readonly<Record<string, readonly [string, string]>> = {
  Succeeded: ['True', 'Succeeded'],
  Degraded: ['True', 'EntriesFailed'],
  Held: ['True', 'ChangesHeld'],
  Failed: ['False', 'RunFailed'],
  Stalled: ['False', 'Stalled'],
};

function mappingCells(one: LinkedMapping, run: StoredRun | undefined, wide: boolean): string[] {
  const { mode, suspend } = one.mapping.object.spec;
  const side = ({ system, object }: LinkedSide): string => `${system.object.metadata.name}/${object.name}`;
  const cells = [
    one.key,
    side(one.source),
    side(one.target),
    suspend ? `${mode} (suspended)` : mode,
    ...runCells(run),
  ];
  return wide ? [...cells, ...wideCells(one, run)] : cells;
}

function runCells(run: StoredRun | undefined): string[] {
  if (!run) return ['Unknown', 'NeverRun', '-', '-', '-', '-'];
  const ready = READY[run.outcome ?? ''] ?? ['Unknown', 'CutOff'];
  const totals = (run.body as RunDocument | undefined)?.totals ?? {};
  const counts = ['inSync', 'pending', 'failed'].map((name) => String(totals[name] ?? '-'));
  return [...ready, ...counts, since(systemClock.now() - run.startedAt)];
}

function wideCells({ policy }: LinkedMapping, run: StoredRun | undefined): string[] {
  const body = run?.body as RunDocument | undefined;
  return [
    String(body?.totals['held'] ?? '-'),
    policy?.object.metadata.name ?? '-',
    body?.plan?.digest ?? '-',
  ];
}

function plans(project: Project, state: State | undefined): string[][] {
  if (!state) return [];
  return project.mappings.flatMap((one) => {
    const row = mappingRow(state.database, one.key);
    if (row === undefined) return [];
    return listHeldPlans(state.database, row, systemClock.now()).map((plan) => [
      one.key,
      plan.digest,
      String(plan.operations),
      plan.approved ? 'yes' : 'no',
      new Date(plan.expiresAt).toISOString(),
    ]);
  });
}
