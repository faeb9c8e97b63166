/** Ids that are known before a create: who has them, or is about to get them (SITUATIONS.md, "Responses"). */
import { hashKey } from './fingerprint.ts';
import type { Judged } from './judged.ts';
import type { PlanContext } from './plan-context.ts';

export class NewIds {
  readonly #context: PlanContext;
  /** Side and key → the id of the entry that it is created for. */
  readonly #taken: Map<string, string> = new Map();

  constructor(context: PlanContext) {
    this.#context = context;
  }

  /** Who has this id, for people; undefined: nobody, and it is taken for this entry now. */
  holder(side: 'Source' | 'Target', id: string, judged: Judged): string | undefined {
    const roll = side === 'Source' ? this.#context.source : this.#context.target;
    const key = roll.keyOf(id);
    const partner = this.#linkedPartner(side, key, judged);
    if (partner !== undefined) return `'${id}' is linked to ${partner}`;
    const { system, object } = roll.definition;
    if (roll.entries > 0 && roll.ordinalOf(key) !== -1) return `'${id}' exists in ${system} ${object}`;
    const taken = this.#taken.get(`${side}|${key}`);
    if (taken !== undefined) return `'${id}' is about to be created for '${taken}'`;
    this.#taken.set(`${side}|${key}`, (judged.source ?? judged.target)?.id ?? '');
    return undefined;
  }

  /** The entry that the id is linked to, unless that is the one it would be created for. */
  #linkedPartner(side: 'Source' | 'Target', key: string, { source, target }: Judged): string | undefined {
    const { digest, memory } = this.#context;
    const old = this.#context.links.links;
    // Most ids are in no link, and to know that no link has to be looked up.
    if (old.before === 0 || old.findOld(side, hashKey(side, key, digest)) === -1) return undefined;
    const { links } = memory;
    if (side === 'Target') {
      const link = links.byTarget(key);
      return link && link.sourceKey !== source?.key ? `source '${link.sourceId}'` : undefined;
    }
    const link = links.bySource(key);
    return link && link.targetKey !== target?.key ? `target '${link.targetId}'` : undefined;
  }
}
