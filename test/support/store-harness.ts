/** The SQLite store in a folder of its own, for the store contract. */
import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Memory } from '../../src/engine/ports.ts';
import { Approvals } from '../../src/store/approvals.ts';
import { Database } from '../../src/store/database.ts';
import { FORGET_AFTER_MS, mappingRow } from '../../src/store/mappings.ts';
import { SqliteMemory, type MappingEnds } from '../../src/store/memory.ts';
import { Records } from '../../src/store/records.ts';
import { Runs } from '../../src/store/runs.ts';
import type { MappingOfContract, StoreOfContract } from '../store/contract-suite.ts';

export async function sqliteStore(): Promise<StoreOfContract> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-store-'));
  let at = 0;
  let database = open(join(folder, '0.db'));
  const known = new Map<Memory, { readonly row: number; readonly sequence: number }>();
  const of = (memory: Memory): { readonly row: number; readonly sequence: number } =>
    known.get(memory) ?? { row: 0, sequence: 0 };
  let runs = 0;
  return {
    memory(mapping, now = 0) {
      const ends = endsOf(mapping);
      const row = mappingRow(database, { name: mapping.name, ends, linksFrom: undefined }, now);
      const run = { id: `run ${runs++}`, mapping: row, mode: 'Enforce', startedAt: now };
      const sequence = new Runs(database).begin(run);
      const memory = new SqliteMemory(database, {
        mapping: row,
        ends,
        run: sequence,
        forgottenBefore: now - FORGET_AFTER_MS,
      });
      known.set(memory, { row, sequence });
      return memory;
    },
    finish(memory, { outcome, sourceComplete, at: finishedAt }) {
      new Runs(database).finish(of(memory).sequence, { finishedAt, outcome, sourceComplete, body: {} });
    },
    sequenceOf: (memory) => of(memory).sequence,
    records: (memory) => [...new Records(database, of(memory).sequence).all()],
    approve: (memory, digest, now) =>
      new Approvals(database, of(memory).row).approve(digest, 'somebody', now),
    crash() {
      // What a kill leaves: the files as they are, with a transaction open in the first process.
      const next = join(folder, `${++at}.db`);
      for (const end of ['', '-wal']) cpSync(`${database.path}${end}`, `${next}${end}`);
      database.rollback();
      database.close();
      database = open(next);
      return Promise.resolve();
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

function open(path: string): Database {
  const database = new Database(path);
  database.migrate();
  return database;
}

function endsOf({ source, target }: MappingOfContract): MappingEnds {
  const [sourceSystem = '', sourceObject = ''] = source.split(' ');
  const [targetSystem = '', targetObject = ''] = target.split(' ');
  return { sourceSystem, sourceObject, targetSystem, targetObject };
}
