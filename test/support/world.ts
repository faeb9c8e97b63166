/**
 * Two systems in memory, a mapping between them, a policy and a state: everything that a run needs, built from
 * the same objects that a manifest holds, on the real store and the real expressions.
 */
import type { ManagedSystem } from '../../src/api/managed-system.ts';
import type { ReconMapping } from '../../src/api/recon-mapping.ts';
import type { SituationPolicy } from '../../src/api/situation-policy.ts';
import { parseDefinition } from '../../src/controller/definition.ts';
import type { SideInput } from '../../src/controller/definition-side.ts';
import type { Definition } from '../../src/engine/definition.ts';
import type { AttributeSchema, Entry, ObjectSchema } from '../../src/engine/entry.ts';
import type { SpoolForm, StoredLink } from '../../src/engine/ports.ts';
import type { EntryRecord } from '../../src/engine/entry-record.ts';
import { run } from '../../src/engine/run.ts';
import type { RunPorts, RunRequest, RunResult } from '../../src/engine/run-ports.ts';
import { CelExpressions } from '../../src/expressions/cel.ts';
import { Approvals } from '../../src/store/approvals.ts';
import { Database } from '../../src/store/database.ts';
import { keyedDigest } from '../../src/store/key.ts';
import { mappingRow } from '../../src/store/mappings.ts';
import { SqliteMemory, type MappingEnds } from '../../src/store/memory.ts';
import { Records } from '../../src/store/records.ts';
import { Runs } from '../../src/store/runs.ts';
import { FileSpool } from '../../src/store/spool.ts';
import { MemorySide, type MemorySideOptions } from './memory-side.ts';

type Spec = ReconMapping['spec'];
export type Rule = SituationPolicy['spec']['rules'][number];
/** Attributes by name; one value or several. `name` in a schema with names is the entry's name. */
export type Row = { readonly id: string; readonly dn?: string } & Readonly<
  Record<string, string | readonly string[] | undefined>
>;

const EXPRESSIONS = new CelExpressions();
const DIGEST = keyedDigest('k'.repeat(64));
export const HOUR_MS = 3_600_000;

function attribute(name: string, more: Partial<AttributeSchema> = {}): AttributeSchema {
  return {
    name,
    type: 'String',
    match: 'Exact',
    values: 'Single',
    writeOnly: false,
    sensitive: false,
    readOnly: false,
    ...more,
  };
}

const ATTRIBUTES: readonly AttributeSchema[] = [
  attribute('id'),
  attribute('key', { values: 'Either', match: 'IgnoreCase' }),
  attribute('other', { values: 'Multi' }),
  attribute('title'),
  attribute('phone'),
  attribute('code'),
  attribute('tags', { values: 'Multi' }),
  attribute('scope'),
  attribute('gone'),
  attribute('state'),
  attribute('password', { writeOnly: true, sensitive: true }),
];

export function schemaOf(more: Partial<ObjectSchema> = {}): ObjectSchema {
  const attributes = new Map(ATTRIBUTES.map((one) => [one.name, one]));
  if (more.name !== undefined)
    attributes.set(more.name, attribute(more.name, { match: 'DistinguishedName' }));
  return { id: 'id', idChosenBy: 'System', name: undefined, attributes, ignoreCaseInNames: false, ...more };
}

export function entryOf({ id, dn, ...rest }: Row): Entry {
  const attributes = Object.entries(rest).flatMap(([name, value]): [string, readonly string[]][] => {
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return values.length === 0 ? [] : [[name, values]];
  });
  return { id, name: dn, attributes: new Map(attributes) };
}

