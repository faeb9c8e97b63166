/**
 * The program is killed with SIGKILL before and after every kind of thing that it does to the world – a read or write of a
 * file, a call of the store, a message to the directory – and run again: the end is that of an undisturbed run, nothing
 * is done twice, and the budgets count both.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFault } from '../support/fault-report.ts';
import { Folder, header, PROGRAM, rollcall, type DocumentOf } from '../support/rollcall.ts';
import { carriedOut } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const HOOK = new URL('../support/kill-at.ts', import.meta.url).pathname;
const COMPILED = mkdtempSync(join(tmpdir(), 'rollcall-killed-'));
/** Eight are there, with another name; two strangers are to be deleted, twelve people to be made. */
const [PEOPLE, EXISTING, STRANGERS] = [20, 8, 2];
const NAMES = Array.from({ length: PEOPLE }, (_, at) => `u${String(at).padStart(3, '0')}`);

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(async () => {
  await slapd.stop();
  rmSync(COMPILED, { recursive: true });
});

/** Long work says where it is. */
const PROGRESS = /^.*Roll call in progress.*\n/gm;

interface Scenario {
  readonly name: string;
  readonly points: number;
  /** A new folder, ready for the run. */
  readonly open: () => Promise<Folder>;
  /** What the target holds, in an order of its own. */
  readonly target: (folder: Folder) => Promise<readonly string[]> | readonly string[];
  /** What was done to it, as others have seen it. */
  readonly deeds: (folder: Folder) => readonly string[];
}

interface End {
  readonly target: readonly string[];
  readonly deeds: readonly string[];
  readonly store: unknown;
  readonly look: unknown;
}

/** Resolves with the signal that ended it, or its exit code. */
function killed(
  folder: Folder,
  env: Readonly<Record<string, string>>,
): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, 'run', folder.path], {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...env },
  });
  return new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
}

async function endOf(folder: Folder, { target, deeds }: Scenario): Promise<End> {
  const last = JSON.parse((await rollcall(['run', folder.path, '-o', 'json'])).stdout) as DocumentOf;
  const left = readdirSync(folder.path).filter((name) => name.endsWith('.tmp'));
  return {
    target: [...(await target(folder)), ...left].toSorted(),
    deeds: deeds(folder).toSorted(),
    store: storeOf(folder),
    look: last.runs.map(({ outcome, totals }) => [outcome, { ...totals, planDigest: '' }]),
  };
}

/** What counts against the budgets, what is linked, and what is unfinished. */
function storeOf(folder: Folder): unknown {
  using database = new DatabaseSync(join(folder.path, '.rollcall', 'rollcall.db'), { readOnly: true });
  const all = (sql: string): unknown[] => database.prepare(sql).all();
  return {
    integrity: all('PRAGMA integrity_check'),
    intents: all('SELECT * FROM intents'),
    links: all('SELECT source_id FROM links ORDER BY mapping, source_id'),
    spent: all(
      'SELECT side, effect, attribute, sum(count) AS count FROM spent GROUP BY side, effect, attribute ORDER BY 1, 2, 3',
    ),
    isCurrent: all('PRAGMA user_version'),
  };
}

const head = (kind: string, name: string): string => `${header(kind, name)}\nspec:\n`;
const COMMON = [
  `${head('ManagedSystem', 'hr')}  type: CSV\n  csv: {}\n  objects: [ { name: employee, type: User, id: uid, csv: { path: people.csv } } ]\n`,
  `${head('SituationPolicy', 'tidy')}  rules: [ { name: stray, situations: [Unassigned], response: DeleteTarget } ]\n`,
];
const mapping = (attributes: string): string =>
  `${head('ReconMapping', 'map')}  source: { systemRef: { name: hr }, object: employee }
  target: { systemRef: { name: target }, object: account }
  policyRef: { name: tidy }
  mode: Enforce
  correlate: [ { source: uid, target: uid } ]
  attributes:\n${attributes}`;
const people = (suffix: string, names: readonly string[] = NAMES): string =>
  ['uid,name', ...names.map((name) => `${name},${name} ${suffix}`), ''].join('\n');
