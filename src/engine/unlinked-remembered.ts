/** Who is to be recognised the next time although no link holds them: noted while the run is planned. */
import { asksContent } from './content-needed.ts';
import type { Definition } from './definition.ts';
import type { Entry } from './entry.ts';
import type { Item } from './item.ts';
import { NO_MASK } from './masks.ts';
import type { Judged } from './judged.ts';
import type { Spool } from './ports.ts';
import type { Roll } from './roll.ts';
import type { Calm, Described, DescribedNewcomer, UnlinkedBook } from './unlinked-book.ts';
import type { Noted } from './unlinked-columns.ts';

type Side = 'Source' | 'Target';

export class UnlinkedRemembered {
  readonly #definition: Definition;
  readonly #spool: Spool<Entry>;
  readonly #book: UnlinkedBook;
  readonly #rolls: Readonly<Record<Side, Roll>>;
  /** Of those that are on the work lists. */
  #expected = 0;
  readonly #noted: Readonly<Record<Side, Noted[]>> = { Source: [], Target: [] };

  constructor(
    definition: Definition,
    { book, rolls, spool }: { book: UnlinkedBook; rolls: Readonly<Record<Side, Roll>>; spool: Spool<Entry> },
  ) {
    this.#definition = definition;
    this.#spool = spool;
    this.#book = book;
    this.#rolls = rolls;
  }

  /** Called while the work lists are there. */
  expect(): void {
    const isUnlinked = ({ link }: Item): boolean => link === -1;
    for (const side of ['Source', 'Target'] as const)
      this.#expected += this.#rolls[side].items.filter(isUnlinked).length;
  }

  /** Every unlinked entry of the listings is remembered, so that the next run notices also those that go. */
  get areAll(): boolean {
    return this.#expected === 0;
  }

  /** Nothing was done about these two. Where a rule has a condition it is asked of their content, in every run. */
  note({ verdict, source, target }: Judged): void {
    if (!verdict || asksContent(this.#definition, verdict.situation)) return;
    for (const item of [source, target]) if (item && isPlain(item)) this.#remember(item);
  }

  store(calm: Calm | undefined): void {
    this.#book.store(calm, { Source: this.#newcomers('Source'), Target: this.#newcomers('Target') });
  }

  #newcomers(side: Side): DescribedNewcomer[] {
    return this.#noted[side].map((one) => this.#newcomer(side, one));
  }

  #newcomer(side: Side, { met: at, handle, state }: Noted): DescribedNewcomer {
    const roll = this.#rolls[side];
    const { prints, rawPrints } = roll.met;
    const describe = (): Described => {
      const { id, name } = this.#spool.get(handle);
      return { id, name, print: prints.text(at), keys: roll.met.keysOf(at) };
    };
    const isInScope = roll.isInScope({ state, handle });
    return { rawPrints, at, mask: roll.met.mask(at), state, isInScope, describe };
  }

  #remember(item: Item): void {
    const { side, met, handle, state, unlinked } = item;
    if (state === 'Gone' || state === 'Failed' || this.#rolls[side].met.mask(met) === NO_MASK) return;
    if (unlinked !== -1) this.#book.side(side).keep(unlinked);
    else if (handle !== undefined) this.#noted[side].push({ met, handle, state });
    item.isRemembered = true;
    this.#expected--;
  }
}

function isPlain({ link, listed, occurrences, keysError, marked, isRemembered }: Item): boolean {
  return link === -1 && listed && occurrences === 1 && !keysError && !marked && !isRemembered;
}
