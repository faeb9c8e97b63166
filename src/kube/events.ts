/**
 * Events of events.k8s.io for people who ask kubectl. The first of a kind is written at once, its repeats as a count
 * on it, and of one object never more than a few: an Event is a help and no record, and is dropped rather than piled up.
 */
import { apiVersion, group } from '../api/names.ts';
import {
  ClusterError,
  monotonicNow,
  type Log,
  type RecordedEvent,
  type Recorder,
} from '../controller/ports.ts';
import type { Call, KubeClient } from './client.ts';
import { microTime } from './micro-time.ts';
import { collectionPath, objectPath, resources } from './resources.ts';
import { TokenBucket } from './token-bucket.ts';

export interface KubeRecorderOptions {
  readonly client: KubeClient;
  /** The pod. */
  readonly instance: string;
  readonly log: Log;
  readonly timings?: Partial<RecorderTimings>;
}

export interface RecorderTimings {
  /** A count is written at most so often. */
  readonly repeatMs: number;
  /** What was not repeated for so long is a new Event when it comes again. */
  readonly forgottenAfterMs: number;
}

/** As client-go: the server keeps Events for an hour. */
const TIMINGS: RecorderTimings = { repeatMs: 60_000, forgottenAfterMs: 360_000 };
/** Warnings, and as many others. */
const BURST_PER_OBJECT = 25;
const PER_SECOND_AND_OBJECT = 1 / 300;
/** Of the API: bytes of UTF-8. */
const LONGEST_NOTE_BYTES = 1_024;
const LONGEST_WORD = 128;
const LONGEST_NAME = 253;
/** Above it, what was long not repeated is forgotten; above the second, what is new is dropped. */
const MANY_SERIES = 1_000;
const MOST_IN_FLIGHT = 200;

interface Series {
  readonly event: RecordedEvent;
  /** Of the object in the cluster. */
  name: string;
  count: number;
  writtenCount: number;
  writtenAt: number;
  lastAt: number;
  lastTime: number;
  timer: NodeJS.Timeout | undefined;
  /** Writes of one series follow each other. */
  writing: Promise<void>;
}

export class KubeRecorder implements Recorder {
  readonly #options: KubeRecorderOptions;
  readonly #timings: RecorderTimings;
  readonly #series: Map<string, Series> = new Map();
  readonly #buckets: Map<string, TokenBucket> = new Map();
  #inFlight = 0;
  #names = 0n;

