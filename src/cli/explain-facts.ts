/** What is known of one entry and of its partner, before anything is decided: is it there, in scope, linked, protected. */
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import { sideOf, type Definition } from '../engine/definition.ts';
import type { Entry } from '../engine/entry.ts';
import { ConnectorError } from '../engine/errors.ts';
import { keyOfId } from '../engine/matching.ts';
import type { Fetched, StoredLink } from '../engine/ports.ts';
import { openMapping, type OpenedMapping } from '../runner/open-mapping.ts';
import { SqliteLinks } from '../store/links.ts';
import { findMapping as mappingRow } from '../store/mappings.ts';
import type { State } from '../store/state.ts';
import { candidatesOf, type Candidates } from './candidates.ts';
import { findEntry, notFound } from './find-entry.ts';
import type { Project } from './project.ts';
import { systemClock } from './roll-call.ts';
import { protection, unfitness } from './standing.ts';

export type Side = 'Source' | 'Target';

export interface EntryFacts {
  readonly side: Side;
  readonly id: string;
  readonly name: string | undefined;
  /** A clause that goes on after "the entry". */
  readonly is: string;
}

export interface Facts {
  readonly side: Side;
  /** Of the entry that was asked for; what was asked where no entry is so. */
  readonly id: string;
  readonly entries: readonly EntryFacts[];
  readonly link: StoredLink | undefined;
  /** Of a source entry that is there and has no link. */
  readonly candidates: Candidates | undefined;
}

export interface FactsInput {
  readonly one: LinkedMapping;
  readonly project: Project;
  readonly state: State;
  readonly side: Side;
  readonly asked: string;
}

/** Undefined: no definition comes of the mapping, or a system cannot be reached. */
export async function factsOf(
  input: FactsInput,
  signal: AbortSignal,
): Promise<Facts | { readonly several: string } | undefined> {
  const { one, project, state } = input;
  const { expressions, manifests } = project;
  const options = { expressions, references: manifests, state, clock: systemClock };
  try {
    await using opened = await openMapping(one, options, signal);
    if (opened.parsed.kind === 'Invalid') return undefined;
    return await new FactFinder(input, opened, opened.parsed.definition).find(signal);
  } catch (error) {
    if (error instanceof ConnectorError) return undefined;
    throw error;
  }
}

class FactFinder {
  readonly #input: FactsInput;
  readonly #opened: OpenedMapping;
  readonly #definition: Definition;

  constructor(input: FactsInput, opened: OpenedMapping, definition: Definition) {
    this.#input = input;
    this.#opened = opened;
    this.#definition = definition;
  }

  async find(signal: AbortSignal): Promise<Facts | { readonly several: string }> {
    const { side, asked } = this.#input;
    const known = this.#linkOf(side, asked);
    const found = await findEntry(
      { definition: this.#definition, side, session: this.#session(side), asked },
      signal,
    );
    if (found.kind === 'Several') return { several: notFound(found, asked, sideOf(this.#definition, side)) };
    const id = found.kind === 'There' ? found.entry.id : asked;
    const link = known ?? this.#linkOf(side, id);
    const own = await this.#look(side, id, signal);
    if (!link) {
      const candidates = found.kind === 'There' ? await this.#candidates(found.entry, signal) : undefined;
      return { side, id, entries: [own], link, candidates };
    }
    const other = side === 'Source' ? 'Target' : 'Source';
    const partner = await this.#look(other, other === 'Source' ? link.sourceId : link.targetId, signal);
    const entries = side === 'Source' ? [own, partner] : [partner, own];
    return { side, id, entries, link, candidates: undefined };
  }

  async #candidates(entry: Entry, signal: AbortSignal): Promise<Candidates | undefined> {
    if (this.#input.side === 'Target') return undefined;
    const now = systemClock.now();
    return candidatesOf(entry, { definition: this.#definition, target: this.#opened.target, now }, signal);
  }

  #session(side: Side): OpenedMapping['source'] {
    return side === 'Source' ? this.#opened.source : this.#opened.target;
  }

  #linkOf(side: Side, id: string): StoredLink | undefined {
    const { state, one } = this.#input;
    const row = mappingRow(state.database, one.key);
    if (row === undefined) return undefined;
    const links = new SqliteLinks(state.database, row);
    const key = keyOfId(id, sideOf(this.#definition, side).schema);
    return side === 'Source' ? links.bySource(key) : links.byTarget(key);
  }

  async #look(side: Side, id: string, signal: AbortSignal): Promise<EntryFacts> {
    const { request } = sideOf(this.#definition, side);
    for await (const answer of this.#session(side).fetch([id], request, signal)) {
      const name = answer.kind === 'There' ? answer.entry.name : undefined;
      return { side, id, name, is: this.#judge(side, answer) };
    }
    return { side, id, name: undefined, is: 'is not there' };
  }

  #judge(side: Side, answer: Fetched): string {
    const own = sideOf(this.#definition, side);
    if (answer.kind === 'NotThere') return `is not there: ${own.system} has no entry with this id`;
    if (answer.kind === 'Failed') return `cannot be judged: ${answer.error.message}`;
    const look = { ...answer, now: systemClock.now(), digest: this.#input.state.digest };
    const problem = unfitness(own, look);
    if (problem !== undefined) return `is there, but ${problem}`;
    const rule = protection(own, look);
    return rule === undefined
      ? 'is there, and in scope'
      : `is there, in scope, and protected by ${rule}: it is never written`;
  }
}
