/** How new accounts are named, and where they go: as the existing ones are. */
import type { Accounts } from './accounts.ts';
import type { Column } from './columns.ts';
import { accountNames, type Formula } from './formulas.ts';

export interface ProposedName {
  readonly attribute: string;
  readonly parent: string;
  readonly expression: string;
  readonly reason: string;
  /** Rows of the sample that would get the name of another row. */
  readonly clashes: number;
}

interface Scored {
  readonly formula: Formula;
  readonly same: number;
  readonly both: number;
  readonly clashes: number;
}

export function proposeName(
  columns: readonly Column[],
  id: Column,
  accounts: Accounts,
  pairs: ReadonlyMap<number, number>,
): ProposedName {
  const { attribute, parent } = accounts.naming();
  const scored = accountNames(columns, id).map((formula) => score(formula, id, accounts, pairs));
  const usual = scored.toSorted((one, other) => other.same - one.same)[0];
  // What the existing accounts do not show has to be safe at least: nobody gets another one's name.
  const isShown = usual !== undefined && usual.same > 0 && usual.same >= usual.both / 2;
  const best = isShown ? usual : (scored.find(({ clashes }) => clashes === 0) ?? usual);
  const formula = best?.formula.expression ?? '';
  const reason = isShown
    ? `New accounts are named as ${usual.same} of ${usual.both} that were matched`
    : 'How new accounts are named: the existing ones show no rule, this tells everybody apart';
  return { attribute, parent, expression: formula, reason, clashes: best?.clashes ?? 0 };
}

function score(formula: Formula, id: Column, accounts: Accounts, pairs: ReadonlyMap<number, number>): Scored {
  // Two rows of one id are one person, by mistake.
  const people = new Map(id.values.map((value, row) => [value, (formula.values[row] ?? '').toLowerCase()]));
  const filled = [...people.values()].filter((value) => value !== '');
  let same = 0;
  for (const [row, account] of pairs) {
    if ((formula.values[row] ?? '').toLowerCase() === accounts.leafValue(account).toLowerCase()) same++;
  }
  return { formula, same, both: pairs.size, clashes: filled.length - new Set(filled).size };
}
