/**
 * The entry that somebody means: by its id, by its DN, or by what people call it, a value of an attribute that the
 * mapping reads. Several words fit an entry that has each of them as a value ("Ann Fox": given name and surname).
 */
import { sideOf, type Definition, type SideDefinition } from '../engine/definition.ts';
import { leafOf } from '../engine/dn.ts';
import { attributeOf, type Entry } from '../engine/entry.ts';
import type { Fetched, OpenSide } from '../engine/ports.ts';

/** How many are named where a name fits several. */
const MANY = 5;

export type FoundEntry =
  | { readonly kind: 'There'; readonly entry: Entry; readonly listed: boolean }
  | { readonly kind: 'NotThere' }
  | { readonly kind: 'Several'; readonly entries: readonly Entry[]; readonly more: number }
  | { readonly kind: 'Failed'; readonly message: string };

export interface FindEntryInput {
  readonly definition: Definition;
  readonly side: 'Source' | 'Target';
  readonly session: OpenSide;
  readonly asked: string;
}

export async function findEntry(input: FindEntryInput, signal: AbortSignal): Promise<FoundEntry> {
  const { session, asked } = input;
  const { request } = sideOf(input.definition, input.side);
  const byId = await first(session.fetch([asked], request, signal));
  if (byId.kind !== 'NotThere') return foundOf(byId);
  if (session.schema.name !== undefined && asked.includes('=')) {
    // What is no DN at all is refused by the server, and may still be somebody's name.
    const byName = await first(session.fetchByName([asked], request, signal));
    if (byName.kind === 'There') return foundOf(byName);
  }
  return search(input, signal);
}

async function first(answers: AsyncGenerator<Fetched>): Promise<Fetched> {
  for await (const answer of answers) return answer;
  return { kind: 'NotThere', id: '' };
}

function foundOf(answer: Exclude<Fetched, { kind: 'NotThere' }>): FoundEntry {
  if (answer.kind === 'There') return { kind: 'There', entry: answer.entry, listed: answer.listed };
  return { kind: 'Failed', message: answer.error.message };
}

/** A value as it is beats words that fit one by one. */
async function search(
  { definition, side, session, asked }: FindEntryInput,
  signal: AbortSignal,
): Promise<FoundEntry> {
  const own = sideOf(definition, side);
  const whole = fold(asked);
  const words = whole.split(' ');
  const hits = { whole: new Hits(), words: new Hits() };
  for await (const batch of session.read(own.request, signal)) {
    for (const entry of batch) {
      const values = valuesOf(entry, own);
      if (values.has(whole)) hits.whole.add(entry);
      else if (words.length > 1 && words.every((word) => values.has(word))) hits.words.add(entry);
    }
  }
  return hits.whole.count > 0 ? hits.whole.found() : hits.words.found();
}

function valuesOf(entry: Entry, { request, schema }: SideDefinition): Set<string> {
  const shown = request.attributes.filter((name) => !attributeOf(schema, name)?.sensitive);
  const texts = shown.flatMap((name) => entry.attributes.get(name) ?? []);
  const leaf = entry.name === undefined ? [] : leafOf(entry.name).map(({ value }) => value);
  return new Set([...texts, ...leaf].filter((value) => typeof value === 'string').map(fold));
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ');
}

class Hits {
  readonly #entries: Entry[] = [];
  count = 0;

  add(entry: Entry): void {
    this.count++;
    if (this.#entries.length < MANY) this.#entries.push(entry);
  }

  found(): FoundEntry {
    const [only] = this.#entries;
    if (!only) return { kind: 'NotThere' };
    if (this.count === 1) return { kind: 'There', entry: only, listed: true };
    return { kind: 'Several', entries: this.#entries, more: this.count - this.#entries.length };
  }
}

/** For people: the DN where there is one, with the id that commands take. */
export function nameOf({ id, name }: Entry): string {
  return name === undefined ? id : `${name} (${id})`;
}

/** Why it is not clear which entry is meant. */
export function notFound(
  found: Exclude<FoundEntry, { kind: 'There' }>,
  asked: string,
  side: SideDefinition,
): string {
  const where = `${side.system} ${side.object}`;
  switch (found.kind) {
    case 'NotThere':
      return `${where} has no entry '${asked}': no id, no DN, and no value of an attribute that the mapping reads is so`;
    case 'Several': {
      const more = found.more > 0 ? ` and ${found.more} more` : '';
      return `'${asked}' fits several entries of ${where}: ${found.entries.map(nameOf).join(', ')}${more}; give the id of one`;
    }
    case 'Failed':
      return `entry '${asked}' of ${where} cannot be looked at: ${found.message}`;
  }
}