const OLD = [...NAMES.slice(0, EXISTING), ...Array.from({ length: STRANGERS }, (_, at) => `stranger${at}`)];
const PLAIN = '    - { target: uid, from: uid }\n    - { target: name, from: name }\n';

const toCsv: Scenario = {
  name: 'a CSV target',
  points: 80,
  open: () => {
    const system = `${head('ManagedSystem', 'target')}  type: CSV\n  csv: {}\n  access: ReadWrite\n  objects: [ { name: account, type: User, id: uid, csv: { path: target.csv } } ]\n`;
    return Promise.resolve(
      new Folder({
        'm.yaml': [...COMMON, system, mapping(PLAIN)].join('---\n'),
        'people.csv': people('new'),
        'target.csv': people('old', OLD),
      }),
    );
  },
  target: (folder) => folder.read('target.csv').split('\n'),
  deeds: () => [],
};

const hub = `${head('ManagedSystem', 'target')}  type: Repository\n  repository: {}\n  access: ReadWrite\n  objects: [ { name: account, type: User, id: uid, attributes: [ { name: name } ] } ]\n`;
const toRepository: Scenario = {
  name: 'a Repository',
  points: 70,
  open: async () => {
    const folder = new Folder({
      'm.yaml': [...COMMON, hub, mapping(PLAIN)].join('---\n'),
      'people.csv': people('new'),
    });
    cpSync((await settledHub()).path, folder.path, {
      recursive: true,
      filter: (file) => !file.endsWith('.csv'),
    });
    return folder;
  },
  target: (folder) => {
    using database = new DatabaseSync(join(folder.path, '.rollcall', 'rollcall.db'), { readOnly: true });
    const rows = database.prepare('SELECT id, attributes, deleted_at IS NULL AS there FROM objects').all();
    return rows.map((row) => JSON.stringify(row));
  },
  deeds: () => [],
};

/** More than become true at once. */
const MANY = Array.from({ length: 5_000 }, (_, at) => `m${String(at).padStart(5, '0')}`);
const toEmptyRepository: Scenario = {
  ...toRepository,
  name: 'an empty Repository',
  points: 24,
  open: () =>
    Promise.resolve(
      new Folder({
        'm.yaml': [...COMMON, hub, mapping(PLAIN)].join('---\n'),
        'people.csv': people('new', MANY),
      }),
    ),
};

/** Objects that are there before; it was made by a version of the store that knew less. */
let beforehand: Promise<Folder> | undefined;
function settledHub(): Promise<Folder> {
  beforehand ??= (async () => {
    const folder = new Folder({ 'm.yaml': [...COMMON, hub, mapping(PLAIN)].join('---\n') });
    for (const name of OLD) {
      folder.write('object.json', JSON.stringify({ name: `${name} old` }));
      await folder.run(
        'objects',
        'DIR',
        'target',
        'account',
        'put',
        name,
        '--file',
        join(folder.path, 'object.json'),
      );
    }
    rmSync(join(folder.path, 'object.json'));
    using database = new DatabaseSync(join(folder.path, '.rollcall', 'rollcall.db'));
    // As the first schema left it: the way back from the migrations since.
    database.exec(`DROP TABLE hand_acts; DROP TABLE link_books; DROP TABLE link_pages;
      DROP TRIGGER links_added; DROP TRIGGER links_changed; DROP TRIGGER links_removed;
      DROP TABLE unlinked_books; DROP TABLE unlinked_pages; ALTER TABLE runs DROP COLUMN repeats;
      ALTER TABLE entries DROP COLUMN kind; DROP TABLE record_kinds;
      DROP TABLE intents;
      CREATE TABLE intents (id TEXT PRIMARY KEY, mapping INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
      CREATE INDEX intents_mapping ON intents (mapping, number);
      PRAGMA user_version = 1;`);
    return folder;
  })();
  return beforehand;
}

