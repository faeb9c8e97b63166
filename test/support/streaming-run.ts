/**
 * A program of its own, run with --expose-gc: a run over so many unchanged pairs, made on the way, and what is
 * alive in memory meanwhile; with `decodes` the systems cannot skim. Prints one line of JSON.
 */
import { setTimeout } from 'node:timers/promises';
import type { Entry } from '../../src/engine/entry.ts';
import { World } from './world.ts';

const BATCH = 500;
const SAMPLES = 20;

function* people(count: number, prefix: string): Generator<readonly Entry[]> {
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    yield Array.from({ length: size }, (_, at) => person(start + at, prefix));
  }
}

function person(at: number, prefix: string): Entry {
  const attributes = new Map<string, readonly string[]>([
    ['key', [`key-${at}`]],
    ['title', [`title of ${at}`]],
    ['phone', [`+49 30 ${at}`]],
    ['tags', [`a${at}`, `b${at}`]],
  ]);
  return { id: `${prefix}${at}`, name: undefined, attributes };
}

function alive(): number {
  globalThis.gc?.();
  // Array buffers are part of what is external.
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Measured {
  readonly peak: number;
  readonly seconds: number;
  readonly inSync: number;
  readonly recognised: number;
}

async function measure(count: number, decodes: boolean): Promise<Measured> {
  const attributes = ['key', 'title', 'phone', 'tags'].map((name) => ({ target: name, from: name }));
  const world = new World({ spec: { attributes } });
  world.source.stream = () => people(count, 's');
  world.target.stream = () => people(count, 't');
  if (decodes) for (const side of [world.source, world.target]) delete side.skim;
  await world.run({ recordsAll: false });
  // Freed buffers are given back a moment after the collection that found them.
  await setTimeout(100);
  alive();
  let peak = 0;
  let batches = 0;
  const every = Math.max(1, Math.floor((2 * count) / BATCH / SAMPLES));
  world.progress = () => {
    if (batches++ % every === 0) peak = Math.max(peak, alive());
  };
  await world.run({ recordsAll: false });
  const recognised = world.source.recognised + world.target.recognised;
  world.progress = () => undefined;
  const started = performance.now();
  const { totals } = await world.run({ recordsAll: false });
  const seconds = (performance.now() - started) / 1000;
  world.state.database.close();
  return { peak, seconds, inSync: totals.inSync, recognised };
}

const decodes = process.argv[3] === 'decodes';
const few = await measure(5, decodes);
const many = await measure(Number(process.argv[2] ?? 100_000), decodes);
process.stdout.write(`${JSON.stringify({ few, many })}\n`);
