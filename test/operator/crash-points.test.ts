/**
 * The operator is killed at one moment after the other of its work, as an observer outside sees them: a message to the
 * directory or its answer, a request to the API server or its answer, a line of its log, a time after a run began. It
 * is started again on the same volume, and must come to what an undisturbed run comes to, with nothing done twice.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApiProxy, type ApiProxy, type ProxiedRequest } from '../support/api-proxy.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { recordFault } from '../support/fault-report.ts';
import { FaultWorld } from '../support/fault-world.ts';
import { LdapProxy, type LdapMoment } from '../support/ldap-proxy.ts';
import { installChart, type Operator } from '../support/operator.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const IS_FULL = process.env['ROLLCALL_FAULTS'] === 'full';
const PATIENCE = { timeout: 40_000, interval: 50 };
const [PEOPLE, EXISTING] = [14, 4];

type Phase = LdapMoment['phase'];

type Point =
  | { readonly kind: 'Ldap'; readonly op: string; readonly phase: Phase; readonly nth: number }
  | {
      readonly kind: 'Api';
      readonly what: keyof typeof REQUESTS;
      readonly phase: Phase;
      readonly nth: number;
    }
  | { readonly kind: 'Log'; readonly line: string; readonly nth: number; readonly afterMs: number };

const isStatus =
  (name: string) =>
  ({ method, path }: ProxiedRequest) =>
    method === 'PATCH' && path.includes(`/${name}/status`);

const REQUESTS = {
  'lease is made': ({ method, path }) => method === 'POST' && path.includes('/leases'),
  'lease is renewed': ({ method, path }) => method === 'PUT' && path.includes('/leases'),
  'mappings are listed': ({ method, path }) => method === 'GET' && /reconmappings\?.*limit/.test(path),
  'systems are listed': ({ method, path }) => method === 'GET' && /managedsystems\?.*limit/.test(path),
  'Secret is read': ({ method, path }) => method === 'GET' && path.includes('/secrets/bind'),
  'mapping is read live': ({ method, path }) =>
    method === 'GET' && path.endsWith('reconmappings/to-directory'),
  'status of the directory': isStatus('directory'),
  'status of the file': isStatus('hr'),
  'status of the mapping': isStatus('to-directory'),
  'status of the other mapping': isStatus('to-hub'),
  'Event is recorded': ({ method, path }) => method === 'POST' && path.includes('/events'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>;

const numbers = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => from + at * step);
const PHASES: readonly Phase[] = ['Asked', 'Answered'];
const ldap = (op: string, nth: readonly number[]): Point[] =>
  PHASES.flatMap((phase) => nth.map((one) => ({ kind: 'Ldap', op, phase, nth: one }) as const));
const api = (what: keyof typeof REQUESTS, nth: readonly number[] = [1]): Point[] =>
  PHASES.flatMap((phase) => nth.map((one) => ({ kind: 'Api', what, phase, nth: one }) as const));
const log = (line: string, nth = 1, times: readonly number[] = [0]): Point[] =>
  times.map((afterMs) => ({ kind: 'Log', line, nth, afterMs }));

const POINTS: readonly Point[] = [
  ...ldap('Add', numbers(1, PEOPLE - EXISTING)),
  ...ldap('Modify', numbers(1, EXISTING)),
  ...ldap('Bind', [1, 2]),
  ...ldap('Search', IS_FULL ? numbers(1, 6) : [1, 4]),
  ...api('lease is made'),
  ...api('mappings are listed'),
  ...api('Secret is read', IS_FULL ? [1, 2] : [2]),
  ...api('mapping is read live'),
  ...api('status of the directory'),
  ...api('status of the mapping', [1, 2]),
  ...api('status of the other mapping', IS_FULL ? [1, 2] : [2]),
  ...api('Event is recorded', IS_FULL ? [1, 2, 3] : [2]),
  ...(IS_FULL
    ? [...api('lease is renewed'), ...api('systems are listed'), ...api('status of the file')]
    : []),
  ...log('State opened'),
  ...log('Run ended'),
  ...log('Run ended', 2),
  ...log('Run started', 2, IS_FULL ? numbers(0, 600, 20) : [0, 150, 250, 350]),
];

function nameOf(point: Point): string {
  const nth = `, ${point.nth}.`;
  switch (point.kind) {
    case 'Ldap':
      return `${point.op} of the directory ${point.phase === 'Asked' ? 'before it is sent' : 'before its answer comes'}${nth}`;
    case 'Api':
      return `${point.what}, ${point.phase === 'Asked' ? 'before the server hears of it' : 'before the answer comes'}${nth}`;
    case 'Log':
      return `log line ‘${point.line}’${nth} and ${point.afterMs} ms`;
  }
}

let plane: ControlPlane;
let slapd: Slapd;
/** Of an undisturbed run: with a mapping into a Repository beside it, and without. */
let reference: Readonly<Record<'alone' | 'beside', Awaited<ReturnType<typeof endOf>>>>;
const recoveries: number[] = [];

interface Place extends AsyncDisposable {
  readonly world: FaultWorld;
  readonly ldapProxy: LdapProxy;
  readonly apiProxy: ApiProxy;
}

