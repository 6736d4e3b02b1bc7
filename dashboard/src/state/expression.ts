/**
 * The filter's language: `value > 0.7 and optimizer = "SGD" and not state:failed`, or plain words, which are looked for in
 * names, ids, states, kinds, hosts and reasons. Errors are for people, with the place.
 *
 *     either  := both ("or" both)*
 *     both    := one (("and")? one)*
 *     one     := "not" one | "(" either ")" | name op literal | name ":" word | word
 *     op      := = != < <= > >= ~          ("~": contains)
 */
import type { Board, Column } from "../types";

export class Wrong extends Error {
  constructor(message: string, readonly at: number) {
    super(message);
  }
}

export type Test = (row: number) => boolean;

type Kind = "open" | "close" | "op" | "colon" | "word" | "quoted" | "end";
interface Token {
  readonly kind: Kind;
  readonly text: string;
  readonly at: number;
}

const TOKENS = /\s*(?:(\()|(\))|(<=|>=|!=|==|=|<|>|~|≤|≥|≠)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s()=<>!~≤≥≠"']+))/uy;
const OPS: Readonly<Record<string, string>> = { "==": "=", "≤": "<=", "≥": ">=", "≠": "!=" };
const FIELDS = ["state", "kind", "name", "id", "host", "agent", "why", "reason"] as const;
type Field = (typeof FIELDS)[number];

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKENS.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== "") {
    const match = TOKENS.exec(text);
    if (!match) {
      const place = at + (text.slice(at).length - text.slice(at).trimStart().length);
      const letter = text[place] ?? "";
      throw new Wrong(letter === '"' || letter === "'" ? "a quotation mark is not closed" : `“${letter}” means nothing here`, place);
    }
    const [whole, open, close, op, double, single, word = ""] = match;
    const begin = at + (whole.length - whole.trimStart().length);
    at = TOKENS.lastIndex;
    const quoted = double ?? single;
    if (open) found.push({ kind: "open", text: "(", at: begin });
    else if (close) found.push({ kind: "close", text: ")", at: begin });
    else if (op) found.push({ kind: "op", text: OPS[op] ?? op, at: begin });
    else if (quoted !== undefined) found.push({ kind: "quoted", text: quoted.replace(/\\(.)/gu, "$1"), at: begin });
    else found.push({ kind: "word", text: word, at: begin });
  }
  return [...found, { kind: "end", text: "", at: text.length }];
}

/** @throws Wrong. */
export function compile(text: string, board: Board): Test {
  return new Reader(tokens(text), board).whole();
}

class Reader {
  private at = 0;

  constructor(private readonly all: readonly Token[], private readonly board: Board) {}

  whole(): Test {
    if (this.next().kind === "end") return () => true;
    const test = this.either();
    if (this.next().kind !== "end") throw new Wrong(`“${this.next().text}” is one too many`, this.next().at);
    return test;
  }

  private next(): Token {
    return this.all[this.at] ?? { kind: "end", text: "", at: 0 };
  }

  private take(): Token {
    const token = this.next();
    this.at += 1;
    return token;
  }

  private keyword(word: string): boolean {
    if (this.next().kind !== "word" || this.next().text.toLowerCase() !== word) return false;
    this.at += 1;
    return true;
  }

  private either(): Test {
    let test = this.both();
    while (this.keyword("or")) {
      const [one, other] = [test, this.both()];
      test = (row) => one(row) || other(row);
    }
    return test;
  }

  private both(): Test {
    let test = this.one();
    for (;;) {
      const explicit = this.keyword("and");
      const { kind, text } = this.next();
      if (!explicit && (kind === "end" || kind === "close" || kind === "op" || (kind === "word" && text.toLowerCase() === "or"))) {
        return test;
      }
      const [one, other] = [test, this.one()];
      test = (row) => one(row) && other(row);
    }
  }

  private one(): Test {
    const token = this.take();
    if (token.kind === "word" && token.text.toLowerCase() === "not") {
      const test = this.one();
      return (row) => !test(row);
    }
    if (token.kind === "open") {
      const test = this.either();
      const closing = this.take();
      if (closing.kind !== "close") throw new Wrong("a closing bracket is missing", closing.at);
      return test;
    }
    if (token.kind === "end") throw new Wrong("something is missing at the end", token.at);
    if (token.kind === "op" || token.kind === "close") {
      throw new Wrong(`before “${token.text}” a name is missing`, token.at);
    }
    if (this.next().kind === "op") return this.comparison(token, this.take());
    if (token.kind === "word") {
      const colon = token.text.indexOf(":");
      const field = colon > 0 ? fieldOf(token.text.slice(0, colon)) : null;
      if (field) {
        const rest = token.text.slice(colon + 1);
        const wanted = (rest || this.take().text).toLowerCase();
        return (row) => this.fields(field, row).some((text) => text.toLowerCase().includes(wanted));
      }
    }
    const wanted = token.text.toLowerCase();
    return (row) => FIELDS.some((field) => this.fields(field, row).some((text) => text.toLowerCase().includes(wanted)));
  }

