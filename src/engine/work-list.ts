/** The entries of one side that have to be looked at: judged by what they say of themselves, their content in the spool. */
import type { CorrelationRule, SideDefinition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { Examiner } from './examine.ts';
import type { Item } from './item.ts';
import { loggedKey, type LoggedKey } from './key-log.ts';
import { keyOfId } from './matching.ts';
import type { Met } from './met.ts';
import type { Digest, Fetched, Spool } from './ports.ts';
import type { Recalled } from './unlinked-book.ts';

export interface WorkListContext {
  readonly digest: Digest;
  readonly spool: Spool<Entry>;
  readonly now: number;
  readonly correlate: readonly CorrelationRule[];
}

export interface Place {
  /** Row in the link table, or -1. */
  readonly link: number;
  readonly met: number;
  readonly listed: boolean;
}

export class WorkList {
  readonly items: Item[] = [];
  readonly #definition: SideDefinition;
  readonly #context: WorkListContext;
  readonly #met: Met;
  readonly #examiner: Examiner;
  /** Of source entries that were met again: what each of them had. */
  readonly #moreKeys: Map<number, LoggedKey[]> = new Map();

  constructor(definition: SideDefinition, context: WorkListContext, met: Met) {
    this.#definition = definition;
    this.#context = context;
    this.#met = met;
    this.#examiner = new Examiner(definition, context);
  }

  list(entry: Entry, place: Place): Item {
    this.#met.place(place.met, this.items.length, place.link);
    const item = this.examine(entry, place);
    this.items.push(item);
    return item;
  }

  /** One that was recognised: as what it was, without its content. */
  recall({ row, id, name, state }: Recalled, { link, met, listed }: Place): Item {
    this.#met.place(met, this.items.length, link);
    const { side } = this.#definition;
    const blank = {
      handle: undefined,
      keysError: undefined,
      error: undefined,
      marked: false,
      occurrences: 1,
      isRemembered: false,
    };
    const key = this.keyOf(id);
    const item: Item = { side, id, key, name, state, listed, met, link, unlinked: row, ...blank };
    this.items.push(item);
    return item;
  }

  keyOf(id: string): string {
    return keyOfId(id, this.#definition.schema);
  }

  examine(entry: Entry, { link, met, listed }: Place): Item {
    const { side } = this.#definition;
    const judged = this.#examiner.judge(entry);
    return {
      side,
      id: entry.id,
      key: this.keyOf(entry.id),
      name: entry.name,
      state: judged.state,
      listed,
      handle: this.#context.spool.put(entry),
      met,
      link,
      unlinked: -1,
      keysError: side === 'Source' ? this.#logSourceKeys(met, entry) : undefined,
      error: judged.error,
      marked: false,
      occurrences: 1,
      isRemembered: false,
    };
  }

  /** In scope, with or without a deleted mark; an entry that failed counts as one. */
  isInScope({ state, handle }: Pick<Item, 'state' | 'handle'>, entry?: Entry): boolean {
    if (state !== 'DeletedMark') return state !== 'OutOfScope';
    const spooled = entry ?? (handle === undefined ? undefined : this.#context.spool.get(handle));
    return spooled !== undefined && this.#examiner.passesWhere(spooled);
  }

  keysOf({ met }: Item): readonly LoggedKey[] {
    return [...this.#met.keysOf(met), ...(this.#moreKeys.get(met) ?? [])];
  }

  /** What an entry that cannot be judged may have meant is every hit of every one of its occurrences. */
  addKeys(item: Item, entry: Entry): void {
    const { keys, error } = this.#examiner.sourceKeys(entry);
    this.addLogged(
      item,
      keys.flatMap((hashes, rule) => hashes.map((hash) => loggedKey(item.met, rule, hash))),
    );
    item.keysError ??= error;
  }

  addLogged({ side, met }: Item, keys: readonly Omit<LoggedKey, 'owner'>[]): void {
    const own = keys.map((key) => ({ ...key, owner: met }));
    if (side === 'Target') for (const key of own) this.#met.keys.addKey(key);
    else this.#moreKeys.set(met, [...(this.#moreKeys.get(met) ?? []), ...own]);
  }

  /** The correlation keys of a target entry. */
  logKeys(met: number, entry: Entry): void {
    for (const [at, rule] of this.#context.correlate.entries()) {
      const values = valuesOf(entry, rule.target.name, this.#definition.schema);
      for (const hash of this.#examiner.hashKeys(at, rule, values)) this.#met.keys.add(met, at, hash);
    }
  }

  #logSourceKeys(met: number, entry: Entry): Item['keysError'] {
    const { keys, error } = this.#examiner.sourceKeys(entry);
    for (const [rule, hashes] of keys.entries())
      for (const hash of hashes) this.#met.keys.add(met, rule, hash);
    return error;
  }
}

/** What a look at a single entry says that has nothing to show. */
export function unread(
  answer: Exclude<Fetched, { kind: 'There' }>,
  known: Pick<Item, 'side' | 'key' | 'link'>,
): Item {
  const blank = {
    ...known,
    id: answer.id,
    name: undefined,
    listed: false,
    handle: undefined,
    met: -1,
    unlinked: -1,
    keysError: undefined,
    marked: false,
    occurrences: 1,
    isRemembered: false,
  };
  if (answer.kind === 'NotThere') return { ...blank, state: 'Gone', error: undefined };
  const { code, attribute = null, message } = answer.error;
  return { ...blank, state: 'Failed', error: { code, attribute, rule: null, message } };
}
