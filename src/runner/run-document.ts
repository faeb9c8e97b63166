/** A run as the document tells it (DESIGN.md, "Command line"): a stable contract. */
import type { RunSummary } from '../controller/run-summary.ts';
import type { Evidence } from '../engine/ports.ts';
import type { RunResult } from '../engine/run-ports.ts';

export interface RunDocument {
  readonly mapping: string;
  readonly id: string;
  readonly mode: string;
  readonly trigger: string;
  readonly outcome: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly durationSeconds: number;
  readonly source: SideDocument;
  readonly target: SideDocument;
  readonly situations: readonly unknown[];
  readonly totals: Readonly<Record<string, number | string>>;
  readonly plan: { readonly digest: string; readonly operations: number; readonly expiresAt: string } | null;
}

interface SideDocument {
  readonly entries: number;
  readonly complete: string;
  readonly proof: string | null;
  readonly reason: string | null;
}

const NO_TOTALS = { inSync: 0, planned: 0, applied: 0, held: 0, failed: 0, pending: 0 };

export function documentOf(summary: RunSummary): RunDocument {
  const { result, startedAt, finishedAt, mapping, id, mode, trigger, outcome } = summary;
  return {
    mapping,
    id,
    mode,
    trigger,
    outcome,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    durationSeconds: (finishedAt - startedAt) / 1_000,
    source: sideDocument(result?.source, summary.code),
    target: sideDocument(result?.target, summary.code),
    situations: result?.situations ?? [],
    totals: { ...(result?.totals ?? NO_TOTALS), planDigest: result?.planDigest ?? '' },
    plan: result ? planDocument(result) : null,
  };
}

function planDocument({ plan, heldOperations }: RunResult): RunDocument['plan'] {
  return plan
    ? { digest: plan.digest, operations: heldOperations, expiresAt: new Date(plan.expiresAt).toISOString() }
    : null;
}

function sideDocument(
  side: { readonly entries: number; readonly evidence: Evidence } | undefined,
  code: string | undefined,
): SideDocument {
  if (!side) return { entries: 0, complete: 'No', proof: null, reason: code ?? null };
  const { complete, proof, reason } = side.evidence;
  return { entries: side.entries, complete, proof: proof ?? null, reason: reason ?? null };
}

export function storedBody(summary: RunSummary): unknown {
  return { ...documentOf(summary), message: summary.message ?? null };
}
