/**
 * What the engine needs from the world, and what it expects of whoever provides it. Everything here is
 * declared by its user and fulfilled elsewhere: systems in connectors/, memory in store/, CEL in expressions/. Times
 * are milliseconds since 1970.
 */
import type { Entry, ObjectSchema, Value } from './entry.ts';
import type { EntryRecord } from './entry-record.ts';
import type { ConnectorError } from './errors.ts';
import type { LinkPages } from './link-pages.ts';
import type { Foreseen, RecogniserOf, Unknown } from './recogniser.ts';
import type { UnlinkedPages } from './unlinked-pages.ts';

/** SITUATIONS.md, "Evidence": what a read ends with. */
export interface Evidence {
  readonly complete: 'Yes' | 'Unproved' | 'No';
  /** Who vouches that it saw everything. */
  readonly proof: 'Snapshot' | 'LastPage' | 'RowCount' | 'Trailer' | 'Checksum' | undefined;
  /** One word in PascalCase: why the read counts as No. */
  readonly reason: string | undefined;
  /** For people: what contradicts it, where, and the way out. */
  readonly message: string | undefined;
  /**
   * The listing was a snapshot that cannot have missed an entry (an unchanged file, the Repository), so what it
   * did not list is not there, and looking again is free.
   */
  readonly snapshot: boolean;
  /** Id of the entry that the data end with, without the mark that ends an entry: it may have been cut off. */
  readonly openEnd?: string | undefined;
}

export interface ReadRequest {
  /** Only these attributes need to be filled in; id and name always are. In the schema's spelling. */
  readonly attributes: readonly string[];
  /** The mapping's filter in the system's own language, ANDed with the object's own. */
  readonly filter: string | undefined;
}

/** One answer of a re-read. `listed`: base, scope and filters of the request would list the entry. */
export type Fetched =
  | { readonly kind: 'There'; readonly id: string; readonly entry: Entry; readonly listed: boolean }
  | { readonly kind: 'NotThere'; readonly id: string }
  | { readonly kind: 'Failed'; readonly id: string; readonly error: ConnectorError };