async function place(hub: boolean): Promise<Place> {
  const ldapProxy = await LdapProxy.start(slapd.url);
  const { authority, url: target } = plane;
  const apiProxy = await startApiProxy({ target, targetCa: authority.certificate, authority });
  const options = { people: PEOPLE, existing: EXISTING, hub, ldapUrl: ldapProxy.url };
  const world = await FaultWorld.open(plane, slapd, options);
  await world.apply();
  return {
    world,
    ldapProxy,
    apiProxy,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await apiProxy.stop();
      await ldapProxy[Symbol.asyncDispose]();
    },
  };
}

/** Kills at the moment; resolves when the operator is dead. */
async function killAt(point: Point, { world, ldapProxy, apiProxy }: Place): Promise<void> {
  let seen = 0;
  let operator: Operator | undefined;
  const kill = (): void => void operator?.process.kill('SIGKILL');
  if (point.kind === 'Ldap')
    ldapProxy.watch(({ op, phase }) => {
      if (op === point.op && phase === point.phase && ++seen === point.nth) kill();
      return seen < point.nth;
    });
  if (point.kind === 'Api') {
    const matches = (request: ProxiedRequest): boolean => {
      const isIt = REQUESTS[point.what](request) && ++seen === point.nth;
      if (isIt && point.phase === 'Asked') kill();
      return isIt;
    };
    const never = new Promise(() => undefined);
    const asked = { kind: 'Delay', until: never } as const;
    apiProxy.misbehave(matches, point.phase === 'Asked' ? asked : { kind: 'Withhold', answered: kill }, 1);
  }
  operator = await world.start({ url: apiProxy.url });
  if (point.kind === 'Log') await logLine(operator, point, kill);
  await vi.waitFor(() => {
    if (!operator.hasEnded) throw new Error(`the moment does not come, ${seen} seen\n${operator.log}`);
  }, PATIENCE);
  ldapProxy.watch(() => true);
}

async function logLine(
  operator: Operator,
  point: Extract<Point, { kind: 'Log' }>,
  kill: () => void,
): Promise<void> {
  const isThere = (): boolean => operator.log.split(`"msg":"${point.line}"`).length > point.nth;
  if (!isThere())
    await new Promise<void>((resolve) => {
      operator.process.stderr?.on('data', () => {
        if (isThere()) resolve();
      });
    });
  if (point.afterMs === 0) kill();
  else setTimeout(kill, point.afterMs);
}

/** It has nothing to do any more. */
async function atRest(world: FaultWorld, operator: Operator): Promise<void> {
  const count = (line: string): number => operator.log.split(`"msg":"${line}"`).length - 1;
  await vi.waitFor(() => expect(count('State opened')).toBe(1), PATIENCE);
  await world.settled();
  await vi.waitFor(() => expect(count('Run ended')).toBe(count('Run started')), PATIENCE);
  await world.settled();
}

async function endOf(world: FaultWorld) {
  const look = await world.secondLook();
  const writes = await world.writes();
  return {
    look,
    entries: await world.entries(),
    objects: world.objects(),
    intents: world.store()['intents'],
    added: writes
      .flatMap(({ op, dn }) => (op === 'ADD' ? [dn.replace(world.namespace, 'UNIT')] : []))
      .toSorted(),
    withdrawn: writes.filter(({ op }) => op === 'DEL' || op === 'MODRDN'),
  };
}

async function undisturbed(hub: boolean): ReturnType<typeof endOf> {
  await using where = await place(hub);
  const operator = await where.world.start();
  await atRest(where.world, operator);
  const end = await endOf(where.world);
  // Ends in good order, and leaves what it has compiled to those after it.
  expect(await operator.stop()).toBe(0);
  return end;
}

beforeAll(async () => {
  [plane, slapd] = await Promise.all([startControlPlane(), startSlapd()]);
  await installChart(plane);
  reference = { alone: await undisturbed(false), beside: await undisturbed(true) };
}, 120_000);

afterAll(async () => {
  await slapd.stop();
  await plane.stop();
});

it('the undisturbed run does everything, once', () => {
  const { alone, beside } = reference;
  // Those that were there before were added by the test.
  expect([alone.added.length, beside.added.length]).toEqual([PEOPLE, PEOPLE]);
  expect(alone.entries).toHaveLength(PEOPLE + 1);
  expect(beside.objects).toHaveLength(PEOPLE);
  expect([alone.intents, beside.intents, alone.withdrawn]).toEqual([[], [], []]);
});

describe.concurrent('killed at', () => {
  it.each(POINTS.map((point) => ({ name: nameOf(point), point })))(
    '$name',
    { timeout: 90_000 },
    async ({ point }) => {
      const hub = point.kind !== 'Ldap';
      await using where = await place(hub);
      const { world } = where;
      await killAt(point, where);
      await world.dropLease();
      const startedAt = performance.now();
      const operator = await world.start();
      await atRest(world, operator);
      recoveries.push(performance.now() - startedAt);
      expect(await endOf(world)).toEqual(hub ? reference.beside : reference.alone);
      expect(operator.log).not.toContain('"level":"error"');
    },
  );
});

it(`at least 60 moments were killed at, and every one was recovered from`, () => {
  expect(POINTS.length).toBeGreaterThanOrEqual(60);
  expect(recoveries).toHaveLength(POINTS.length);
  recordFault({
    fault: 'Operator killed at every step of a run',
    injected: `SIGKILL at ${POINTS.length} moments seen from outside: messages to the directory and their answers, API requests and their answers, log lines, times after the start of a run`,
    holds:
      'the end is that of an undisturbed run, nothing is added twice or withdrawn, the journal is closed',
    seconds: Math.max(...recoveries) / 1_000,
  });
});
