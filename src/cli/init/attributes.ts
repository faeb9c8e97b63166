/**
 * Which column goes to which attribute: by what columns are usually called, and by what the people who were matched
 * have in fact. What would change most of the existing accounts is proposed for new ones only, or not at all.
 */
import type { Accounts } from './accounts.ts';
import type { Column } from './columns.ts';
import { agreement, type Agreement, type Correlation } from './correlation.ts';
import { columnFor, fullNames, type Formula } from './formulas.ts';
import { usualNames } from './usual-names.ts';

/** Fewer pairs say nothing. */
const MIN_PAIRS = 5;
const MOSTLY = 0.5;
const HARDLY = 0.2;
/** Columns that nobody would guess by their names need more. */
const SURELY = 0.9;
const SURE_PAIRS = 10;

export interface ProposedAttribute {
  readonly target: string;
  readonly origin: { readonly from: string } | { readonly expression: string } | { readonly value: string };
  readonly onCreateOnly: boolean;
  /** Accounts have several values; ours joins them. */
  readonly adds: boolean;
  /** Why, in a few words. */
  readonly reason: string;
  /** Written as a comment: people decide. */
  readonly isOff: boolean;
}

export interface AttributeInput {
  readonly columns: readonly Column[];
  readonly accounts: Accounts;
  readonly correlation: Correlation;
  /** Object classes of new accounts. */
  readonly classes: readonly string[];
  /** Its value comes with the name of the entry. */
  readonly naming: string;
}

export class AttributeProposals {
  readonly #input: AttributeInput;
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #must: ReadonlySet<string>;
  readonly #proposed: Map<string, ProposedAttribute> = new Map();

  constructor(input: AttributeInput) {
    this.#input = input;
    this.#allowed = input.accounts.allowedBy(input.classes);
    this.#must = new Set(input.accounts.mustOf(input.classes).map((name) => name.toLowerCase()));
  }

  all(): ProposedAttribute[] {
    this.#fromRules();
    this.#fromNames();
    this.#fromValues();
    this.#fullName('cn');
    this.#fullName('displayName');
    this.#constants();
    return [...this.#proposed.values()];
  }

  /** Attributes that a new account must have and that nothing gives a value. */
  missing(): string[] {
    const { naming } = this.#input;
    const known = new Set(
      [...this.#proposed.values()].filter((one) => !one.isOff).map(({ target }) => target.toLowerCase()),
    );
    return [...this.#must].filter((name) => !known.has(name) && name !== naming.toLowerCase());
  }

  /** Whoever is found by an attribute, and is made without it, would be made again when links are lost. */
  #fromRules(): void {
    const { columns, correlation } = this.#input;
    for (const { attribute, column } of correlation.rules) {
      const copied = columns.find(({ name }) => name === column);
      if (copied) this.#propose(attribute, copyOf(copied), 'correlation reads it');
    }
  }

  #fromNames(): void {
    for (const column of this.#input.columns) {
      if (column.filled === 0) continue;
      const attribute = usualNames(column.name).find(
        (name) => this.#isOpen(name) && !NAMES_OF_PEOPLE.includes(name),
      );
      if (attribute !== undefined) this.#propose(attribute, copyOf(column), 'by its name');
    }
  }

  #fromValues(): void {
    const { columns, accounts, correlation } = this.#input;
    for (const column of columns.filter((one) => !this.#isUsed(one) && one.distinct > 2)) {
      for (const attribute of accounts.attributes().filter((name) => this.#isOpen(name))) {
        const { both, same } = agreement(column.values, attribute, correlation.pairs, accounts);
        if (both < SURE_PAIRS || same < both * SURELY) continue;
        this.#propose(attribute, copyOf(column), 'by its values');
        break;
      }
    }
  }

  /** In the order that the existing accounts have it, where they exist. */
  #fullName(attribute: string): void {
    const { accounts, columns, correlation } = this.#input;
    const isAsked =
      this.#must.has(attribute.toLowerCase()) ||
      accounts.entries.some((_, at) => accounts.valuesOf(at, attribute).length > 0);
    if (!isAsked || !this.#isOpen(attribute)) return;
    const own = columnFor(attribute, columns);
    const formulas = own ? [copyOf(own), ...fullNames(columns)] : fullNames(columns);
    const scored = formulas.map((formula) => ({
      formula,
      same: agreement(formula.values, attribute, correlation.pairs, accounts).same,
    }));
    const best = scored.toSorted((one, other) => other.same - one.same)[0];
    if (best) this.#propose(attribute, best.formula, 'as accounts have it');
  }

  #constants(): void {
    for (const name of this.missing()) {
      const value = this.#input.accounts.constant(name);
      const target = this.#input.accounts.schemaOf(name)?.name ?? name;
      if (value === undefined) continue;
      const reason = 'all accounts have this value';
      const origin = { value };
      this.#proposed.set(target, { target, origin, onCreateOnly: true, adds: false, reason, isOff: false });
    }
  }

  #propose(target: string, formula: Formula, why: string): void {
    if (!this.#isOpen(target)) return;
    const { accounts, correlation } = this.#input;
    const found = agreement(formula.values, target, correlation.pairs, accounts);
    const isRare = found.both >= MIN_PAIRS && found.same < found.both * HARDLY;
    const isMust = this.#must.has(target.toLowerCase());
    this.#proposed.set(target, {
      target,
      origin: formula.column === undefined ? { expression: formula.expression } : { from: formula.column },
      onCreateOnly: isMust && found.both >= MIN_PAIRS && found.same < found.both * MOSTLY,
      adds: accounts.isMultiple(target),
      reason: reasonOf(why, found),
      isOff: isRare && !isMust,
    });
  }

  #isOpen(attribute: string): boolean {
    const { accounts, naming } = this.#input;
    const known = accounts.schemaOf(attribute);
    const isThere = known !== undefined && !known.readOnly && !known.sensitive;
    const isTaken = this.#proposed.has(attribute) || attribute.toLowerCase() === naming.toLowerCase();
    return isThere && !isTaken && (this.#allowed?.has(attribute.toLowerCase()) ?? true);
  }

  #isUsed({ name }: Column): boolean {
    return [...this.#proposed.values()].some(({ origin }) => 'from' in origin && origin.from === name);
  }
}

/** Made of what others hold, so that they fit what accounts have. */
const NAMES_OF_PEOPLE = ['cn', 'displayName'];

function copyOf({ name, values }: Column): Formula {
  return { expression: '', column: name, values };
}

function reasonOf(why: string, { both, same }: Agreement): string {
  if (both === 0) return why;
  return `${why}; the same for ${same} of ${both} who were matched`;
}
