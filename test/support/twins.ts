/**
 * The same world twice: one whose systems let entries be recognised by their octets, and one in which everything is
 * decoded. Whatever happens to both, every run of the one says, does and remembers what the other's does.
 */
import { expect } from 'vitest';
import type { RunRequest } from '../../src/engine/run-ports.ts';
import { entryOf, sentences, World, type Report, type Row, type WorldOptions } from './world.ts';

/** What a run of the recognising one had to decode, and what not. */
export interface Glance {
  readonly report: Report;
  readonly decoded: readonly string[];
  readonly recognised: { readonly source: number; readonly target: number };
  /** What an earlier run had found of unlinked entries stood: nobody was judged. */
  readonly stood: boolean;
  /** Entries that were looked at again by their id. */
  readonly fetches: number;
}

export class Twins {
  readonly #skimming: World;
  readonly #decoding: World;
  #decoded: string[] = [];

  constructor(options: () => WorldOptions) {
    this.#skimming = new World(options());
    this.#decoding = new World(options());
    for (const side of [this.#decoding.source, this.#decoding.target]) delete side.skim;
    for (const side of [this.#skimming.source, this.#skimming.target])
      side.decodes = (id) => this.#decoded.push(id);
  }

  get world(): World {
    return this.#skimming;
  }

  both(change: (world: World) => void): void {
    change(this.#skimming);
    change(this.#decoding);
  }

  async run(request: Partial<RunRequest> = {}): Promise<Glance> {
    const { source, target } = this.#skimming;
    this.#decoded = [];
    [source.recognised, target.recognised] = [0, 0];
    const before = source.fetches + target.fetches;
    const [report, other] = [await this.#skimming.run(request), await this.#decoding.run(request)];
    expect(told(this.#skimming, report)).toEqual(told(this.#decoding, other));
    const recognised = { source: source.recognised, target: target.recognised };
    const last = 'SELECT repeats FROM runs ORDER BY sequence DESC LIMIT 1';
    const stood = (this.#skimming.state.database.get(last)?.['repeats'] ?? null) !== null;
    const fetches = source.fetches + target.fetches - before;
    return { report, decoded: this.#decoded.toSorted(), recognised, stood, fetches };
  }

  /** Whether the next run could use what is kept of the links. */
  get keepsPages(): boolean {
    return this.#skimming.memory().links.pages.header() !== undefined;
  }

  close(): void {
    this.both(({ state }) => state.database.close());
  }
}

function told(world: World, report: Report): unknown {
  const memory = world.memory();
  return {
    sentences: sentences(report).toSorted(),
    records: report.records,
    outcome: [report.outcome, report.message],
    read: [report.source, report.target],
    totals: report.totals,
    situations: report.situations,
    trips: report.trips,
    plan: [report.planDigest, report.heldOperations, report.exceeded],
    baselines: [memory.baseline('Source'), memory.baseline('Target')],
    links: [...memory.links.heads()],
    since: [...memory.since()],
    marks: [...memory.marks('Target')],
    sources: world.sources(),
    targets: world.targets(),
  };
}

/** So many pairs, linked by hand, each of a person `s…` and an account `t…` with a key of their own. */
export function pairs(count: number, more: WorldOptions = {}): Twins {
  const rows = (prefix: string): Row[] =>
    Array.from({ length: count }, (_, at) => ({ id: `${prefix}${at}`, key: `k${at}`, title: 'x' }));
  const twins = new Twins(() => ({ source: rows('s'), target: rows('t'), ...more }));
  for (let at = 0; at < count; at++) twins.both((world) => world.link(`s${at}`, `t${at}`));
  return twins;
}

/** Pairs that two runs have seen: everything of them is recognised. */
export async function settled(count: number, more: WorldOptions = {}): Promise<Twins> {
  const twins = pairs(count, more);
  await twins.run();
  const { recognised } = await twins.run();
  expect(recognised).toEqual({ source: count, target: count });
  return twins;
}

export function putSource(twins: Twins, ...rows: readonly Row[]): void {
  for (const row of rows) twins.both(({ source }) => source.put(entryOf(row)));
}

export function putTarget(twins: Twins, ...rows: readonly Row[]): void {
  for (const row of rows) twins.both(({ target }) => target.put(entryOf(row)));
}
