/** What a run that ended says of its mapping: the table of outcomes in DESIGN.md, "The three kinds". */
import { reasons, type Reason } from '../api/conditions.ts';
import type { BudgetUse } from '../engine/guard.ts';
import type { RunResult } from '../engine/run-ports.ts';
import type { Findings, Finding } from './condition-list.ts';
import { faultOf } from './fault.ts';
import type { RunSummary } from './run-summary.ts';

/** A run with more failures than this among what it planned did not do its work. */
const FAILED_SHARE = 0.1;

export function verdictOfRun(summary: RunSummary): Findings {
  const { result } = summary;
  switch (summary.outcome) {
    case 'Succeeded':
      return succeeded(summary);
    case 'Held':
      return held(summary);
    case 'Degraded':
      return degraded(summary);
    case 'Failed': {
      const cause = causeOf(summary);
      return {
        Ready: finding('False', cause.reason, cause.message),
        Reconciling: finding('True', 'ProgressingWithRetry', `it is tried again: ${cause.message}`),
        ...(result && heldOf(result)),
      };
    }
    case 'Stalled': {
      const cause = causeOf(summary);
      return {
        Ready: finding('False', cause.reason, cause.message),
        Stalled: finding('True', cause.reason, cause.message),
        InSync: finding('False', cause.reason, cause.message),
        ...(result && heldOf(result)),
      };
    }
  }
}

function finding(status: Finding['status'], reason: Reason, message: string): Finding {
  return { status, reason, message };
}

function succeeded({ mode, result }: RunSummary): Findings {
  const pending = result?.totals.pending ?? 0;
  if (mode === 'Observe' && pending > 0) {
    const message = `${pending} ${pending === 1 ? 'change' : 'changes'} planned; set mode: Enforce to apply them`;
    return {
      Ready: finding('True', 'PlanPending', message),
      InSync: finding('False', 'PlanPending', message),
    };
  }
  const message = applied(result);
  return { Ready: finding('True', 'Succeeded', message), InSync: finding('True', 'Succeeded', message) };
}

function applied(result: RunResult | undefined): string {
  const count = result?.totals.applied ?? 0;
  return count === 0 ? 'nothing to change' : `${count} ${count === 1 ? 'change' : 'changes'} applied`;
}

function held(summary: RunSummary): Findings {
  const { result } = summary;
  const count = result?.totals.held ?? 0;
  const { message } = causeOf(summary);
  const text = `${count} ${count === 1 ? 'change is' : 'changes are'} held: ${message}`;
  return {
    Ready: finding('True', 'ChangesHeld', text),
    InSync: finding('False', 'ChangesHeld', text),
    ...(result && heldOf(result)),
  };
}

function degraded(summary: RunSummary): Findings {
  const { result } = summary;
  const { failed = 0, planned = 0 } = result?.totals ?? {};
  const { reason, message } = causeOf(summary);
  const works = failed <= planned * FAILED_SHARE;
  return {
    Ready: finding(works ? 'True' : 'False', reason, message),
    InSync: finding('False', reason, message),
    ...(result && heldOf(result)),
  };
}

function failures({ totals: { failed, planned } }: RunResult): string {
  return `${failed} of ${planned} changes failed; rollcall history names them`;
}

/** Held is there only while something is. */
function heldOf(result: RunResult): Findings {
  if (!result.plan) return {};
  const [trip] = result.trips;
  const { held } = result.totals;
  const digest = `approve ${result.plan.digest} to release what is held`;
  if (trip) return { Held: finding('True', trip.reason, `${trip.message}; ${digest}`) };
  const [over] = result.exceeded;
  if (over) return { Held: finding('True', 'BudgetExceeded', `${exceeded(over)}; ${digest}`) };
  const reason = heldBy(result);
  return {
    Held: finding(
      'True',
      reason,
      `${held} ${held === 1 ? 'change is' : 'changes are'} held: ${reasons[reason]}`,
    ),
  };
}

function incomplete({ source, target }: RunResult): boolean {
  return source.evidence.complete === 'No' || target.evidence.complete === 'No';
}

export function exceeded({ effect, attribute, count, limit }: BudgetUse): string {
  return `${effect}${attribute === '' ? '' : ` of ${attribute}`}: ${count} entries, the limit is ${limit}`;
}

/** Why a run did not simply succeed, in words that name no entry. */
export function causeOf({ result, code, message = '' }: RunSummary): { reason: Reason; message: string } {
  if (!result) return causeWithoutResult(code, message);
  if (result.totals.failed > 0 && result.outcome === 'Degraded')
    return { reason: 'EntriesFailed', message: failures(result) };
  const [trip] = result.trips;
  if (trip) return { reason: trip.reason, message: trip.message };
  const [over] = result.exceeded;
  if (over) return { reason: 'BudgetExceeded', message: exceeded(over) };
  const unknown = /^UnknownAttribute: (.*)$/.exec(message)?.[1];
  if (unknown !== undefined) return { reason: 'SchemaMismatch', message: unknown };
  if (result.outcome === 'Failed') return { reason: 'WritesFailed', message: reasons.WritesFailed };
  const reason = heldBy(result);
  return { reason, message: reasons[reason] };
}

function heldBy(result: RunResult): 'DependencyPending' | 'EvidenceMissing' | 'Protected' {
  if (result.waits) return 'DependencyPending';
  return incomplete(result) ? 'EvidenceMissing' : 'Protected';
}

function causeWithoutResult(code: string | undefined, message: string): { reason: Reason; message: string } {
  if (code === 'InvalidSpec') return { reason: 'InvalidSpec', message };
  if (code === 'ReadOnly') return { reason: 'AccessDenied', message };
  if (code === 'Stopped')
    return { reason: 'ProgressingWithRetry', message: 'the run was stopped; the next one goes on' };
  return faultOf(code, message);
}
