/**
 * What the engine needs from the world, and what it expects of whoever provides it. Everything here is
 * declared by its user and fulfilled elsewhere: systems in connectors/, memory in store/, CEL in expressions/.
 */
import type { Entry, ObjectSchema, Value } from './entry.ts';
import type { ConnectorError } from './errors.ts';

/** Who vouches that a read saw everything. */
export type Proof = 'Snapshot' | 'LastPage' | 'RowCount' | 'Trailer' | 'Checksum';

/** SITUATIONS.md, "Evidence": what a read ends with. */
export interface Evidence {
  readonly complete: 'Yes' | 'Unproved' | 'No';
  readonly proof: Proof | undefined;
  /** One word in PascalCase: why the read counts as No. */
  readonly reason: string | undefined;
  /** For people: what contradicts it, where, and the way out. */
  readonly message: string | undefined;
  /**
   * The listing was a snapshot that cannot have missed an entry (an unchanged file, the Repository), so what it
   * did not list is not there, and looking again is free.
   */
  readonly snapshot: boolean;
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
   * Looks at single entries by id, ignoring base, scope and filter. Exactly one answer per id, in any order; the
   * id of the answer is spelt as in the question. Never throws for one entry; throws when the system cannot be reached.
   */
  fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched>;
  /** Looks at entries by the name or key that was to be created: the DN, or the id where the writer chooses it. */
  fetchByName(names: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched>;
}

/** A write has three results. Unknown: sent, answer lost; whoever gets it looks before acting again. */
export type Written =
  | { readonly kind: 'Applied'; readonly id: string; readonly name: string | undefined }
  | { readonly kind: 'Refused'; readonly error: ConnectorError }
  | { readonly kind: 'Unknown'; readonly error: ConnectorError };

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
  delete(
    entry: { readonly id: string; readonly name: string | undefined },
    signal: AbortSignal,
  ): Promise<Written>;
  /** Makes buffered writes true, all or none. Does nothing where nothing is buffered. */
  commit(signal: AbortSignal): Promise<Written>;
}

/** One object type of one system, open for reading, and for writing where access and the connector allow it. */
export interface OpenSide extends EntryReader {
  readonly schema: ObjectSchema;
  /** Absent: read-only. */
  readonly writer: EntryWriter | undefined;
}
