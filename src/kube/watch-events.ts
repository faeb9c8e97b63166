import { isRecord } from '../api/schema.ts';
import { ClusterError } from '../controller/ports.ts';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Readonly<Record<string, unknown>>;
}

/** The database of Kubernetes holds objects of 1.5 MiB; as JSON they may take some times that. */
const LONGEST_LINE = 32 * 1024 * 1024;

/** One JSON object a line. `heard` is called for every piece that comes. What cannot be read ends it by an error. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  heard: () => void,
): AsyncGenerator<WatchEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    heard();
    const text = decoder.decode(part, { stream: true });
    const end = text.lastIndexOf('\n');
    if (rest.length + text.length - end > LONGEST_LINE)
      throw new ClusterError('Unavailable', 'a watch sent an endless line');
    const lines = end === -1 ? [] : (rest + text.slice(0, end)).split('\n');
    rest = end === -1 ? rest + text : text.slice(end + 1);
    for (const line of lines) if (line.trim() !== '') yield parseEvent(line);
  }
}

function parseEvent(line: string): WatchEvent {
  try {
    const event: unknown = JSON.parse(line);
    if (isRecord(event) && isType(event['type']) && isRecord(event['object']))
      return { type: event['type'], object: event['object'] };
  } catch {
    // Told below, without a word of what may be somebody's object.
  }
  throw new ClusterError('Unavailable', 'a watch sent something that is not an event');
}

const TYPES: readonly unknown[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'];

function isType(word: unknown): word is WatchEvent['type'] {
  return TYPES.includes(word);
}
