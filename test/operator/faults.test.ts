/**
 * Faults around a whole operator, each injected while everything is settled: a change that is made then, or right
 * after, becomes visible, is done once, and the mapping settles; the operator lives, and asks no more than it should.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startApiProxy,
  type ApiProxy,
  type Misbehaviour,
  type ProxiedRequest,
} from '../support/api-proxy.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { recordFault } from '../support/fault-report.ts';
import { FaultWorld, uid } from '../support/fault-world.ts';
import { LdapProxy } from '../support/ldap-proxy.ts';
import { installChart, SYSTEM_NAMESPACE, type Operator } from '../support/operator.ts';
import { settableClock } from '../support/set-clock.ts';
import { carriedOut, notRefused } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const IS_FULL = process.env['ROLLCALL_FAULTS'] === 'full';
const PATIENCE = { timeout: 60_000, interval: 100 };
/** Watches, probes, the lease and a run with its status and Events; a storm is hundreds. */
const REQUESTS_PER_SECOND = 12;
/** The operator looks at its clock anew within a minute. */
const LOOKED_AGAIN_MS = 62_000;
const BINDINGS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

let plane: ControlPlane;
let slapd: Slapd;
let proxy: ApiProxy;
let world: FaultWorld;
let operator: Operator;
let people = 8;
let stops: (() => void)[] = [];

beforeAll(async () => {
  const flags = ['--watch-cache-sizes=managedsystems.rollcall.dev#0,reconmappings.rollcall.dev#0,secrets#0'];
  [plane, slapd] = await Promise.all([startControlPlane({ flags }), startSlapd()]);
  await installChart(plane);
  const { authority, url: target } = plane;
  proxy = await startApiProxy({ target, targetCa: authority.certificate, authority });
  world = await FaultWorld.open(plane, slapd, { people });
  await world.apply();
  operator = await world.start({ url: proxy.url });
  await world.settled();
}, 120_000);

afterEach(() => {
  for (const stop of stops) stop();
  stops = [];
});

/** Each fault meets an operator that holds its lease for certain; as a kubelet does, one that gave up is started again. */
beforeEach(async () => {
  proxy.admit();
  if (operator.hasEnded) operator = await world.start({ url: proxy.url });
  const from = proxy.requests.length;
  const isRenewal = ({ method, path }: ProxiedRequest): boolean =>
    method === 'PUT' && path.includes('/leases');
  await vi.waitFor(
    () => expect(proxy.requests.slice(from).filter(isRenewal).length).toBeGreaterThan(1),
    PATIENCE,
  );
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await proxy.stop();
  await slapd.stop();
  await plane.stop();
});

function misbehave(matches: (request: ProxiedRequest) => boolean, how: Misbehaviour, times = Infinity): void {
  stops.push(proxy.misbehave(matches, how, times));
}

const isStatus = ({ method, path }: ProxiedRequest): boolean =>
  method === 'PATCH' && path.includes('/status');
const isOurs = ({ path }: ProxiedRequest): boolean => !path.includes('/leases');

/** One more person, and a request to look: seen when the mapping answers it. */
async function change(): Promise<string> {
  world.writePeople(++people);
  const token = `change-${people}`;
  await vi.waitFor(() => world.request('to-directory', token), PATIENCE);
  return token;
}

async function visible(token: string): Promise<void> {
  await world.settled(({ status }) => status?.lastHandledRequest === token, PATIENCE.timeout);
}

async function bindingOfChart(): Promise<{ readonly metadata: { readonly name: string } }> {
  const { body } = await plane.request('GET', BINDINGS);
  const { items } = body as {
    items: { metadata: { name: string }; subjects?: { kind: string; name: string; namespace?: string }[] }[];
  };
  const found = items.find(({ subjects }) =>
    subjects?.some(({ name, namespace }) => name === 'rollcall' && namespace === SYSTEM_NAMESPACE),
  );
  if (!found) throw new Error('the chart binds its account to no role');
  return found;
}

async function restart(): Promise<void> {
  await operator.stop('SIGKILL');
  await world.dropLease();
  operator = await world.start({ url: proxy.url });
}

interface Fault {
  readonly fault: string;
  readonly injected: string;
  /** Injects, and resolves with the token of a change once everything is as it should be again. */
  readonly inject: () => Promise<string>;
}

