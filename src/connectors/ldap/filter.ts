/**
 * Search filters, RFC 4515. ldapts' own parser decodes `\c3\bc` into two characters instead of one letter and
 * knows neither attribute options nor object identifiers, so filters are parsed here and kept as octets.
 */
import { Filter, SearchFilter, type BerWriter, type SearchFilterValues } from 'ldapts';

import { ConnectorError } from '../../engine/errors.ts';

const OCTET_STRING = 0x04;
const INITIAL = 0x80;
const ANY = 0x81;
const FINAL = 0x82;
const MATCHING_RULE = 0x81;
const MATCHING_TYPE = 0x82;
const MATCHING_VALUE = 0x83;
const MATCHING_DN = 0x84;

class EncodedFilter extends Filter {
  override type: SearchFilterValues;
  readonly #write: (writer: BerWriter) => void;

  constructor(type: SearchFilterValues, write: (writer: BerWriter) => void) {
    super();
    this.type = type;
    this.#write = write;
  }

  override writeFilter(writer: BerWriter): void {
    this.#write(writer);
  }

  /** Says nothing: a filter may hold the values of people, and ldapts prints requests when it debugs. */
  override toString(): string {
    return '(filter)';
  }
}

/** Throws InvalidConfiguration that names the place of the fault. */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text);
  return parser.parse();
}

export function allOf(filters: readonly Filter[]): Filter {
  const [only, second] = filters;
  if (only && !second) return only;
  return new EncodedFilter(SearchFilter.and, (writer) => {
    for (const filter of filters) filter.write(writer);
  });
}

/** Matches an entry that has one of the values. */
export function anyEqual(attribute: string, values: readonly Buffer[]): Filter {
  const equal = values.map((value) => assertion(SearchFilter.equalityMatch, attribute, value));
  return new EncodedFilter(SearchFilter.or, (writer) => {
    for (const filter of equal) filter.write(writer);
  });
}

export function present(attribute: string): Filter {
  return new PresentFilter(attribute);
}

/** Its tag is primitive, unlike that of all others. */
class PresentFilter extends Filter {
  override type: SearchFilterValues = SearchFilter.present;
  readonly #attribute: string;

  constructor(attribute: string) {
    super();
    this.#attribute = attribute;
  }

  override write(writer: BerWriter): void {
    writer.writeString(this.#attribute, this.type);
  }

  override toString(): string {
    return '(filter)';
  }
}

function assertion(type: SearchFilterValues, attribute: string, value: Buffer): Filter {
  return new EncodedFilter(type, (writer) => {
    writer.writeString(attribute);
    writer.writeBuffer(value, OCTET_STRING);
  });
}

const COMPARISONS: ReadonlyMap<string, SearchFilterValues> = new Map<string, SearchFilterValues>([
  ['>=', SearchFilter.greaterOrEqual],
  ['<=', SearchFilter.lessOrEqual],
  ['~=', SearchFilter.approxMatch],
]);

class FilterParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.trim();
  }

  parse(): Filter {
    const filter = this.#filter();
    if (this.#at < this.#text.length) throw this.#wrong('the end was expected');
    return filter;
  }

  #filter(): Filter {
    this.#expect('(');
    const sign = this.#text[this.#at];
    let filter: Filter;
    if (sign === '&' || sign === '|') {
      this.#at += 1;
      const children = this.#list();
      filter = new EncodedFilter(sign === '&' ? SearchFilter.and : SearchFilter.or, (writer) => {
        for (const child of children) child.write(writer);
      });
    } else if (sign === '!') {
      this.#at += 1;
      const child = this.#filter();
      filter = new EncodedFilter(SearchFilter.not, (writer) => {
        child.write(writer);
      });
    } else {
      filter = this.#item();
    }
    this.#expect(')');
    return filter;
  }

  #list(): Filter[] {
    const children: Filter[] = [];
    this.#skipSpace();
    while (this.#text[this.#at] === '(') {
      children.push(this.#filter());
      this.#skipSpace();
    }
    return children;
  }

  #item(): Filter {
    const end = this.#text.indexOf(')', this.#at);
    const item = end < 0 ? '' : this.#text.slice(this.#at, end);
    const parts = /^([\w.;-]*)((?::[\w.-]+)*)(:=|>=|<=|~=|=)([^(]*)$/s.exec(item);
    if (!parts) throw this.#wrong('(attribute=value) was expected');
    const [, attribute = '', rules = '', operator = '', value = ''] = parts;
    const filter =
      operator === ':='
        ? this.#extensible(attribute, rules, value)
        : this.#compare(attribute + rules, operator, value);
    this.#at = end;
    return filter;
  }

  #compare(attribute: string, operator: string, value: string): Filter {
    if (attribute === '' || attribute.includes(':')) throw this.#wrong('an attribute was expected');
    const comparison = COMPARISONS.get(operator);
    if (comparison === undefined) return this.#equal(attribute, value);
    return assertion(comparison, attribute, this.#octets(value));
  }

  #equal(attribute: string, value: string): Filter {
    if (value === '*') return present(attribute);
    const parts = value.split('*').map((part) => this.#octets(part));
    const [initial] = parts;
    if (initial && parts.length === 1) return assertion(SearchFilter.equalityMatch, attribute, initial);
    return new EncodedFilter(SearchFilter.substrings, (writer) => {
      writer.writeString(attribute);
      writer.startSequence();
      for (const [index, part] of parts.entries()) {
        const last = index === parts.length - 1 ? FINAL : ANY;
        if (part.length > 0) writer.writeBuffer(part, index === 0 ? INITIAL : last);
      }
      writer.endSequence();
    });
  }

  /** `attribute:dn:rule:=value`; attribute, `dn` and rule may each be missing. */
  #extensible(attribute: string, rules: string, value: string): Filter {
    const names = rules.split(':').filter((name) => name !== '');
    const dn = names[0]?.toLowerCase() === 'dn';
    const [rule, more] = dn ? names.slice(1) : names;
    if (more !== undefined || (attribute === '' && rule === undefined))
      throw this.#wrong('one rule was expected');
    const octets = this.#octets(value);
    return new EncodedFilter(SearchFilter.extensibleMatch, (writer) => {
      if (rule !== undefined) writer.writeString(rule, MATCHING_RULE);
      if (attribute !== '') writer.writeString(attribute, MATCHING_TYPE);
      writer.writeBuffer(octets, MATCHING_VALUE);
      if (dn) writer.writeBoolean(true, MATCHING_DN);
    });
  }

  #octets(value: string): Buffer {
    const parts = value.split(/\\([0-9a-fA-F]{2})/);
    const octets = parts.map((part, index) => Buffer.from(part, index % 2 === 0 ? 'utf8' : 'hex'));
    if (parts.some((part, index) => index % 2 === 0 && part.includes('\\'))) {
      throw this.#wrong('a backslash needs two hexadecimal digits');
    }
    return Buffer.concat(octets);
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #expect(character: string): void {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) throw this.#wrong(`'${character}' was expected`);
    this.#at += 1;
  }

  #wrong(why: string): ConnectorError {
    const place = String(this.#at + 1);
    return new ConnectorError('InvalidConfiguration', `filter ${this.#text}: ${why} at character ${place}`);
  }
}
