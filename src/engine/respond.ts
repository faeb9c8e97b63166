/**
 * Response → operation: what a decided response means for this pair. What is already so is in sync and no
 * operation; what cannot be done is refused or failed here, before anything is written.
 */
import { act, failed, IN_SYNC, putLink, type RespondInput, type Responded } from './act.ts';
import { create } from './create.ts';
import type { Share } from './decide.ts';
import type { Response } from './definition.ts';
import { update } from './update.ts';
import { remove, setState } from './withdraw.ts';

type Respond = (share: Share, input: RespondInput) => Responded;

const RESPOND: Readonly<Record<Response, Respond>> = {
  Ignore: () => ({ kind: 'Nothing', outcome: 'Ignored' }),
  Report: () => ({ kind: 'Nothing', outcome: 'Reported' }),
  Fail: failByPolicy,
  Link: (_, input) => act({ kind: 'Link', side: 'Link', link: putLink(input, new Map(), undefined) }),
  Unlink: (_, input) => unlink(input),
  CreateTarget: (_, input) => create('Target', input),
  CreateSource: (_, input) => create('Source', input),
  UpdateTarget: (share, input) => update('Target', share, input),
  UpdateSource: (share, input) => update('Source', share, input),
  DeleteTarget: (_, input) => remove('Target', input),
  DeleteSource: (_, input) => remove('Source', input),
  DisableTarget: (_, input) => setState('Target', 'Disable', input),
  DisableSource: (_, input) => setState('Source', 'Disable', input),
  EnableTarget: (_, input) => setState('Target', 'Enable', input),
  EnableSource: (_, input) => setState('Source', 'Enable', input),
};

export function respond(response: Response, share: Share, input: RespondInput): Responded {
  return RESPOND[response](share, input);
}

function failByPolicy({ decision }: Share): Responded {
  const rule = decision.rule?.name ?? null;
  const message = `the policy asks for failure here (rule ${rule ?? 'default'})`;
  return {
    kind: 'Error',
    outcome: 'Failed',
    error: { code: 'FailedByPolicy', attribute: null, rule, message },
  };
}

const WOULD_DUPLICATE =
  'nothing correlates the two, so unlinked the source would count as Absent and get a second target; add a correlation rule that finds it again, or another response for Absent';

function unlink(input: RespondInput): Responded {
  const { linked } = input;
  if (linked === undefined) return IN_SYNC;
  if (input.makesSecondTarget()) return failed('WouldDuplicate', WOULD_DUPLICATE);
  return act({ kind: 'Unlink', side: 'Link', link: { kind: 'Remove', sourceKey: linked.sourceKey } });
}