let units = 0;
const baseOf = (folder: Folder): string => /base: '([^']+)'/.exec(folder.read('m.yaml'))?.[1] ?? '';
const toDirectory: Scenario = {
  name: 'an LDAP directory',
  points: 90,
  open: async () => {
    const base = `ou=k${++units},${slapd.suffix}`;
    const entries = OLD.map(
      (uid) => `dn: uid=${uid},${base}\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid} old\nsn: old\n`,
    );
    await slapd.run(
      'ldapadd',
      [],
      [`dn: ${base}\nobjectClass: organizationalUnit\nou: k${units}\n`, ...entries].join('\n'),
    );
    const ldap = `{ base: '${base}', filter: '(objectClass=inetOrgPerson)', objectClasses: [top, person, organizationalPerson, inetOrgPerson] }`;
    const system = `${head('ManagedSystem', 'target')}  type: LDAP
  ldap: { url: '${slapd.url}', tls: { mode: Disabled }, bind: { secretRef: { name: bind } } }
  access: ReadWrite
  objects: [ { name: account, type: User, id: entryUUID, ldap: ${ldap} } ]\n`;
    const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: bind }\nstringData: { dn: '${slapd.adminDn}', password: '${slapd.adminPassword}' }\n`;
    const rules = `    - { target: dn, rdn: { attribute: uid, expression: source.uid }, parent: "'${base}'" }\n    - { target: cn, from: name }\n    - { target: sn, from: name }\n`;
    return new Folder({
      'm.yaml': [...COMMON, system, secret, mapping(rules)].join('---\n'),
      'people.csv': people('new'),
    });
  },
  target: async (folder) => {
    const base = baseOf(folder);
    const text = await slapd.run('ldapsearch', [
      '-LLL',
      '-o',
      'ldif-wrap=no',
      '-b',
      base,
      '(objectClass=inetOrgPerson)',
      '*',
    ]);
    return text
      .replaceAll(base, 'BASE')
      .split('\n\n')
      .map((entry) => entry.split('\n').toSorted().join('|'));
  },
  deeds: (folder) => {
    const base = baseOf(folder);
    return (['ADD', 'MOD', 'MODRDN', 'DEL'] as const).flatMap((op) =>
      carriedOut(slapd.folder, op).flatMap((dn) =>
        dn.startsWith('uid=') && dn.endsWith(`,${base}`) ? [`${op} ${dn.replace(base, 'BASE')}`] : [],
      ),
    );
  },
};

describe.each([toCsv, toRepository, toEmptyRepository, toDirectory])('on the way to $name', (scenario) => {
  let undisturbed: End;
  let steps = 0;
  let kills = 0;

  beforeAll(async () => {
    using folder = await scenario.open();
    const list = join(folder.path, 'steps');
    expect(await killed(folder, { ROLLCALL_KILL_LIST: list })).toBe(0);
    steps = readFileSync(list, 'utf8').split('\n').length - 1;
    rmSync(list);
    undisturbed = await endOf(folder, scenario);
    const unwanted = / old|stranger.*"there":1|uid: stranger/;
    expect(undisturbed.target.filter((line) => unwanted.test(line))).toEqual([]);
  }, 60_000);

  describe.concurrent('killed', () => {
    it.each(Array.from({ length: scenario.points }, (_, at) => at + 1))(
      `at step %i of ${scenario.points} of the way`,
      { timeout: 120_000 },
      async (point) => {
        using folder = await scenario.open();
        const at = Math.ceil((point * steps) / (scenario.points + 1));
        const ended = await killed(folder, { ROLLCALL_KILL_AT: String(at) });
        if (ended === 'SIGKILL') kills++;
        const again = await rollcall(['run', folder.path]);
        expect([again.exitCode, again.stderr.replaceAll(PROGRESS, '')]).toEqual([0, '']);
        expect(await endOf(folder, scenario)).toEqual(undisturbed);
      },
    );
  });

  it('nearly every one of them was really killed', () => {
    expect(kills).toBeGreaterThanOrEqual(scenario.points - 5);
    recordFault({
      fault: `Program killed on the way to ${scenario.name}`,
      injected: `SIGKILL at ${scenario.points} of the ${steps} steps of a run: before and after calls of files, sockets and the store, migrations among them`,
      holds: 'the end is that of an undisturbed run, nothing is done twice, and the budgets count both runs',
    });
  });
});
