/** Which mappings the store knows. Links outlive their mapping's manifest, and are taken up again only by the same ends. */
import { numberOf, textOf, type Database } from './database.ts';
import type { MappingEnds } from './memory.ts';

/** How long what a mapping remembers counts after the last call that knew it. */
export const FORGET_AFTER_MS: number = 30 * 86_400_000;

export interface KnownMapping {
  /** `namespace/name`. */
  readonly name: string;
  readonly ends: MappingEnds;
  /** The name that its links were kept under before. */
  readonly linksFrom: string | undefined;
}

/**
 * The row of a mapping, made or renamed where needed. A mapping that rested for long takes its links up again all
 * the same: without them every account would look like a stranger's.
 */
export function mappingRow(database: Database, mapping: KnownMapping, now: number): number {
  const { name, ends, linksFrom } = mapping;
  const known = find(database, name);
  if (known && sameEnds(known.ends, ends)) return touch(database, known.id, now);
  if (known) retire(database, known.id, name, now);
  const old = linksFrom === undefined ? undefined : find(database, linksFrom);
  const before = old && sameEnds(old.ends, ends) ? old.id : findRetired(database, mapping, now);
  if (before !== undefined) {
    database.run('UPDATE mappings SET name = ? WHERE id = ?', name, before);
    return touch(database, before, now);
  }
  const sql =
    'INSERT INTO mappings (name, source_system, source_object, target_system, target_object, seen_at) VALUES (?, ?, ?, ?, ?, ?)';
  database.run(sql, name, ends.sourceSystem, ends.sourceObject, ends.targetSystem, ends.targetObject, now);
  return find(database, name)?.id ?? 0;
}

export function findMapping(database: Database, name: string): number | undefined {
  return find(database, name)?.id;
}

function find(database: Database, name: string): { id: number; ends: MappingEnds } | undefined {
  const row = database.get('SELECT * FROM mappings WHERE name = ?', name);
  if (!row) return undefined;
  const ends = {
    sourceSystem: textOf(row, 'source_system'),
    sourceObject: textOf(row, 'source_object'),
    targetSystem: textOf(row, 'target_system'),
    targetObject: textOf(row, 'target_object'),
  };
  return { id: numberOf(row, 'id'), ends };
}

function sameEnds(one: MappingEnds, other: MappingEnds): boolean {
  const flat = (ends: MappingEnds): string =>
    JSON.stringify([ends.sourceSystem, ends.sourceObject, ends.targetSystem, ends.targetObject]);
  return flat(one) === flat(other);
}

function touch(database: Database, id: number, now: number): number {
  database.run('UPDATE mappings SET seen_at = ? WHERE id = ?', now, id);
  return id;
}

/** The name means other systems now: what was linked before is kept aside, and holds nothing. Since when: seen_at, negative. */
function retire(database: Database, id: number, name: string, now: number): void {
  database.run('UPDATE mappings SET name = ?, seen_at = ? WHERE id = ?', `${name}#${id}`, -now, id);
}

/** The same name with the same ends as before an edit that was taken back. */
function findRetired(database: Database, { name, ends }: KnownMapping, now: number): number | undefined {
  const sql = `SELECT id FROM mappings WHERE name LIKE ? || '#%' AND seen_at <= ? AND source_system = ? AND source_object = ?
    AND target_system = ? AND target_object = ? ORDER BY seen_at LIMIT 1`;
  const { sourceSystem, sourceObject, targetSystem, targetObject } = ends;
  const since = FORGET_AFTER_MS - now;
  const row = database.get(sql, name, since, sourceSystem, sourceObject, targetSystem, targetObject);
  return row && numberOf(row, 'id');
}
