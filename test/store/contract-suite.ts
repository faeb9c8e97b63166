/** What the clauses of the store contract are given. */
import type { EntryRecord } from '../../src/engine/entry-record.ts';
import type { Memory } from '../../src/engine/ports.ts';

export interface MappingOfContract {
  /** `namespace/name`; another mapping of the same store by another name. */
  readonly name: string;
  readonly source: string;
  readonly target: string;
}

export interface StoreOfContract extends AsyncDisposable {
  /** The memory of a mapping, as a run that starts at `now` gets it. */
  memory(mapping: MappingOfContract, now?: number): Memory;
  /** Ends that run. */
  finish(
    memory: Memory,
    run: { readonly outcome: string; readonly sourceComplete: string; readonly at: number },
  ): void;
  /** The sequence number of that run. */
  sequenceOf(memory: Memory): number;
  /** The records of that run, as they are listed. */
  records(memory: Memory): EntryRecord[];
  /** A person's approval; false: there is nothing to approve. */
  approve(memory: Memory, digest: string, now: number): boolean;
  /** The process ends without a flush, and the store is opened again. */
  crash(): Promise<void>;
}

export const A: MappingOfContract = {
  name: 'default/a',
  source: 'default/hr person',
  target: 'default/dir account',
};
export const B: MappingOfContract = {
  name: 'default/b',
  source: 'default/crm person',
  target: 'default/dir account',
};
export const ELSEWHERE: MappingOfContract = {
  name: 'default/c',
  source: 'default/hr person',
  target: 'default/mail box',
};
export interface Suite {
  readonly store: () => StoreOfContract;
  readonly memory: (mapping?: MappingOfContract, now?: number) => Memory;
  /** Flush, crash, open: what is durable. */
  readonly reopened: (memory: Memory, mapping?: MappingOfContract) => Promise<Memory>;
}