function rowOf(entry: Entry): Row {
  const attributes = [...entry.attributes].map(([name, values]): [string, string | string[]] => {
    const texts = values.map(String);
    return [name, texts.length === 1 ? (texts[0] ?? '') : texts];
  });
  const named = entry.name === undefined ? {} : { dn: entry.name };
  return {
    id: entry.id,
    ...named,
    ...Object.fromEntries(attributes.toSorted(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/** What several mappings have in common: the database, the clock. */
export class State {
  readonly database: Database = new Database(':memory:');
  now = 1_700_000_000_000;
  ids = 0;

  constructor() {
    this.database.migrate();
  }
}

export interface WorldOptions {
  readonly name?: string;
  readonly state?: State;
  readonly source?: MemorySide | readonly Row[];
  readonly target?: MemorySide | readonly Row[];
  readonly sourceOptions?: Partial<MemorySideOptions>;
  readonly targetOptions?: Partial<MemorySideOptions>;
  readonly spec?: Omit<Partial<Spec>, 'source' | 'target' | 'guards'> & {
    readonly guards?: Partial<Spec['guards']>;
  };
  readonly sourceSpec?: Partial<Spec['source']>;
  readonly targetSpec?: Partial<Spec['target']>;
  readonly rules?: readonly Rule[];
  readonly siblings?: readonly string[];
  readonly protect?: readonly string[];
  /** Without an account state declared. */
  readonly stateless?: boolean;
  readonly secret?: (name: string, key: string) => string | undefined;
}

const EFFECTS = ['Create', 'Update', 'Clear', 'Rename', 'Disable', 'Delete', 'RemoveMember'] as const;
/** So large that nothing is ever held by a budget. */
const LOOSE_BUDGETS: NonNullable<Spec['guards']['budgets']> = EFFECTS.map((effect) => ({
  effect,
  maxPercent: 100,
  minCount: 1_000_000,
}));

export interface Report extends RunResult {
  readonly records: readonly EntryRecord[];
}

export class World {
  readonly state: State;
  readonly source: MemorySide;
  readonly target: MemorySide;
  readonly mapping: string;
  readonly #row: number;
  readonly #ends: MappingEnds;
  options: WorldOptions;
  progress: RunPorts['progress'] = () => undefined;
  #parsed: { readonly options: WorldOptions; readonly definition: Definition } | undefined;

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.state = options.state ?? new State();
    this.source = sideFrom(options.source, {
      schema: schemaOf({ idChosenBy: 'Writer' }),
      ...options.sourceOptions,
    });
    this.target = sideFrom(options.target, { schema: schemaOf(), ...options.targetOptions });
    const name = options.name ?? 'people';
    this.mapping = `default/${name}`;
    this.#ends = {
      sourceSystem: `default/from-${name}`,
      sourceObject: 'person',
      targetSystem: 'default/to',
      targetObject: 'account',
    };
    this.#row = mappingRow(
      this.state.database,
      { name: this.mapping, ends: this.#ends, linksFrom: undefined },
      this.state.now,
    );
  }

  /** Changes the mapping's spec or the policy, as an edit in Git would. */
  edit(more: WorldOptions): void {
    this.options = { ...this.options, ...more };
  }

  definition(): Definition {
    const { options } = this;
    if (this.#parsed?.options === options) return this.#parsed.definition;
    const definition = this.#parse(options);
    this.#parsed = { options, definition };
    return definition;
  }

  #parse(options: WorldOptions): Definition {
    const parsed = parseDefinition({
      mapping: mappingOf(options, this.mapping.slice('default/'.length)),
      source: sideInput(this.#ends.sourceSystem, 'person', this.source.schema, { ...options, protect: [] }),
      target: sideInput(this.#ends.targetSystem, 'account', this.target.schema, options),
      policy: options.rules && policyOf(options.rules),
      expressions: EXPRESSIONS,
      secret: options.secret ?? (() => undefined),
      siblings: options.siblings ?? [],
      digest: DIGEST,
    });
    if (parsed.kind === 'Parsed') return parsed.definition;
    throw new Error(parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  }

  async run(request: Partial<RunRequest> = {}, signal = new AbortController().signal): Promise<Report> {
    const { state } = this;
    const definition = this.definition();
    const runs = new Runs(state.database);
    const mode = definition.mode;
    const id = `run-${++state.ids}`;
    const sequence = runs.begin({ id, mapping: this.#row, mode, startedAt: state.now });
    using entries = new Spools();
    const result = await run(
      definition,
      {
        sequence,
        effect: mode === 'Enforce' ? 'Apply' : 'Observe',
        recordsAll: true,
        inFull: false,
        only: undefined,
        ...request,
      },
      {
        source: this.source,
        target: this.target,
        memory: this.memory(sequence),
        digest: DIGEST,
        clock: { now: () => state.now },
        newSpool: (form) => entries.make(form, sequence),
        newId: () => `intent-${++state.ids}`,
        progress: (progress) => this.progress(progress),
      },
      signal,
    );
    const finishedAt = state.now;
    runs.finish(sequence, {
      finishedAt,
      outcome: result.outcome,
      sourceComplete: result.source.evidence.complete,
      body: {},
    });
    return { ...result, records: [...new Records(state.database, sequence).all()] };
  }

  memory(sequence = 0): SqliteMemory {
    return new SqliteMemory(this.state.database, {
      mapping: this.#row,
      ends: this.#ends,
      run: sequence,
      forgottenBefore: 0,
    });
  }

  approve(digest: string): boolean {
    return new Approvals(this.state.database, this.#row).approve(digest, 'somebody', this.state.now);
  }

  link(sourceId: string, targetId: string, more: Partial<StoredLink> = {}): void {
    this.memory().links.put({
      sourceId,
      targetId,
      sourceKey: this.source.keyOf(sourceId),
      targetKey: this.target.keyOf(targetId),
      sourcePrint: undefined,
      targetPrint: undefined,
      settledIn: undefined,
      agreed: new Map(),
      linkedAt: this.state.now,
      ...more,
    });
  }

  /** `source→target`, sorted. */
  links(): string[] {
    const { links } = this.memory();
    return [...links.heads()].map((head) => {
      const link = links.bySource(head.sourceKey);
      return `${link?.sourceId}→${link?.targetId}`;
    });
  }

  targets(): Row[] {
    return [...this.target.entries.values()].map(rowOf);
  }

  sources(): Row[] {
    return [...this.source.entries.values()].map(rowOf);
  }
}

/** The records of a run as sentences: row, situation, response, outcome, pair. */
export function sentences({ records }: Pick<Report, 'records'>): string[] {
  return records.map(sentence);
}

function sentence(record: EntryRecord): string {
  const { row, situation, response, outcome, source, target, held, error } = record;
  const because = held ? ` by ${held.by}` : error ? ` ${error.code}` : '';
  return `${row ?? '-'} ${situation ?? '-'} ${response ?? '-'} ${outcome}${because} ${source ?? '-'}→${target ?? '-'}`;
}

function sideFrom(side: WorldOptions['source'], options: MemorySideOptions): MemorySide {
  if (side instanceof MemorySide) return side;
  return new MemorySide({ ...options, entries: (side ?? []).map(entryOf) });
}

function sideInput(system: string, object: string, schema: ObjectSchema, options: WorldOptions): SideInput {
  const stated = options.stateless ? {} : { state: { attribute: 'state', disabled: 'off', enabled: 'on' } };
  const described = { name: object, type: 'User', id: schema.id, ...stated };
  const managed: ManagedSystem = {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ManagedSystem',
    metadata: { name: system.slice('default/'.length), namespace: 'default' },
    spec: {
      type: 'Repository',
      repository: {},
      access: 'ReadWrite',
      protect: [...(options.protect ?? [])],
      limits: { writesInFlight: 8 },
      objects: [described],
    },
  };
  return { system: managed, object: described, schema };
}

function mappingOf(options: WorldOptions, name: string): ReconMapping {
  const { guards, ...spec } = options.spec ?? {};
  return {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ReconMapping',
    metadata: { name, namespace: 'default' },
    spec: {
      source: { systemRef: { name: `from-${name}` }, object: 'person', ...options.sourceSpec },
      target: { systemRef: { name: 'to' }, object: 'account', ...options.targetSpec },
      mode: 'Enforce',
      suspend: false,
      correlate: [{ source: 'key', target: 'key' }],
      attributes: [
        { target: 'key', from: 'key' },
        { target: 'title', from: 'title' },
      ],
      guards: {
        budgets: LOOSE_BUDGETS,
        window: '24h',
        maxShrinkPercent: 100,
        onExceeded: 'HoldKind',
        ...guards,
      },
      ...spec,
    },
  };
}

function policyOf(rules: readonly Rule[]): SituationPolicy {
  return {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'SituationPolicy',
    metadata: { name: 'policy', namespace: 'default' },
    spec: { rules: [...rules] },
  };
}

/** Closes every spool of a run. */
class Spools implements Disposable {
  readonly #all: Disposable[] = [];

  /** In every other run whatever is spooled goes through the file. */
  make<T>(form: SpoolForm<T>, run: number): FileSpool<T> {
    const spool = run % 2 === 0 ? new FileSpool(form, 0) : new FileSpool(form);
    this.#all.push(spool);
    return spool;
  }

  [Symbol.dispose](): void {
    for (const spool of this.#all) spool[Symbol.dispose]();
  }
}
