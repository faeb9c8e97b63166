/** Whether a mapping takes an entry for one of its own, and if not, by which field. */
import type { SideDefinition } from '../engine/definition.ts';
import type { Entry } from '../engine/entry.ts';
import { Examiner } from '../engine/examine.ts';
import type { Digest } from '../engine/ports.ts';
import { isProtected } from '../engine/prepare.ts';

export interface Look {
  readonly entry: Entry;
  /** Base and filters would list it. */
  readonly listed: boolean;
  readonly now: number;
  readonly digest: Digest;
}

/** Goes on after "the entry is"; undefined: it is in scope, and not marked deleted. */
export function unfitness(own: SideDefinition, { entry, listed, now, digest }: Look): string | undefined {
  const field = `spec.${own.side.toLowerCase()}`;
  if (!listed) return `out of scope: base or filter of ${own.system}, or ${field}.filter, leaves it out`;
  const { state, error } = new Examiner(own, { digest, now, correlate: [] }).judge(entry);
  if (state === 'OutOfScope') return `out of scope by ${field}.where${textOf(own.where)}`;
  if (state === 'DeletedMark') return `marked deleted by ${field}.deletedWhen${textOf(own.deletedWhen)}`;
  return error && `not to be judged: ${error.rule ?? ''}: ${error.message}`;
}

function textOf(expression: { readonly text: string } | undefined): string {
  return expression === undefined ? '' : ` (${expression.text})`;
}

/** The rule of the ManagedSystem that keeps it from being written. */
export function protection(own: SideDefinition, { entry, now }: Look): string | undefined {
  return own.protect.find((rule) => isProtected(rule, entry, now))?.text;
}
