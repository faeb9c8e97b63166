import { printableValue, type PathKey, type Problem } from './problem.ts';
import { isRecord, type Schema } from './schema.ts';

/** What Kubernetes refuses beyond the schema: two items of a list-map with the same key, two equal items of a set. */
export function findDuplicates(value: unknown, schema: Schema, path: readonly PathKey[] = []): Problem[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const below =
      items === undefined
        ? []
        : value.flatMap((item, index) => findDuplicates(item, items, [...path, index]));
    return [...duplicatesOf(value, schema, path), ...below];
  }
  if (!isRecord(value)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]) =>
    findDuplicates(value[key], member, [...path, key]),
  );
}

function duplicatesOf(list: readonly unknown[], schema: Schema, path: readonly PathKey[]): Problem[] {
  const kind = schema['x-kubernetes-list-type'] ?? 'atomic';
  if (kind === 'atomic') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const firstIndex = new Map<string, number>();
  const problems: Problem[] = [];
  for (const [index, item] of list.entries()) {
    const identity = kind === 'map' ? identityOf(item, keys) : JSON.stringify(item);
    const first = identity === undefined ? undefined : firstIndex.get(identity);
    if (first !== undefined)
      problems.push(duplicate(kind === 'map' ? keys : [], item, first, [...path, index]));
    else if (identity !== undefined) firstIndex.set(identity, index);
  }
  return problems;
}

function duplicate(keys: readonly string[], item: unknown, first: number, path: readonly PathKey[]): Problem {
  const key = keys[0];
  if (key === undefined || !isRecord(item)) {
    const message = `the same as item ${first} of this list: remove one of them`;
    return { path, rule: 'duplicateItem', message, value: printableValue(path, item) };
  }
  const at = [...path, key];
  const message = `item ${first} of this list has the same ${keys.join(' and ')}: rename or remove one of them`;
  return { path: at, rule: 'duplicateKey', message, value: printableValue(at, item[key]) };
}

/** Undefined where a key is missing: the schema reports that. */
function identityOf(item: unknown, keys: readonly string[]): string | undefined {
  if (!isRecord(item)) return undefined;
  const values = keys.map((key) => item[key]);
  return values.includes(undefined) ? undefined : JSON.stringify(values);
}
