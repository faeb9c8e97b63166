/** What a look at a mapping comes to. mapping-status.ts turns it into conditions, mapping-events.ts into Events. */
import type { Reason } from '../api/conditions.ts';
import type { Progress } from '../engine/run-ports.ts';
import type { Trigger } from './due.ts';
import type { RunReport } from './ports.ts';

export type MappingOutcome =
  /** spec.suspend: nothing is read, nothing is written. */
  | { readonly kind: 'Suspended' }
  /** It goes on only when somebody changes something. */
  | { readonly kind: 'Invalid'; readonly reason: Reason; readonly message: string }
  /** For something that it refers to; `resolved`: it is there, and not ready. */
  | {
      readonly kind: 'Waiting';
      readonly reason: Reason;
      readonly message: string;
      readonly resolved: boolean;
    }
  /** Valid, and no run of this generation is due yet. */
  | { readonly kind: 'Idle' }
  /** It is due, and other runs go first. */
  | { readonly kind: 'Queued' }
  /** A run of this generation goes on. */
  | { readonly kind: 'Running'; readonly run: StartedRun; readonly progress: Progress | undefined }
  | { readonly kind: 'Ran'; readonly report: RunReport }
  /** A fault of ours ended the run. */
  | { readonly kind: 'Crashed'; readonly run: StartedRun; readonly reason: Reason; readonly message: string }
  /** It was due a fourth time in one chain. */
  | { readonly kind: 'NotSettling'; readonly message: string };

export interface StartedRun {
  readonly id: string;
  readonly mode: 'Observe' | 'Enforce';
  readonly trigger: Trigger;
  readonly startedAt: number;
}