const FAULTS: readonly Fault[] = [
  {
    fault: 'API server killed, watches open',
    injected: 'SIGKILL of kube-apiserver, started again after 2 s; the change is made right after',
    inject: async () => {
      await plane.stopApiServer();
      await sleep(2_000);
      await plane.startApiServer();
      return change();
    },
  },
  {
    fault: 'API server killed in the middle of a status write',
    injected: 'the status is committed, its answer is lost, and kube-apiserver gets SIGKILL',
    inject: async () => {
      const killed = Promise.withResolvers<void>();
      const answered = (): void => void plane.stopApiServer().then(killed.resolve, killed.reject);
      misbehave(isStatus, { kind: 'Withhold', answered }, 1);
      const token = await change();
      await killed.promise;
      proxy.cut();
      await plane.startApiServer();
      return token;
    },
  },
  {
    fault: 'API server killed in the middle of a list',
    injected: 'the operator starts, its list is held up, kube-apiserver gets SIGKILL and is started again',
    inject: async () => {
      const killed = Promise.withResolvers<void>();
      let isAsked = false;
      const isList = ({ path }: ProxiedRequest): boolean => {
        const isIt = /reconmappings\?.*limit/.test(path);
        isAsked ||= isIt;
        return isIt;
      };
      misbehave(isList, { kind: 'Delay', until: killed.promise }, 1);
      await restart();
      await vi.waitFor(() => expect(isAsked).toBe(true), PATIENCE);
      await plane.stopApiServer();
      killed.resolve();
      await plane.startApiServer();
      return change();
    },
  },
  {
    fault: 'Answer of a status write lost',
    injected: 'the connection breaks after the server has committed, three times',
    inject: () => {
      misbehave(isStatus, { kind: 'LoseAnswer' }, 3);
      return change();
    },
  },
  {
    fault: 'Conflict on a status write',
    injected: '409 instead of the server, twice',
    inject: () => {
      const body = JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 });
      misbehave(isStatus, { kind: 'Answer', status: 409, body }, 2);
      return change();
    },
  },
  {
    fault: 'Too many requests',
    injected: '429 with Retry-After: 2 for everything but the lease, for 4 s',
    inject: async () => {
      misbehave(isOurs, { kind: 'Answer', status: 429, headers: { 'retry-after': '2' } });
      const token = await change();
      await sleep(4_000);
      for (const stop of stops) stop();
      return token;
    },
  },
  {
    fault: 'API server in trouble',
    injected: '500 for everything but the lease, for 4 s',
    inject: async () => {
      misbehave(isOurs, { kind: 'Answer', status: 500 });
      proxy.cut();
      const token = await change();
      await sleep(4_000);
      for (const stop of stops) stop();
      return token;
    },
  },
  {
    fault: 'Slow API server',
    injected: 'every request takes 1 s longer',
    inject: () => {
      const slow: Misbehaviour = {
        kind: 'Delay',
        get until() {
          return sleep(1_000);
        },
      };
      misbehave(() => true, slow);
      return change();
    },
  },
  {
    fault: 'API server does not answer for a while',
    injected: 'SIGSTOP of kube-apiserver for 6 s, shorter than the lease',
    inject: async () => {
      const token = await change();
      plane.pauseApiServer();
      await sleep(6_000);
      plane.resumeApiServer();
      return token;
    },
  },
  {
    fault: 'Connections die silently',
    injected: 'nothing passes over the connections of now, watches included, and nobody says so',
    inject: () => {
      proxy.blackhole();
      return change();
    },
  },
  {
    fault: 'etcd compaction under an open watch',
    injected: 'history is forgotten twice while objects change',
    inject: async () => {
      await plane.compact();
      const token = await change();
      await plane.compact();
      return token;
    },
  },
  {
    fault: 'Version of the watch is gone (410)',
    injected: 'connections cut, changes made and compacted away before the watch can be begun again',
    inject: async () => {
      proxy.refuse();
      proxy.cut();
      const token = await change();
      await world.putSecret();
      await plane.compact();
      await sleep(500);
      proxy.admit();
      return token;
    },
  },
  {
    fault: 'Rights taken away and given back',
    injected: 'the ClusterRoleBinding of the chart is deleted for 4 s',
    inject: async () => {
      const binding = await bindingOfChart();
      await plane.request('DELETE', `${BINDINGS}/${binding.metadata.name}`);
      proxy.cut();
      const token = await change();
      await sleep(4_000);
      const { metadata, ...rest } = binding;
      await plane.request('POST', BINDINGS, { ...rest, metadata: { name: metadata.name } });
      return token;
    },
  },
  {
    fault: 'Secret deleted and restored',
    injected: 'the Secret of the directory is deleted; the mapping says so; it is put back',
    inject: async () => {
      await world.remove('Secret', 'bind');
      await vi.waitFor(async () => {
        const { status } = await world.mapping('to-directory');
        expect(status?.conditions?.find(({ type }) => type === 'ResolvedRefs')?.status).toBe('False');
      }, PATIENCE);
      const token = await change();
      await world.putSecret();
      return token;
    },
  },
  {
    fault: 'Token rotated',
    injected: 'the old token is refused with 401, a new one stands in the kubeconfig',
    inject: async () => {
      const file = join(world.folder, 'kubeconfig');
      const text = readFileSync(file, 'utf8');
      const [old = ''] = /(?<="token":")[^"]+/.exec(text) ?? [];
      const fresh = await plane.serviceAccountToken(SYSTEM_NAMESPACE, 'rollcall', 7_200);
      writeFileSync(`${file}.new`, text.replace(old, fresh), { mode: 0o600 });
      renameSync(`${file}.new`, file);
      misbehave(({ headers }) => headers['authorization'] === `Bearer ${old}`, {
        kind: 'Answer',
        status: 401,
      });
      proxy.cut();
      return change();
    },
  },
  {
    fault: 'Directory killed before a run',
    injected: 'SIGKILL of slapd, started again after 2 s; the change is made in between',
    inject: async () => {
      await slapd.kill();
      const token = await change();
      await sleep(2_000);
      await slapd.restart();
      return token;
    },
  },
  {
    fault: 'Lease lost while the API server is away',
    injected:
      'kube-apiserver is away for longer than the lease; the operator ends with 1 and is started again',
    inject: async () => {
      await plane.stopApiServer();
      await vi.waitFor(() => expect(operator.hasEnded).toBe(true), PATIENCE);
      expect(operator.process.exitCode).toBe(1);
      await plane.startApiServer();
      operator = await world.start({ url: proxy.url });
      return change();
    },
  },
  {
    fault: 'Definition missing at the start',
    injected: 'the CRD of SituationPolicy is deleted, the operator started, the CRD put back after 3 s',
    inject: async () => {
      await plane.kubectl(['delete', 'crd', 'situationpolicies.rollcall.dev']);
      await restart();
      await sleep(3_000);
      expect((await fetch(`${operator.healthUrl}/readyz`)).status).toBe(503);
      await plane.applyDefinitions();
      return change();
    },
  },
];

