/** Disabling and enabling an account: one value of what the object type declares as its state. */
import type { Change } from './act.ts';
import type { SideDefinition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { sameValue } from './matching.ts';

/** Undefined: it is already so. */
export function stateChange(
  { state, schema }: SideDefinition,
  kind: 'Disable' | 'Enable',
  entry: Entry,
): Change | undefined {
  if (!state) return undefined;
  const { attribute } = state;
  const from = valuesOf(entry, attribute.name, schema);
  const disabled = from.some((value) => sameValue(value, state.disabled, attribute.match));
  if (disabled === (kind === 'Disable')) return undefined;
  const enabled = state.enabled === undefined ? [] : [state.enabled];
  const to = kind === 'Disable' ? [state.disabled] : enabled;
  return {
    attribute,
    sensitive: attribute.sensitive,
    author: null,
    from,
    to,
    reads: new Set(),
    when: undefined,
  };
}