  constructor(options: KubeRecorderOptions) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
  }

  record(event: RecordedEvent): void {
    const now = monotonicNow();
    if (this.#series.size > MANY_SERIES) this.#forget(now);
    // Another note is another Event: the server lets nobody change one, and the newest counts matter most.
    const key = JSON.stringify([objectOf(event), event.type, event.reason, event.action, event.note]);
    const known = this.#series.get(key);
    if (known !== undefined && now - known.lastAt < this.#timings.forgottenAfterMs) {
      known.count++;
      known.lastAt = now;
      known.lastTime = Date.now();
      this.#repeatWhenDue(known, now);
      return;
    }
    clearTimeout(known?.timer);
    if (this.#inFlight >= MOST_IN_FLIGHT || !this.#mayWrite(event)) {
      this.#options.log.debug({ reason: event.reason, object: objectOf(event) }, 'An Event is one too many');
      return;
    }
    const series = this.#begin(event, now);
    this.#series.set(key, series);
    this.#write(series, () => this.#create(series, undefined));
  }

  async flush(): Promise<void> {
    for (const series of this.#series.values()) if (series.count > series.writtenCount) this.#repeat(series);
    await Promise.all([...this.#series.values()].map(({ writing }) => writing));
  }

  #begin(event: RecordedEvent, now: number): Series {
    return {
      event,
      name: this.#nameFor(event),
      count: 1,
      writtenCount: 1,
      writtenAt: now,
      lastAt: now,
      lastTime: Date.now(),
      timer: undefined,
      writing: Promise.resolve(),
    };
  }

  #repeatWhenDue(series: Series, now: number): void {
    if (series.timer !== undefined) return;
    const dueInMs = Math.max(0, series.writtenAt + this.#timings.repeatMs - now);
    series.timer = setTimeout(() => {
      series.timer = undefined;
      // Where the object has had its share, the count is written with a later repeat.
      if (this.#mayWrite(series.event)) this.#repeat(series);
    }, dueInMs).unref();
  }

  #repeat(series: Series): void {
    clearTimeout(series.timer);
    series.timer = undefined;
    const { count } = series;
    const content = { count, lastObservedTime: microTime(series.lastTime) };
    series.writtenCount = count;
    series.writtenAt = monotonicNow();
    this.#write(series, async () => {
      const path = objectPath('Event', `${series.event.regarding.metadata.namespace}/${series.name}`);
      try {
        await this.#call({ verb: 'patch', path, body: { series: content } });
      } catch (error) {
        if (!(error instanceof ClusterError) || error.code !== 'NotFound') throw error;
        series.name = this.#nameFor(series.event); // it was kept no longer
        await this.#create(series, content);
      }
    });
  }

  #write(series: Series, work: () => Promise<void>): void {
    this.#inFlight++;
    series.writing = series.writing
      .then(work)
      .catch((error: unknown) => {
        const { reason } = series.event;
        this.#options.log.warn(
          { err: error, reason, object: objectOf(series.event) },
          'An Event is not written',
        );
      })
      .finally(() => this.#inFlight--);
  }

  async #create(series: Series, repeated: object | undefined): Promise<void> {
    const { regarding, type, reason, action, note } = series.event;
    const { namespace, name, uid, resourceVersion } = regarding.metadata;
    const body = {
      apiVersion: resources.Event.apiVersion,
      kind: 'Event',
      metadata: { namespace, name: series.name },
      eventTime: microTime(series.lastTime),
      ...(repeated === undefined ? {} : { series: repeated }),
      type,
      reason: reason.slice(0, LONGEST_WORD),
      action: action.slice(0, LONGEST_WORD),
      note: shorten(note),
      regarding: { apiVersion, kind: regarding.kind, namespace, name, uid, resourceVersion },
      reportingController: `${group}/rollcall`,
      reportingInstance: this.#options.instance.slice(0, LONGEST_WORD),
    };
    try {
      await this.#call({ verb: 'create', path: collectionPath('Event', namespace), body, repeatable: true });
    } catch (error) {
      // The name is ours alone: an earlier attempt, whose answer was lost, made it.
      if (!(error instanceof ClusterError) || error.code !== 'Conflict') throw error;
    }
  }

  async #call(call: Call): Promise<void> {
    await this.#options.client.call(call, new AbortController().signal);
  }

  #mayWrite(event: RecordedEvent): boolean {
    // What is normal comes often, and must not leave a warning without its turn.
    const object = `${event.type} ${objectOf(event)}`;
    const known = this.#buckets.get(object);
    const bucket = known ?? new TokenBucket(PER_SECOND_AND_OBJECT, BURST_PER_OBJECT, monotonicNow);
    this.#buckets.set(object, bucket);
    return bucket.tryTake();
  }

  /** The name of the object and a number that no other Event has: time, and a count within it. */
  #nameFor({ regarding }: RecordedEvent): string {
    const number = BigInt(Date.now()) * 1_000_000n + (this.#names++ % 1_000_000n);
    const suffix = `.${number.toString(16)}`;
    const name = regarding.metadata.name.slice(0, LONGEST_NAME - suffix.length);
    return name.replace(/[-.]+$/, '') + suffix;
  }

  #forget(now: number): void {
    for (const [key, series] of this.#series)
      if (now - series.lastAt >= this.#timings.forgottenAfterMs) this.#series.delete(key);
    for (const [object, bucket] of this.#buckets) if (bucket.isFull()) this.#buckets.delete(object);
  }
}

function objectOf({ regarding }: RecordedEvent): string {
  const { namespace, name, uid } = regarding.metadata;
  return `${regarding.kind} ${namespace}/${name} ${uid ?? ''}`;
}

/** Between two characters, with a sign that there was more. */
function shorten(note: string): string {
  if (Buffer.byteLength(note) <= LONGEST_NOTE_BYTES) return note;
  const more = '…';
  const room = new Uint8Array(LONGEST_NOTE_BYTES - Buffer.byteLength(more));
  return note.slice(0, new TextEncoder().encodeInto(note, room).read) + more;
}
