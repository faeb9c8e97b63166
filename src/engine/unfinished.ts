/**
 * Writes whose answer was lost, by a broken connection or by a kill (SITUATIONS.md, "Unknown"). The engine looks
 * before it acts again: what is there as it was sent is ours, what is not there did not happen.
 */
import type { Unsettled } from './assess.ts';
import { sideOf, type Definition, type SideDefinition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { hashValues } from './fingerprint.ts';
import { keyOfId } from './matching.ts';
import type { Digest, EntryReader, Fetched, Intent, Memory, Settlement, Spending } from './ports.ts';

export interface Unfinished extends Unsettled {
  /** Target key → attribute → hash that one of our own writes was to set and that may stand there now. */
  readonly hashes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Closes the intents that were looked after; called once the hashes are not needed any more to judge by. */
  readonly settle: () => void;
}

export interface UnfinishedInput {
  readonly definition: Definition;
  readonly memory: Memory;
  readonly digest: Digest;
  readonly readers: Readonly<Record<'Source' | 'Target', EntryReader>>;
  readonly now: number;
}

/** Bounds the entries that are held; a file is read through once for so many. */
const INTENTS_AT_ONCE = 5_000;

export async function settleUnfinished(input: UnfinishedInput, signal: AbortSignal): Promise<Unfinished> {
  const looking = new Looking(input);
  const intents = input.memory.unfinished();
  for (let start = 0; start < intents.length; start += INTENTS_AT_ONCE)
    await looking.look(intents.slice(start, start + INTENTS_AT_ONCE), signal);
  return looking.finish();
}

interface Answers {
  readonly byName: ReadonlyMap<string, Fetched>;
  readonly byId: ReadonlyMap<string, Fetched>;
}

function isCreate({ kind }: Intent): boolean {
  return kind === 'Create';
}

/** What the reader is asked for: the id, or of what was to be created the name. */
function askedOf(intent: Intent): string | undefined {
  if (isCreate(intent)) return intent.naturalKey;
  return intent.side === 'Target' ? intent.targetId : intent.sourceId;
}

async function answersFor(
  intents: readonly Intent[],
  ask: (keys: readonly string[]) => AsyncIterable<Fetched>,
): Promise<ReadonlyMap<string, Fetched>> {
  const keys = new Set(intents.flatMap((intent) => askedOf(intent) ?? []));
  const answers = new Map<string, Fetched>();
  // A file is read through even for an empty question.
  if (keys.size > 0) for await (const answer of ask([...keys])) answers.set(answer.id, answer);
  return answers;
}

class Looking {
  readonly #input: UnfinishedInput;
  readonly #sources: Map<string, 'Unresolved' | 'Differs'> = new Map();
  readonly #targets: Set<string> = new Set();
  readonly #hashes: Map<string, ReadonlyMap<string, string>> = new Map();
  readonly #settlements: Settlement[] = [];
  readonly #spent: Spending[] = [];

  constructor(input: UnfinishedInput) {
    this.#input = input;
  }

  async look(intents: readonly Intent[], signal: AbortSignal): Promise<void> {
    const answers = {
      Source: await this.#ask('Source', intents, signal),
      Target: await this.#ask('Target', intents, signal),
    };
    for (const intent of intents) this.#judge(intent, answers[intent.side]);
  }

  finish(): Unfinished {
    const { memory, now } = this.#input;
    // A kill from here on means a second look, which finds the same; the store is not kept waiting for the systems.
    memory.flush();
    const settle = (): void => {
      // In one with the settlements, which make it durable: what happened counts, wherever a kill comes.
      memory.spend(now, this.#spent);
      memory.settle(this.#settlements);
    };
    return { sources: this.#sources, targets: this.#targets, hashes: this.#hashes, settle };
  }

  async #ask(side: 'Source' | 'Target', intents: readonly Intent[], signal: AbortSignal): Promise<Answers> {
    const reader = this.#input.readers[side];
    const { request } = sideOf(this.#input.definition, side);
    const own = intents.filter((intent) => intent.side === side);
    const created = own.filter(isCreate);
    const present = own.filter((intent) => !isCreate(intent));
    return {
      byName: await answersFor(created, (names) => reader.fetchByName(names, request, signal)),
      byId: await answersFor(present, (ids) => reader.fetch(ids, request, signal)),
    };
  }

  #judge(intent: Intent, { byName, byId }: Answers): void {
    const asked = askedOf(intent);
    const answer = asked === undefined ? undefined : (isCreate(intent) ? byName : byId).get(asked);
    if (!answer) this.#conclude(intent, 'Refused');
    else if (answer.kind === 'Failed') this.#block(intent, 'Unresolved');
    else if (isCreate(intent)) this.#judgeCreate(intent, answer);
    else this.#judgeChange(intent, answer);
  }

  #side(intent: Intent): SideDefinition {
    return sideOf(this.#input.definition, intent.side);
  }

  /** Until it is known what came of it, neither side of the pair gets any other response. */
  #block(intent: Intent, why: 'Unresolved' | 'Differs', found?: Entry): void {
    if (intent.sourceKey !== undefined) this.#sources.set(intent.sourceKey, why);
    if (intent.targetKey !== undefined) this.#targets.add(intent.targetKey);
    if (found && intent.side === 'Target') this.#targets.add(this.#keyOf('Target', found.id));
  }

  #judgeCreate(intent: Intent, answer: Fetched): void {
    if (answer.kind !== 'There') {
      this.#conclude(intent, 'Refused');
      return;
    }
    const { links } = this.#input.memory;
    const key = this.#keyOf(intent.side, answer.entry.id);
    const linked = intent.side === 'Target' ? links.byTarget(key) : links.bySource(key);
    if (linked) this.#conclude(intent, 'Applied');
    else if (this.#isAsSent(intent, answer.entry)) this.#adopt(intent, answer.entry, key);
    else this.#block(intent, 'Differs', answer.entry);
  }

  #adopt(intent: Intent, entry: Entry, key: string): void {
    const { memory, now } = this.#input;
    const isTarget = intent.side === 'Target';
    const [partnerId, partnerKey] = isTarget
      ? [intent.sourceId, intent.sourceKey]
      : [intent.targetId, intent.targetKey];
    if (partnerId !== undefined && partnerKey !== undefined) {
      const ends = isTarget
        ? { sourceId: partnerId, sourceKey: partnerKey, targetId: entry.id, targetKey: key }
        : { sourceId: entry.id, sourceKey: key, targetId: partnerId, targetKey: partnerKey };
      const agreed: ReadonlyMap<string, string> = isTarget
        ? new Map(Object.entries(intent.hashes))
        : new Map();
      memory.links.put({
        ...ends,
        agreed,
        sourcePrint: undefined,
        targetPrint: undefined,
        settledIn: undefined,
        linkedAt: now,
      });
    }
    this.#conclude(intent, 'Applied');
  }

  #judgeChange(intent: Intent, answer: Fetched): void {
    const there = answer.kind === 'There';
    const happened = intent.kind === 'Delete' ? !there : there && this.#isAsSent(intent, answer.entry);
    if (happened) this.#remember(intent);
    else if (there && intent.targetKey !== undefined)
      this.#hashes.set(intent.targetKey, new Map(Object.entries(intent.hashes)));
    this.#conclude(intent, happened ? 'Applied' : 'Refused');
  }

  /** What the lost answer would have made true of marks and links. */
  #remember(intent: Intent): void {
    const { memory } = this.#input;
    const { targetKey, sourceKey } = intent;
    if (intent.kind === 'Disable' && intent.side === 'Target' && targetKey !== undefined)
      memory.putMark('Target', targetKey);
    const link = sourceKey === undefined ? undefined : memory.links.bySource(sourceKey);
    if (!link || link.targetKey !== targetKey) return;
    if (intent.kind === 'Delete') memory.links.remove(link.sourceKey);
    else if (intent.side === 'Target') {
      const agreed = new Map([...link.agreed, ...Object.entries(intent.hashes)]);
      memory.links.put({ ...link, agreed, settledIn: undefined });
    }
  }

  #conclude(intent: Intent, outcome: Settlement['outcome']): void {
    this.#settlements.push({ intent: intent.id, outcome });
    if (outcome === 'Applied') this.#spent.push(...intent.spending);
  }

  #keyOf(side: 'Source' | 'Target', id: string): string {
    return keyOfId(id, sideOf(this.#input.definition, side).schema);
  }

  #isAsSent(intent: Intent, entry: Entry): boolean {
    const { schema } = this.#side(intent);
    return Object.entries(intent.hashes).every(([name, hash]) => {
      const attribute = schema.attributes.get(name);
      if (!attribute || attribute.writeOnly) return true;
      return hashValues(valuesOf(entry, name, schema), attribute, this.#input.digest) === hash;
    });
  }
}
