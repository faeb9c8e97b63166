/** Delete, Disable and Enable, on either side. */
import { act, IN_SYNC, missing, type RespondInput, type Responded } from './act.ts';
import { sideOf } from './definition.ts';
import { normalName, parentOf } from './dn.ts';
import type { LinkEffect } from './operation.ts';
import { stateChange } from './state-change.ts';
import { change } from './update.ts';

export function remove(side: 'Source' | 'Target', input: RespondInput): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  if (!entry) return IN_SYNC;
  const { linked } = input;
  const link: LinkEffect = linked ? { kind: 'Remove', sourceKey: linked.sourceKey } : { kind: 'None' };
  const { id, name } = entry;
  const names = name === undefined ? {} : { frees: normalName(name), parent: normalName(parentOf(name)) };
  return act({
    kind: 'Delete',
    side,
    write: { kind: 'Delete', id, name },
    link,
    mark: side === 'Target' ? 'Drop' : undefined,
    effects: [{ effect: 'Delete', attribute: '' }],
    ...names,
  });
}

/** An entry that is not linked stays so: only its state is written, and the mark that says whose doing it was. */
export function setState(
  side: 'Source' | 'Target',
  kind: 'Disable' | 'Enable',
  input: RespondInput,
): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  if (!entry) return missing(side.toLowerCase());
  const wanted = stateChange(sideOf(input.definition, side), kind, entry);
  if (!wanted) return IN_SYNC;
  const ours = kind === 'Disable' ? 'Put' : 'Drop';
  const mark = side === 'Target' ? ours : undefined;
  const responded = change({ side, kind, entry, changes: [wanted], agreed: input.equal, mark }, input);
  if (responded.kind !== 'Act' || input.linked !== undefined) return responded;
  return { kind: 'Act', act: { ...responded.act, link: { kind: 'None' } } };
}
