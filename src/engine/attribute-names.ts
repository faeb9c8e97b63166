/** Lists of attribute names, each known by a number: nearly all entries of a system have one of a few. */
interface Step {
  readonly next: Map<string, Step>;
  list: number | undefined;
}

/** Where names come in many orders, a list for each order would be a list for each entry. */
const MOST_LISTS = 4_096;

/** The number of a list, or the list itself. */
export type NameList = number | readonly string[];

export class AttributeNames {
  readonly #lists: (readonly string[])[] = [];
  readonly #start: Step = { next: new Map(), list: undefined };

  /** The names themselves where there are too many lists already. */
  numberOf(names: readonly string[]): NameList {
    let at: Step | undefined = this.#start;
    for (const name of names) at = at?.next.get(name);
    return at?.list ?? this.#add(names);
  }

  /** The names that `numberOf` gave this for. */
  of(known: NameList): readonly string[] {
    return typeof known === 'number' ? (this.#lists[known] ?? []) : known;
  }

  #add(names: readonly string[]): NameList {
    if (this.#lists.length === MOST_LISTS) return names;
    let at = this.#start;
    for (const name of names) {
      const next = at.next.get(name) ?? { next: new Map<string, Step>(), list: undefined };
      at.next.set(name, next);
      at = next;
    }
    at.list = this.#lists.push(names) - 1;
    return at.list;
  }
}
