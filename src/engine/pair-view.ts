/** One pair as it is seen while it is planned: of its entries only what somebody asks for is fetched from the spool. */
import type { RespondInput } from './act.ts';
import type { Definition, Scope, Situation } from './definition.ts';
import type { Entry } from './entry.ts';
import type { Item } from './item.ts';
import type { Judged } from './judged.ts';
import type { NewIds } from './new-ids.ts';
import type { PairView, PlanContext } from './plan-context.ts';
import type { Digest, Since, Spool, StoredLink } from './ports.ts';
import { makesSecondTarget } from './second-target.ts';
import type { ValueHashes } from './value-hashes.ts';

export class SeenPair implements PairView {
  readonly judged: Judged;
  readonly situation: Situation;
  readonly link: StoredLink | undefined;
  readonly since: Since;
  readonly scope: Scope;
  readonly #entries: Spool<Entry>;
  // Invariant: where an entry has a handle, undefined means that nobody has asked for it yet.
  #source: Entry | undefined;
  #target: Entry | undefined;

  constructor(judged: Judged, situation: Situation, { links, entries, clocks, now }: PlanContext) {
    this.judged = judged;
    this.situation = situation;
    this.#entries = entries;
    this.link = judged.pair ? links.bySource(judged.pair.sourceKey) : undefined;
    this.since = clocks.see(judged);
    this.scope = new PairScope(this, now);
  }

  get source(): Entry | undefined {
    return (this.#source ??= this.#entry(this.judged.source));
  }

  get target(): Entry | undefined {
    return (this.#target ??= this.#entry(this.judged.target));
  }

  #entry(item: Item | undefined): Entry | undefined {
    return item?.handle === undefined ? undefined : this.#entries.get(item.handle);
  }
}

class PairScope implements Scope {
  readonly #view: PairView;
  readonly now: number;

  constructor(view: PairView, now: number) {
    this.#view = view;
    this.now = now;
  }

  get source(): Entry | undefined {
    return this.#view.source;
  }

  get target(): Entry | undefined {
    return this.#view.target;
  }

  get linkedAt(): number | undefined {
    return this.#view.link?.linkedAt;
  }
}

/** What is agreed on already, and what a write would leave to be done. */
export type Compared = Pick<RespondInput, 'equal' | 'settles'>;

export class PairInput implements RespondInput {
  readonly equal: RespondInput['equal'];
  readonly settles: boolean;
  readonly #view: PairView;
  readonly #context: PlanContext;
  readonly #ids: NewIds;

  constructor(view: PairView, { equal, settles }: Compared, context: PlanContext, ids: NewIds) {
    this.equal = equal;
    this.settles = settles;
    this.#view = view;
    this.#context = context;
    this.#ids = ids;
  }

  get definition(): Definition {
    return this.#context.definition;
  }

  get digest(): Digest {
    return this.#context.digest;
  }

  get valueHashes(): ValueHashes {
    return this.#context.valueHashes;
  }

  get source(): Entry | undefined {
    return this.#view.source;
  }

  get target(): Entry | undefined {
    return this.#view.target;
  }

  get sourceKey(): string | undefined {
    return this.#view.judged.source?.key;
  }

  get targetKey(): string | undefined {
    return this.#view.judged.target?.key;
  }

  get scope(): Scope {
    return this.#view.scope;
  }

  get linked(): RespondInput['linked'] {
    return this.#view.judged.pair;
  }

  get marked(): boolean {
    return this.#view.judged.target?.marked ?? false;
  }

  get prints(): RespondInput['prints'] {
    const { source, target } = this.#context;
    const { judged } = this.#view;
    return { source: source.printOf(judged.source), target: target.printOf(judged.target) };
  }

  idHolder(side: 'Source' | 'Target', id: string): string | undefined {
    return this.#ids.holder(side, id, this.#view.judged);
  }

  makesSecondTarget(): boolean {
    return makesSecondTarget(this.#view, this.#context);
  }
}