  private comparison(name: Token, op: Token): Test {
    const literal = this.take();
    if (literal.kind !== "word" && literal.kind !== "quoted") {
      throw new Wrong(`after “${op.text}” a value is missing`, literal.at);
    }
    const column = this.column(name.text);
    if (column) return column.kind === "category" ? categories(column, op, literal) : numbers(column, op, literal);
    const field = fieldOf(name.text);
    if (field) {
      const wanted = literal.text.toLowerCase();
      const equal: Test = (row) => this.fields(field, row).some((text) => text.toLowerCase() === wanted);
      if (op.text === "=") return equal;
      if (op.text === "!=") return (row) => !equal(row);
      if (op.text === "~") return (row) => this.fields(field, row).some((text) => text.toLowerCase().includes(wanted));
      throw new Wrong(`${name.text} is a text: it can be =, != or ~ (contains)`, op.at);
    }
    const near = closest(name.text, [...[...this.board.columns.values()].flatMap((one) => [one.label, one.name]), ...FIELDS]);
    throw new Wrong(`there is no column “${name.text}”${near ? `; did you mean “${near}”?` : ""}`, name.at);
  }

  private column(name: string): Column | undefined {
    const exact = this.board.columns.get(name);
    if (exact) return exact;
    const low = name.toLowerCase();
    return [...this.board.columns.values()].find((one) => one.label === name || one.label.toLowerCase() === low || one.name.toLowerCase() === low);
  }

  private fields(field: Field, row: number): readonly string[] {
    const { board } = this;
    const attempts = board.attempts[row] ?? [];
    switch (field) {
      case "state": return [board.states[row] ?? ""];
      case "kind": return [board.kinds[row] ?? ""];
      case "name": return [board.names[row] ?? ""];
      case "id": return [board.ids[row] ?? ""];
      case "host": return attempts.map((attempt) => attempt.host);
      case "agent": return attempts.map((attempt) => attempt.agent);
      case "why": return [board.why[row] ?? ""];
      case "reason": return [board.endedBecause[row] ?? "", ...attempts.map((attempt) => attempt.reason)];
    }
  }
}

function fieldOf(name: string): Field | null {
  const low = name.toLowerCase();
  return FIELDS.find((field) => field === low) ?? null;
}

function numbers(column: Column, op: Token, literal: Token): Test {
  const value = literal.text.toLowerCase() === "nan" || literal.text.toLowerCase() === "none" ? NaN : Number(literal.text);
  if (value !== value && !/^(nan|none)$/iu.test(literal.text)) {
    throw new Wrong(`${column.label} is a number, “${literal.text}” is none`, literal.at);
  }
  const at = (row: number): number => column.values[row] ?? NaN;
  if (value !== value) {
    if (op.text === "=") return (row) => at(row) !== at(row);
    if (op.text === "!=") return (row) => at(row) === at(row);
  }
  switch (op.text) {
    case "=": return (row) => at(row) === value;
    // A run without the value is not “other than” it: nobody looks for those.
    case "!=": return (row) => at(row) === at(row) && at(row) !== value;
    case "<": return (row) => at(row) < value;
    case "<=": return (row) => at(row) <= value;
    case ">": return (row) => at(row) > value;
    case ">=": return (row) => at(row) >= value;
    default: throw new Wrong(`${column.label} is a number: “~” is for texts`, op.at);
  }
}

function categories(column: Column, op: Token, literal: Token): Test {
  const wanted = literal.text.toLowerCase();
  const matches = column.categories.map((category) =>
    op.text === "~" ? category.toLowerCase().includes(wanted) : category.toLowerCase() === wanted);
  if ((op.text === "=" || op.text === "!=") && !matches.includes(true)) {
    const near = closest(literal.text, column.categories);
    throw new Wrong(
      `${column.label} has no “${literal.text}”; it has ${column.categories.slice(0, 8).join(", ")}${near ? `; did you mean “${near}”?` : ""}`,
      literal.at,
    );
  }
  const among: Test = (row) => matches[column.values[row] ?? -1] ?? false;
  if (op.text === "=" || op.text === "~") return among;
  if (op.text === "!=") return (row) => column.values[row] === column.values[row] && !among(row);
  throw new Wrong(`${column.label} is one of ${column.categories.slice(0, 8).join(", ")}: it can be =, != or ~ (contains)`, op.at);
}

/** A name that is at most two letters off, for “did you mean”. */
function closest(name: string, known: readonly string[]): string | null {
  const wanted = name.toLowerCase().slice(0, 60);
  let best: string | null = null;
  let least = 3;
  for (const one of known) {
    const far = one.toLowerCase().includes(wanted) && wanted.length > 2 ? 1 : distance(wanted, one.toLowerCase().slice(0, 60));
    if (far < least && far < wanted.length) {
      least = far;
      best = one;
    }
  }
  return best;
}

function distance(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let at = 1; at <= other.length; at += 1) {
      const same = one[row - 1] === other[at - 1] ? 0 : 1;
      line.push(Math.min((before[at] ?? 0) + 1, (line[at - 1] ?? 0) + 1, (before[at - 1] ?? 0) + same));
    }
    before = line;
  }
  return before[other.length] ?? 0;
}
