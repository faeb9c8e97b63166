/** `rollcall approve`: releases a held plan; the next run does exactly what was held. */
import { Approvals, listHeldPlans } from '../store/approvals.ts';
import { findMapping as mappingRow } from '../store/mappings.ts';
import { openState } from '../store/state.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { whoOf } from './pairing.ts';
import type { Project } from './project.ts';
import { findMapping, systemClock } from './roll-call.ts';

export function approve(project: Project, { settings, output }: Context): number {
  const { key } = findMapping(project, settings.mapping ?? '');
  const digest = settings.plan ?? '';
  using state = openState(project.stateFolder, process.pid);
  const now = systemClock.now();
  const row = mappingRow(state.database, key);
  if (row === undefined || !new Approvals(state.database, row).approve(digest, whoOf({ settings }), now)) {
    const held = row === undefined ? [] : listHeldPlans(state.database, row, now).map((plan) => plan.digest);
    const known = held.length === 0 ? 'nothing is held for it' : `held is ${held.join(', ')}`;
    throw new CommandFailure(
      EXIT.invalid,
      `no plan ${digest} is held for ${key}: ${known}; a digest of another installation, or of rollcall plan without state, releases nothing`,
    );
  }
  output.write(`${key}: plan ${digest} is released; rollcall run applies what of it is still wanted\n`);
  return EXIT.ok;
}
