/** A log and an observer that keep what they are told, for tests to look at. */
import { inspect } from 'node:util';
import type { ClusterObserver, Log, WatchedKind } from '../../src/controller/ports.ts';

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: object;
  readonly message: string;
}

export class RecordingLog implements Log {
  readonly lines: LogLine[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }

  /** All that was logged, as deep as it goes: for looking for what must not be there. */
  text(): string {
    return inspect(this.lines, { depth: 20, maxStringLength: null, maxArrayLength: null });
  }
}

export type ObservedRequest = Parameters<ClusterObserver['requested']>[0];

export class RecordingObserver implements ClusterObserver {
  readonly requests: ObservedRequest[] = [];
  /** `List Kind cause` and `Watch Kind reason`, in order. */
  readonly happened: string[] = [];
  readonly lastHeard: Map<WatchedKind, number> = new Map();
  leads: boolean | undefined;

  requested(request: ObservedRequest): void {
    this.requests.push(request);
  }

  listed(kind: WatchedKind, cause: string): void {
    this.happened.push(`List ${kind} ${cause}`);
  }

  watchEnded(kind: WatchedKind, reason: string): void {
    this.happened.push(`Watch ${kind} ${reason}`);
  }

  heard(kind: WatchedKind): void {
    this.lastHeard.set(kind, performance.now());
  }

  led(leads: boolean): void {
    this.leads = leads;
  }
}
