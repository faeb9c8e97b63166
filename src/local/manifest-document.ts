/**
 * From YAML text to plain values whose places are known. The core schema of YAML 1.2 is used: `2026-01-01` stays
 * text and `on` stays a word. kubectl still reads YAML 1.1, so what it would read otherwise gets a note.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import type { PathKey } from '../api/problem.ts';

export interface Finding {
  readonly line: number;
  readonly message: string;
}

export interface ManifestDocument {
  /** Undefined for an empty document, and where the YAML is broken. */
  readonly value: unknown;
  /** The line of a field, or of the nearest thing around it that is there. */
  readonly lineOf: (path: readonly PathKey[]) => number;
  /** Broken YAML, duplicate keys. */
  readonly problems: readonly Finding[];
  /** What kubectl would read differently. */
  readonly notes: readonly Finding[];
}

/** Aliases that a manifest may expand to; a "billion laughs" file has more. */
const largestAliasCount = 100;

export function parseDocuments(text: string): ManifestDocument[] {
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false, // a pretty error quotes the source, which may be a Secret
      stringKeys: true,
      uniqueKeys: true,
      version: '1.2',
      schema: 'core',
    });
    if (!Array.isArray(documents)) return [];
    return documents.map((document) => toManifestDocument(document, lines));
  } catch (error) {
    // Nesting so deep that the parser runs out of stack.
    const message = `cannot be parsed: ${error instanceof Error ? error.message : String(error)}`;
    return [{ value: undefined, lineOf: () => 1, problems: [{ line: 1, message }], notes: [] }];
  }
}

function toManifestDocument(document: Document.Parsed, lines: LineCounter): ManifestDocument {
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const start = document.contents?.range[0] ?? document.range[0];
  const problems = document.errors.map((error) => ({
    line: lineAt(error.pos[0]),
    message: lowerFirst(withoutSource(error)),
  }));
  const warnings = document.warnings.map((warning) => ({
    line: lineAt(warning.pos[0]),
    message: withoutSource(warning),
  }));
  const readable = document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  const expanded = readable ? expand(document) : { value: undefined, problem: undefined };
  return {
    value: expanded.value,
    lineOf: (path) => lineAt(offsetOf(document, path) ?? start),
    problems:
      expanded.problem === undefined
        ? problems
        : [...problems, { line: lineAt(start), message: expanded.problem }],
    notes: [...warnings, ...wordsOfYaml11(document, lineAt)],
  };
}

/** What stands in the text may be a password that nobody has put in quotes: `password: !x*y`. */
const QUOTING: ReadonlySet<string> = new Set([
  'UNEXPECTED_TOKEN',
  'BAD_DQ_ESCAPE',
  'BAD_DIRECTIVE',
  'TAG_RESOLVE_FAILED',
  'BAD_ALIAS',
]);

function withoutSource({ code, message }: YAMLError): string {
  if (!QUOTING.has(code)) return message;
  const told = message.replace(/( in YAML stream)?:? *(["!%\\&*].*)?$/s, '').replace(/:.*$/s, '');
  return `${told}; a value with such characters belongs in quotes`;
}

function expand(document: Document.Parsed): { value: unknown; problem: string | undefined } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: largestAliasCount });
    JSON.stringify(value); // throws for an alias to what it stands in
    return { value, problem: undefined };
  } catch {
    return {
      value: undefined,
      problem:
        'has aliases (*name) that name nothing or repeat too much: write the parts out, or put a value that begins with * in quotes',
    };
  }
}

/** Where the last key of the path that exists is written. */
function offsetOf(document: Document.Parsed, path: readonly PathKey[]): number | undefined {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0];
  for (const key of path) {
    const step = stepInto(isAlias(node) ? node.resolve(document) : node, key);
    if (step === undefined) return offset;
    node = step.node;
    offset = step.offset ?? offset;
  }
  return offset;
}

interface Step {
  readonly node: Node | null;
  readonly offset: number | undefined;
}

function stepInto(node: Node | null | undefined, key: PathKey): Step | undefined {
  if (isSeq<Node>(node) && typeof key === 'number') {
    const item = node.items[key];
    return item === undefined ? undefined : { node: item, offset: item.range?.[0] };
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const pair = node.items.find((each) => isScalar(each.key) && each.key.value === String(key));
  return pair === undefined ? undefined : { node: pair.value, offset: pair.key.range?.[0] };
}

/** Plain words that are booleans, and numbers that are octal, to kubectl's YAML 1.1. */
const otherInYaml11 = /^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|[-+]?0[0-7]+)$/;

function wordsOfYaml11(document: Document.Parsed, lineAt: (offset: number) => number): Finding[] {
  const found: Finding[] = [];
  visit(document, {
    Scalar(_, node) {
      if (node.type !== 'PLAIN' || node.source === undefined || !otherInYaml11.test(node.source)) return;
      // A number may be somebody's PIN; the words are known.
      const message = /^[-+\d]/.test(node.source)
        ? 'kubectl reads a plain number that begins with 0 as an octal number: put it in quotes'
        : `kubectl reads a plain ${node.source} as a boolean: put it in quotes`;
      found.push({ line: lineAt(node.range?.[0] ?? 0), message });
    },
  });
  return found;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