export interface EntryReader {
  /**
   * Streams all entries in batches, in no particular order, and returns the evidence. Contradictions (a limit, a
   * bad row, a changed file) end in evidence `No` with what could be read; a system that cannot be reached, or
   * that cannot be understood at all, throws ConnectorError. Leaving the loop early frees what was held.
   */
  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly Entry[], Evidence>;
  /**
   * The same, but what is recognised by its octets is neither decoded nor handed out. Every record is shown to the
   * recogniser at most once. A batch may be empty: it tells how far the listing is. Absent: everything is decoded.
   */
  skim?(
    request: ReadRequest,
    recogniserOf: RecogniserOf,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Unknown[], Evidence>;
  /**
   * Looks at single entries by id, ignoring base, scope and filter. Exactly one answer per id, in any order; the
   * id of the answer is spelt as in the question. Never throws for one entry; throws when the system cannot be reached.
   */
  fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched>;
  /** Looks at entries by the name or key that was to be created: the DN, or the id where the writer chooses it. */
  fetchByName(names: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched>;
}

/** A write has three results. Unknown: sent, answer lost; whoever gets it looks before acting again. */
export type Written =
  | {
      readonly kind: 'Applied';
      readonly id: string;
      readonly name: string | undefined;
      readonly foreseen?: () => Foreseen;
    }
  | { readonly kind: 'Refused' | 'Unknown'; readonly error: ConnectorError };

export interface NewEntry {
  /** The DN, where the system has names. */
  readonly name: string | undefined;
  /** Includes the id where the writer chooses it, and write-only attributes. */
  readonly attributes: ReadonlyMap<string, readonly Value[]>;
}

export interface AttributeChange {
  readonly attribute: string;
  /** All values after the change; empty clears the attribute. */
  readonly values: readonly Value[];
  /** Value-level difference to what was read. `add` and `remove` never overlap. */
  readonly add: readonly Value[];
  readonly remove: readonly Value[];
}

export interface EntryChange {
  readonly id: string;
  /** The present name, as read. */
  readonly name: string | undefined;
  /** The name it shall have; written before the other changes, which then use it. */
  readonly newName: string | undefined;
  readonly changes: readonly AttributeChange[];
}

/**
 * Writes single entries. Never throws for what one entry or the system answers: the result says it. Different
 * entries may be written at the same time, up to the window; one entry's writes are asked for in sequence.
 */
export interface EntryWriter {
  /** Writes are buffered, answered Applied, and become true together by `commit`. */
  readonly transactional: boolean;
  create(entry: NewEntry, signal: AbortSignal): Promise<Written>;
  update(change: EntryChange, signal: AbortSignal): Promise<Written>;
  /** Forgives an entry that is not there any more. */
  delete(entry: Pick<EntryChange, 'id' | 'name'>, signal: AbortSignal): Promise<Written>;
  /** Makes buffered writes true, all or none. Does nothing where nothing is buffered. */
  commit(signal: AbortSignal): Promise<Written>;
  /** Only of a system that lives in the store of the run's own memory. */
  readonly together?: Together;
}

/** What is written to a system and to the memory, as one. */
export interface Together {
  /** From now on what is asked for, and all that is written to the memory, becomes true and durable by `commit` alone. */
  begin(): void;
  /** All or none; throws where it cannot be kept. */
  commit(signal: AbortSignal): Promise<void>;
  /** As if nothing of it had ever been asked for or written. */
  drop(): void;
}

/** One object type of one system, open for reading, and for writing where access and the connector allow it. */
export interface OpenSide extends EntryReader {
  readonly schema: ObjectSchema;
  /** Attributes that are declared but that the system has no place for now (a column that a file lacks). */
  readonly missingAttributes?: readonly string[];
  /** Absent: read-only. */
  readonly writer: EntryWriter | undefined;
}

/** Keyed one-shot SHA-256, so that nobody can make two records collide and a stored hash tells nothing. */
export interface Digest {
  /** 32 hexadecimal digits (128 bits): text, because it is made several times for every entry and text is the cheapest. */
  hash(text: string): string;
  /** Of octets, whatever they are: 32 hexadecimal digits. What is hashed for one purpose is nothing for another. */
  octets(purpose: string): (octets: Uint8Array) => string;
}

export interface Clock {
  now(): number;
}

/** What is spooled, as text and back. */
export interface SpoolForm<T> {
  write(value: T): string;
  read(text: string): T;
}

/** Keeps a bounded part in memory and the rest in a temporary file. Handles count up from 0. */
export interface Spool<T> {
  put(value: T): number;
  get(handle: number): T;
}

/** The memory that source id S and target id T are the same object, and what both sides had when they last agreed. */
export interface StoredLink {
  readonly sourceId: string;
  readonly targetId: string;
  /** The ids in the normal form of their matching rule: what links are looked up and kept unique by. */
  readonly sourceKey: string;
  readonly targetKey: string;
  /** 32 hexadecimal digits each, of the entries as they were when the pair was settled. */
  readonly sourcePrint: string | undefined;
  readonly targetPrint: string | undefined;
  /** The epoch the pair is settled in; undefined: look at it in full. */
  readonly settledIn: string | undefined;
  /** Attribute → keyed hash (hex) of the value that both sides last agreed on. */
  readonly agreed: ReadonlyMap<string, string>;
  readonly linkedAt: number;
}

/** The part of a link that the index phase needs. */
export type LinkHead = Omit<StoredLink, 'agreed' | 'linkedAt' | 'sourceId' | 'targetId'>;

/** The links of one mapping. At most one target per source and one source per target. */
export interface Links {
  count(): number;
  /** Every link, in the same order as long as nothing is written. */
  heads(): Iterable<LinkHead>;
  bySource(sourceKey: string): StoredLink | undefined;
  byTarget(targetKey: string): StoredLink | undefined;
  /** Writes a link, and removes any other link of its source or target. */
  put(link: StoredLink): void;
  remove(sourceKey: string): void;
  readonly pages: LinkPages;
}

/** `after` and Dependency count from the first run that saw a situation of an entry. */
export interface Since {
  readonly side: 'Source' | 'Target';
  readonly key: string;
  readonly situation: string;
  readonly at: number;
  /** The sequence number of that run. */
  readonly run: number;
}

/** What one side looked like at the last accepted read. */
export interface Baseline {
  readonly inScope: number;
  /** Attribute → number of entries with a value. */
  readonly valueCounts: Readonly<Record<string, number>>;
}

/** What is about to be done to one entry, made durable before it is done. */
export interface Intent {
  readonly id: string;
  readonly kind: string;
  readonly side: 'Source' | 'Target';
  readonly sourceKey: string | undefined;
  readonly targetKey: string | undefined;
  readonly sourceId: string | undefined;
  readonly targetId: string | undefined;
  /** The DN, or the id where the writer chooses it, of what is created. */
  readonly naturalKey: string | undefined;
  /** Attribute → keyed hash of the values to be set. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What it counts as against the budgets, if it turns out to have happened. */
  readonly spending: readonly Spending[];
}

export interface Settlement {
  readonly intent: string;
  readonly outcome: 'Applied' | 'Refused' | 'Unknown';
}

/** What was applied counts against the budgets of the window. */
export interface Spending {
  readonly side: 'Source' | 'Target';
  readonly effect: string;
  /** For Clear: which attribute. */
  readonly attribute: string;
  readonly count: number;
}

export interface HeldPlan {
  readonly digest: string;
  /** Digests of the held operations and of the tripped guards. */
  readonly operations: readonly string[];
  readonly expiresAt: number;
}

/**
 * What one mapping remembers. Writes are buffered by the implementation and durable at the latest when `flush`
 * returns; journal calls are durable when they return. Every read sees the writes before it.
 */
export interface Memory {
  readonly links: Links;
  readonly unlinked: UnlinkedPages;
  since(): Iterable<Since>;
  putSince(since: Since): void;
  dropSince(since: Pick<Since, 'side' | 'key' | 'situation'>): void;
  /** Entries that carry our disable mark, of the object on that side, whichever mapping disabled them. */
  marks(side: 'Source' | 'Target'): ReadonlySet<string>;
  putMark(side: 'Source' | 'Target', key: string): void;
  dropMark(side: 'Source' | 'Target', key: string): void;
  baseline(side: 'Source' | 'Target'): Baseline | undefined;
  putBaseline(side: 'Source' | 'Target', baseline: Baseline): void;
  /** Intents whose result is not known. */
  unfinished(): readonly Intent[];
  begin(intents: readonly Intent[]): void;
  settle(settlements: readonly Settlement[]): void;
  /** What was applied since that time and counts. */
  spent(since: number): readonly Spending[];
  spend(at: number, spending: readonly Spending[]): void;
  /** Operation and guard digests that an approval releases now and that were not used before. */
  released(now: number, approvedPlan: string | undefined): ReadonlySet<string>;
  useRelease(digest: string): void;
  /** Keeps what is held for approval. The same digest again keeps its first expiry. Returns what is kept. */
  putHeldPlan(plan: HeldPlan, now: number): HeldPlan;
  /** Another mapping with the same target object that links or wants the target entry, if any. */
  holder(targetKey: string): string | undefined;
  /** Whether there is any other mapping with the same target object. */
  sharesTarget(): boolean;
  /** Replaces what this mapping's unlinked source entries want. */
  putWants(targetKeys: Iterable<string>): void;
  /** The sequence number of the last finished run of a mapping whose source read was not No. */
  lastReadRun(mapping: string): number | undefined;
  /** Whether a first load into an empty target has begun and was cut off: it goes on without a limit on creates. */
  firstLoad(): boolean;
  putFirstLoad(isOpen: boolean): void;
  /** How many enforced runs of this mapping have finished before. */
  enforcedRuns(): number;
  record(record: EntryRecord): void;
  /** What that run has recorded as Ignored or Reported holds for this one too. */
  repeatRecords(run: number): void;
  /** Called before a system is waited for: what keeps others from writing becomes durable. */
  letOthersWrite(): void;
  flush(): void;
}
