/** A Repository in a database of its own, for the contract suite and for tests of the Repository alone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { AttributeDeclaration, Session } from '../../src/connectors/connector.ts';
import { mergeSchema, plainAttribute } from '../../src/connectors/schema.ts';
import { Database, textOf } from '../../src/store/database.ts';
import { openRepository } from '../../src/store/repository.ts';
import type { Attributes, ContractHarness } from '../connectors/contract.ts';

const PLAIN: readonly AttributeDeclaration[] = [
  { name: 'cn' },
  { name: 'sn' },
  { name: 'description' },
  { name: 'ou', multiValued: true },
];

export interface RepositoryFixture extends AsyncDisposable {
  readonly path: string;
  readonly database: Database;
  open(options?: { readonly writable?: boolean; readonly now?: () => number }): Session;
  /** Read on a connection of its own: what a crash would leave. */
  contents(): ReadonlyMap<string, Attributes>;
}

export async function repositoryFixture(
  attributes: readonly AttributeDeclaration[] = PLAIN,
): Promise<RepositoryFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-repository-'));
  const path = join(folder, 'rollcall.db');
  const database = new Database(path);
  database.migrate();
  return {
    path,
    database,
    open: ({ writable = true, now = () => 1_000 } = {}) => openOn(database, attributes, { writable, now }),
    contents: () => contentsOf(path),
    async [Symbol.asyncDispose]() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function openOn(
  database: Database,
  attributes: readonly AttributeDeclaration[],
  { writable = true, now = () => 1_000 }: { readonly writable?: boolean; readonly now?: () => number } = {},
): Session {
  const merged = mergeSchema(new Map([['uid', plainAttribute('uid')]]), attributes);
  const schema = {
    id: 'uid',
    idChosenBy: 'Writer',
    name: undefined,
    attributes: merged.attributes,
    ignoreCaseInNames: false,
  } as const;
  const config = { system: 'default/people', name: 'person', id: 'uid', attributes, schema, now };
  return openRepository(database, config, { writable });
}

function contentsOf(path: string): ReadonlyMap<string, Attributes> {
  const reader = new Database(path, { readOnly: true });
  try {
    const rows = [...reader.iterate('SELECT id, attributes FROM objects WHERE deleted_at IS NULL')];
    return new Map(
      rows.map((row) => {
        const attributes = JSON.parse(textOf(row, 'attributes')) as [string, string[]][];
        return [textOf(row, 'id'), Object.fromEntries(attributes)];
      }),
    );
  } finally {
    reader.close();
  }
}

export const repositoryHarness: ContractHarness = {
  transactional: true,
  idChosenBy: 'Writer',
  skims: true,
  nameOf: () => undefined,
  async start(seed) {
    const fixture = await repositoryFixture();
    const signal = new AbortController().signal;
    const { writer } = fixture.open();
    for (const entry of seed)
      await writer?.create({ name: undefined, attributes: new Map(Object.entries(entry)) }, signal);
    await writer?.commit(signal);
    return {
      open: ({ writable }) => Promise.resolve(fixture.open({ writable })),
      contents: () => Promise.resolve(fixture.contents()),
      stop: async () => fixture[Symbol.asyncDispose](),
    };
  },
};
