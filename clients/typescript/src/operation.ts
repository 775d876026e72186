/** What the body of a request says that it does, as far as the kit decides by it. */
export interface Operation {
  readonly query: boolean;
  /** The names of its root fields, by their keys in the answer; without those of fragments. */
  readonly fields: ReadonlyMap<string, string>;
  /** Whether `fields` is all of them, and one. */
  readonly single: boolean;
}

const unknown: Operation = { query: false, fields: new Map(), single: false };

/** What is not read, such as a hash without a document, counts as a mutation of unknown fields. */
export function readOperation(body: unknown): Operation {
  if (typeof body !== "string") return unknown;
  try {
    const { query, operationName } = JSON.parse(body) as { query?: unknown; operationName?: unknown };
    return typeof query === "string" ? readDocument(query, operationName) : unknown;
  } catch {
    return unknown;
  }
}

const lexical = /#[^\n\r]*|"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|\.{3}|\w+|[^\s,]/g;

// The document is not parsed: the server refuses one that is not valid.
function readDocument(document: string, operationName: unknown): Operation {
  const tokens = (document.match(lexical) ?? []).filter((token) => token[0] !== "#");
  const fields = new Map<string, string>();
  const open: string[] = []; // the brackets around a token
  let kind: string | undefined; // of the definition around it
  let wanted: string | undefined; // the kind of the operation that runs
  let within = false; // whether the token is in that operation
  let spread = false;
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i]!;
    if (!open.length && !kind) {
      kind = token === "{" ? "query" : token;
      within = kind !== "fragment" && !wanted && (!operationName || operationName === tokens[i + 1]);
      if (within) wanted = kind;
    }
    if ("{([".includes(token)) {
      open.push(token);
    } else if ("})]".includes(token)) {
      if (open.pop() === "{" && !open.length) kind = undefined;
    } else if (within && open.join("") === "{") {
      if (token === "@") {
        i += 1;
      } else if (token === "...") {
        spread = true;
        i += tokens[i + 1] === "on" ? 2 : Number(/^\w/.test(tokens[i + 1] ?? ""));
      } else {
        const alias = tokens[i + 1] === ":";
        if (alias) i += 2;
        fields.set(token, tokens[i] ?? "");
      }
    }
  }
  return { query: wanted === "query", fields, single: !spread && fields.size === 1 };
}
