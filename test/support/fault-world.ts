/** One namespace of an API server, one branch of a directory and one volume: what an operator works on while things go wrong. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReconMapping } from '../../src/api/recon-mapping.ts';
import type { ControlPlane } from './control-plane.ts';
import { Operator, SYSTEM_NAMESPACE, type OperatorOptions } from './operator.ts';
import type { Slapd } from './slapd.ts';

const API = '/apis/rollcall.dev/v1alpha1/namespaces';
const RIGHTS = '/apis/rbac.authorization.k8s.io/v1/namespaces';
let worlds = 0;

export interface FaultWorldOptions {
  /** Another way to the directory. */
  readonly ldapUrl?: string;
  readonly writesPerSecond?: number;
  readonly people?: number;
  /** The first of them have an account already, and it has another name. */
  readonly existing?: number;
  readonly interval?: string;
  /** Also a mapping into a Repository. */
  readonly hub?: boolean;
  readonly ldapUser?: { readonly dn: string; readonly password: string };
}

export class FaultWorld implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly slapd: Slapd;
  readonly namespace: string;
  readonly folder: string;
  readonly base: string;
  readonly #options: FaultWorldOptions;
  readonly #operators: Operator[] = [];

  private constructor(plane: ControlPlane, slapd: Slapd, options: FaultWorldOptions) {
    this.plane = plane;
    this.slapd = slapd;
    this.namespace = `world-${String(process.pid)}-${String(++worlds)}`;
    this.folder = mkdtempSync(join(tmpdir(), 'rollcall-faults-'));
    this.base = `ou=${this.namespace},${slapd.suffix}`;
    this.#options = options;
  }

  /** The people are in the file and some of them in the directory; nothing is applied yet. */
  static async open(plane: ControlPlane, slapd: Slapd, options: FaultWorldOptions = {}): Promise<FaultWorld> {
    const world = new FaultWorld(plane, slapd, options);
    await plane.request('POST', '/api/v1/namespaces', { metadata: { name: world.namespace } });
    await world.#grantLease();
    const accounts = Array.from({ length: options.existing ?? 0 }, (_, at) =>
      [
        `dn: uid=${uid(at)},${world.base}`,
        'objectClass: inetOrgPerson',
        `uid: ${uid(at)}`,
        `cn: Old ${at}`,
        `sn: Old ${at}`,
      ].join('\n'),
    );
    const unit = `dn: ${world.base}\nobjectClass: organizationalUnit\nou: ${world.namespace}`;
    await slapd.run('ldapadd', [], [unit, ...accounts, ''].join('\n\n'));
    world.writePeople(options.people ?? 12);
    return world;
  }

  /** Each world has a lease of its own, which the chart's account may not hold. */
  async #grantLease(): Promise<void> {
    const rule = {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['create', 'get', 'update'],
    };
    const path = `${RIGHTS}/${this.namespace}`;
    await this.plane.request('POST', `${path}/roles`, { metadata: { name: 'lease' }, rules: [rule] });
    await this.plane.request('POST', `${path}/rolebindings`, {
      metadata: { name: 'lease' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'lease' },
      subjects: [{ kind: 'ServiceAccount', name: 'rollcall', namespace: SYSTEM_NAMESPACE }],
    });
  }

  writePeople(count: number): void {
    const rows = Array.from({ length: count }, (_, at) => `${uid(at)},Person ${at}`);
    mkdirSync(join(this.folder, 'data', this.namespace), { recursive: true });
    const file = join(this.folder, 'data', this.namespace, 'people.csv');
    writeFileSync(file, ['uid,name', ...rows, ''].join('\n'));
  }

  async apply(): Promise<void> {
    await this.put('Secret', 'bind', this.#secret());
    for (const { kind, name, spec } of this.#manifests()) await this.put(kind, name, { spec });
  }

  /** Server-side apply as the administrator. */
  async put(kind: string, name: string, content: object): Promise<void> {
    const path = this.path(kind, name);
    const apiVersion = kind === 'Secret' ? 'v1' : 'rollcall.dev/v1alpha1';
    const object = { apiVersion, kind, metadata: { name, namespace: this.namespace }, ...content };
    const query = '?fieldManager=test&force=true';
    const { status, body } = await this.plane.request(
      'PATCH',
      path + query,
      object,
      'application/apply-patch+yaml',
    );
    if (status >= 300) throw new Error(`${kind} ${name}: ${JSON.stringify(body)}`);
  }

  async remove(kind: string, name: string): Promise<void> {
    await this.plane.request('DELETE', this.path(kind, name));
  }

  path(kind: string, name: string): string {
    if (kind === 'Secret') return `/api/v1/namespaces/${this.namespace}/secrets/${name}`;
    return `${API}/${this.namespace}/${kind.toLowerCase()}s/${name}`;
  }

  async putSecret(): Promise<void> {
    await this.put('Secret', 'bind', this.#secret());
  }

  /** Asks for a run as a person does. */
  async request(mapping: string, token: string): Promise<void> {
    const patch = { metadata: { annotations: { 'rollcall.dev/run-requested-at': token } } };
    await this.plane.request(
      'PATCH',
      this.path('ReconMapping', mapping),
      patch,
      'application/merge-patch+json',
    );
  }

  #secret(): object {
    const { slapd } = this;
    const { dn, password } = this.#options.ldapUser ?? { dn: slapd.adminDn, password: slapd.adminPassword };
    return { stringData: { dn, password } };
  }

  #manifests(): { kind: string; name: string; spec: object }[] {
    const { ldapUrl = this.slapd.url, writesPerSecond, hub = false, interval = '1h' } = this.#options;
    const side = (name: string, object: string): object => ({ systemRef: { name }, object });
    const mapping = (target: string, attributes: object[]): object => ({
      source: side('hr', 'employee'),
      target: side(target, 'account'),
      mode: 'Enforce',
      interval,
      correlate: [{ source: 'uid', target: 'uid' }],
      attributes,
    });
    const csv = { name: 'employee', type: 'User', id: 'uid', csv: { path: 'people.csv' } };
    const classes = ['top', 'person', 'organizationalPerson', 'inetOrgPerson'];
    const ldap = { base: this.base, filter: '(objectClass=inetOrgPerson)', objectClasses: classes };
    const toDirectory = mapping('directory', [
      { target: 'dn', rdn: { attribute: 'uid', expression: 'source.uid' }, parent: `'${this.base}'` },
      { target: 'cn', from: 'name' },
      { target: 'sn', from: 'name' },
    ]);
    const toHub = mapping('hub', [
      { target: 'uid', from: 'uid' },
      { target: 'name', from: 'name' },
    ]);
    return [
      { kind: 'ManagedSystem', name: 'hr', spec: { type: 'CSV', csv: {}, objects: [csv] } },
      {
        kind: 'ManagedSystem',
        name: 'directory',
        spec: {
          type: 'LDAP',
          access: 'ReadWrite',
          ldap: { url: ldapUrl, tls: { mode: 'Disabled' }, bind: { secretRef: { name: 'bind' } } },
          limits: writesPerSecond === undefined ? {} : { writesPerSecond },
          objects: [{ name: 'account', type: 'User', id: 'entryUUID', ldap }],
        },
      },
      { kind: 'ReconMapping', name: 'to-directory', spec: toDirectory },
      ...(hub
        ? [
            {
              kind: 'ManagedSystem',
              name: 'hub',
              spec: {
                type: 'Repository',
                repository: {},
                access: 'ReadWrite',
                objects: [{ name: 'account', type: 'User', id: 'uid', attributes: [{ name: 'name' }] }],
              },
            },
            { kind: 'ReconMapping', name: 'to-hub', spec: toHub },
          ]
        : []),
    ];
  }

  get mappings(): string[] {
    return this.#options.hub ? ['to-directory', 'to-hub'] : ['to-directory'];
  }

  async start(options: Omit<OperatorOptions, 'folder'> = {}): Promise<Operator> {
    const flags = [
      `--namespaces=${this.namespace}`,
      `--lease-namespace=${this.namespace}`,
      '--probe-interval=5s',
      ...(options.flags ?? []),
    ];
    // Many operators are started: what one has compiled the next need not.
    const env = { NODE_COMPILE_CACHE: join(this.plane.folder, 'compiled'), ...options.env };
    const operator = await Operator.start(this.plane, { ...options, env, flags, folder: this.folder });
    this.#operators.push(operator);
    return operator;
  }

  /** Who held it is dead for certain, so that nobody need wait until it expires. */
  async dropLease(): Promise<void> {
    await this.plane.request(
      'DELETE',
      `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases/rollcall`,
    );
  }

  async mapping(name: string): Promise<ReconMapping> {
    return (await this.plane.request('GET', this.path('ReconMapping', name))).body as ReconMapping;
  }

  /** Resolves with the objects when every mapping has told of its present generation and `enough` holds; each look obeys kstatus. */
  async settled(
    enough: (mapping: ReconMapping) => boolean = () => true,
    within = 60_000,
  ): Promise<ReconMapping[]> {
    const deadline = Date.now() + within;
    for (;;) {
      const seen = await Promise.all(this.mappings.map((name) => this.mapping(name)));
      for (const one of seen) obeysKstatus(one);
      if (seen.every((one) => isSettled(one) && enough(one))) return seen;
      if (Date.now() > deadline)
        throw new Error(
          `not settled: ${JSON.stringify(seen.map(({ status }) => status))}\n${this.lastWords()}`,
        );
      await sleep(100);
    }
  }

  lastWords(): string {
    return this.#operators.map(({ log }) => log.slice(-4_000)).join('\n--\n');
  }

  /** Everything below the branch, without what only the server knows. */
  async entries(): Promise<string[]> {
    const found = await this.slapd.run('ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', '-b', this.base, '*']);
    return found
      .replaceAll(this.base, 'BASE')
      .replaceAll(this.namespace, 'UNIT')
      .split('\n\n')
      .map((entry) => entry.split('\n').toSorted().join('\n'))
      .filter((entry) => entry.trim() !== '')
      .toSorted();
  }

  /** Writes to the branch by the server's own log, the name of the entry behind each. */
  async writes(): Promise<{ readonly op: string; readonly dn: string }[]> {
    const all = await this.slapd.operations();
    return all.flatMap(({ op, dn }) =>
      ['ADD', 'MOD', 'MODRDN', 'DEL'].includes(op) && dn?.startsWith('uid=') && dn.endsWith(this.base)
        ? [{ op, dn }]
        : [],
    );
  }

  /** By the server's log, in order, with the connection each came over. */
  connectionWrites(): { readonly connection: string; readonly op: string; readonly dn: string }[] {
    const log = readFileSync(join(this.slapd.folder, 'log'), 'utf8');
    return [...log.matchAll(/conn=(\d+) op=\d+ (ADD|MOD|MODRDN|DEL) dn="([^"\n]*)"/g)].flatMap(
      ([, connection = '', op = '', dn = '']) =>
        dn.startsWith('uid=') && dn.endsWith(this.base) ? [{ connection, op, dn }] : [],
    );
  }

  /** What every mapping says of its entries when it looks once more, as a person asks it to; it has nothing to do. */
  async secondLook(): Promise<unknown[]> {
    const token = `look-${String(performance.now())}`;
    for (const name of this.mappings) await this.request(name, token);
    const all = await this.settled(({ status }) => status?.lastHandledRequest === token);
    return all.map(({ status }) => ({
      situations: status?.situations,
      totals: status?.totals,
      entries: [status?.lastRun?.sourceEntries, status?.lastRun?.targetEntries],
    }));
  }

  /** The objects of the Repository, as the store has them. */
  objects(): unknown[] {
    return (this.store()['objects'] ?? []).map((row) => {
      const { id, attributes, deleted_at: deletedAt } = row as Record<string, unknown>;
      return { id, attributes, deletedAt };
    });
  }

  /** Every row of every table. */
  store(): Record<string, unknown[]> {
    const database = new DatabaseSync(join(this.folder, 'state', 'rollcall.db'), { readOnly: true });
    try {
      const tables = database
        .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
        .all();
      return Object.fromEntries(
        tables.map(({ name }) => [String(name), database.prepare(`SELECT * FROM ${String(name)}`).all()]),
      );
    } finally {
      database.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const operator of this.#operators) {
      operator.process.kill('SIGCONT');
      await operator[Symbol.asyncDispose]();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function uid(at: number): string {
  return `u${String(at).padStart(4, '0')}`;
}

function conditionOf({ status }: ReconMapping, type: string): string | undefined {
  return status?.conditions?.find((one) => one.type === type)?.status;
}

function isSettled(mapping: ReconMapping): boolean {
  return (
    mapping.status?.observedGeneration === mapping.metadata.generation &&
    conditionOf(mapping, 'Reconciling') !== 'True' &&
    conditionOf(mapping, 'Ready') === 'True'
  );
}

/** At every moment: never ready and at work in one, never ready for what was not looked at. */
function obeysKstatus(mapping: ReconMapping): void {
  const is = (type: string): boolean => conditionOf(mapping, type) === 'True';
  const wrong = (is('Ready') && (is('Reconciling') || is('Stalled'))) || (is('Reconciling') && is('Stalled'));
  const ahead = (mapping.status?.observedGeneration ?? 0) > (mapping.metadata.generation ?? 0);
  if (wrong || ahead) throw new Error(`breaks kstatus: ${JSON.stringify(mapping.status)}`);
}