describe('after', () => {
  it.each(FAULTS)(
    '‘$fault’ the change is seen and done once, and everything settles',
    { timeout: 180_000 },
    async ({ fault, injected, inject }) => {
      const before = await world.writes();
      const [since, requests] = [performance.now(), proxy.requests.length];
      const token = await inject();
      const over = performance.now();
      await visible(token);
      const seconds = (performance.now() - over) / 1_000;
      const asked = proxy.requests.length - requests;
      expect(asked / ((performance.now() - since) / 1_000 + 5)).toBeLessThan(REQUESTS_PER_SECOND);
      const writes = (await world.writes()).slice(before.length);
      expect(writes).toEqual([{ op: 'ADD', dn: `uid=${uid(people - 1)},${world.base}` }]);
      expect(operator.hasEnded).toBe(false);
      expect(operator.log).not.toMatch(/unhandled|Run crashed|TypeError/i);
      expect(world.store()['intents']).toEqual([]);
      recordFault({
        fault,
        injected,
        holds: 'the change is seen, written once and told; the operator lives, and does not ask in a storm',
        seconds,
      });
    },
  );

  it(
    '‘Operator stopped in the middle of a run that a Secret had asked for’ the run is taken up again',
    { timeout: 120_000 },
    async () => {
      await using other = await FaultWorld.open(plane, slapd, { people: 10, writesPerSecond: 5 });
      await other.apply();
      const first = await other.start();
      await other.settled();
      other.writePeople(30);
      await other.put('Secret', 'bind', {
        stringData: { dn: slapd.adminDn, password: slapd.adminPassword, more: 'x' },
      });
      await vi.waitFor(async () => expect((await other.writes()).length).toBeGreaterThan(14), PATIENCE);
      await first.stop('SIGKILL');
      await other.dropLease();
      const at = performance.now();
      await other.start();
      await vi.waitFor(async () => expect((await other.writes()).length).toBe(30), PATIENCE);
      await other.settled(
        ({ status }) => status?.totals !== undefined && other.store()['intents']?.length === 0,
      );
      const added = (await other.writes()).map(({ dn }) => dn);
      expect(new Set(added).size).toBe(30);
      recordFault({
        fault: 'Operator stopped in the middle of a run that a Secret had asked for',
        injected: 'SIGKILL while accounts are added; the next run is not due for an hour',
        holds: 'the run is taken up again at once, and nothing is added twice',
        seconds: (performance.now() - at) / 1_000,
      });
    },
  );

  it(
    '‘Directory killed in the middle of a run’ what was cut off is finished, and nothing is done twice',
    { timeout: 120_000 },
    async () => {
      await using ldap = await LdapProxy.start(slapd.url);
      await using other = await FaultWorld.open(plane, slapd, { people: 3, ldapUrl: ldap.url });
      await other.apply();
      const working = await other.start();
      await other.settled();
      other.writePeople(30);
      let answers = 0;
      const killed = new Promise<void>((resolve) => {
        ldap.watch(({ op, phase }) => {
          if (op === 'Add' && phase === 'Answered' && ++answers === 9) resolve(slapd.kill());
          // Done, and the operator does not know.
          return answers < 9;
        });
      });
      await other.request('to-directory', 'more');
      await killed;
      await sleep(2_000);
      ldap.watch(() => true);
      await slapd.restart();
      const at = performance.now();
      await vi.waitFor(async () => expect(await other.entries()).toHaveLength(31), PATIENCE);
      await other.settled(({ status }) => status?.lastHandledRequest === 'more');
      await vi.waitFor(() => expect(other.store()['intents']).toEqual([]), PATIENCE);
      const seconds = (performance.now() - at) / 1_000;
      const isPerson = (dn: string): boolean => dn.endsWith(other.base) && dn.startsWith('uid=');
      const added = carriedOut(slapd.folder, 'ADD').filter(isPerson);
      expect(added).toHaveLength(new Set(added).size);
      // What a server does last before it is killed it does not always write down.
      expect(new Set(notRefused(slapd.folder, 'ADD').filter(isPerson)).size).toBe(30);
      expect((await other.writes()).filter(({ op }) => op !== 'ADD')).toEqual([]);
      expect(working.hasEnded).toBe(false);
      recordFault({
        fault: 'Directory killed in the middle of a run',
        injected: 'SIGKILL of slapd at the ninth of 27 additions, its answer lost; started again after 2 s',
        holds: 'what was cut off is finished, and nothing is added twice; the operator lives',
        seconds,
      });
    },
  );

  // Minutes long, for time has to pass.
  if (IS_FULL)
    it(
      '‘Clock set forward and back’ what is due by the new time runs, and nothing waits for the old one',
      { timeout: 240_000 },
      async () => {
        await using other = await FaultWorld.open(plane, slapd, { people: 5 });
        const clock = await settableClock(other.folder);
        await other.apply();
        const working = await other.start({ env: clock.env });
        await other.settled();
        const due = async (people: number, seconds: number): Promise<number> => {
          other.writePeople(people);
          const at = performance.now();
          clock.set(seconds);
          await vi.waitFor(async () => expect((await other.writes()).length).toBe(people), {
            ...PATIENCE,
            timeout: 100_000,
          });
          await other.settled();
          return (performance.now() - at) / 1_000;
        };
        const forward = await due(7, 7_200);
        // Four hours back: by the letter the next run would be due in five.
        clock.set(-7_200);
        await sleep(LOOKED_AGAIN_MS);
        const back = await due(9, -7_200 + 3_960);
        other.writePeople(10);
        await other.request('to-directory', 'later');
        await other.settled(({ status }) => status?.lastHandledRequest === 'later');
        expect((await other.writes()).length).toBe(10);
        expect(working.hasEnded).toBe(false);
        expect(working.log).not.toMatch(/unhandled|Run crashed|"level":"error"/i);
        recordFault({
          fault: 'Clock set forward and back',
          injected:
            'the clock of the operator jumps by two hours, then four hours back; an interval is one hour',
          holds:
            'a run that is due by the new time begins, one that was due by the old time is not waited for',
          seconds: Math.max(forward, back),
        });
      },
    );
});
