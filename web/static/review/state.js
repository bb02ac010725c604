// The page as the server has it. Every edit is sent at once, one after the other, with the state it was made on;
// when somebody else was faster, what does not touch theirs is sent again, and the rest is asked.

import { wordIn } from "../viewer/text.js";

export class State {
  constructor({ address, csrf, changed, tell, ask }) {
    Object.assign(this, { address, csrf, changed, tell, ask });
    this.chain = Promise.resolve();
    this.done = [];
    this.undone = [];
    this.waiting = 0;
  }

  async load() {
    const answer = await fetch(this.address, { headers: { Accept: "application/json" }, cache: "no-cache" });
    if (!answer.ok) throw new Error(await problem(answer));
    this.#take(await answer.json(), answer.headers.get("ETag"));
  }

  // Sends operations as one batch; resolves to whether they were kept.
  send(operations) {
    return this.#queue(() => this.#correct(operations)).then((kept) => {
      if (kept) this.undone = [];
      return kept;
    });
  }

  undo() {
    return this.#queue(async () => {
      const answer = await this.#post("corrections/undo");
      if (answer.status === 412) return this.#behind("Somebody has changed this page; look again before you undo.");
      if (!answer.ok) return this.tell(await problem(answer), true);
      const before = this.done.pop();
      if (before) this.undone.push(before);
      this.#take(await answer.json(), answer.headers.get("ETag"));
      this.tell("Undone.");
      return before;
    });
  }

  redo() {
    const operations = this.undone.pop();
    if (!operations) return Promise.resolve(this.tell("There is nothing to do again."));
    return this.#queue(() => this.#correct(operations));
  }

  // Finds a word by its id, with its line.
  word(id) {
    if (!this.found.has(id)) this.found.set(id, wordIn(this.page, id));
    return this.found.get(id);
  }

  #queue(work) {
    this.waiting += 1;
    this.tell("Saving …");
    const result = this.chain.then(work).catch((error) => {
      this.tell(`It could not be saved: ${error.message}. Try again.`, true);
      return false;
    });
    this.chain = result.finally(() => { this.waiting -= 1; });
    return result;
  }

  #post(path, body = []) {
    const headers = { "Content-Type": "application/json", "If-Match": this.tag, "X-CSRF-Token": this.csrf };
    return fetch(`${this.address}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #correct(operations) {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const seen = this.page;
      const answer = await this.#post("corrections", operations);
      if (answer.ok) {
        this.#take(await answer.json(), answer.headers.get("ETag"));
        this.done.push(operations);
        this.tell("Saved.");
        return true;
      }
      if (answer.status !== 412) {
        this.tell(await problem(answer), true);
        this.changed();
        return false;
      }
      await this.load();
      const [before, after] = [things(seen), things(this.page)];
      const touched = operations.flatMap(named).filter((id) => before.has(id));
      const theirs = touched.find((id) => after.get(id)?.state !== before.get(id).state);
      if (!theirs) {
        this.tell("Somebody else has changed this page too; both are kept.");
        continue;
      }
      const was = before.get(theirs);
      const now = after.get(theirs) ?? (was.kind === "word" ? after.get(this.at(was.box)) : null);
      const mine = operations[0].text ?? operations[0].label ?? operations[0].op;
      if (!(await this.ask({ was: was.said, theirs: now?.said, mine })) || !now) {
        this.tell(now ? "Theirs is kept." : `It is gone. Yours was “${mine}”.`);
        this.changed();
        return false;
      }
      operations = operations.map((one) => (one.id === theirs ? { ...one, id: now.id } : one));
    }
    this.tell("Others keep changing this page; try again in a moment.", true);
    return false;
  }

  // Returns the id of the word in whose box the middle of another one lies.
  at([left, top, right, bottom]) {
    const x = (left + right) / 2;
    const y = (top + bottom) / 2;
    const covers = ({ box: [a, b, c, d] }) => x >= a && x <= c && y >= b && y <= d;
    return this.page.lines.flatMap(({ words }) => words).find(covers)?.id ?? null;
  }

  async #behind(words) {
    await this.load();
    this.tell(words, true);
  }

  #take(page, tag) {
    this.page = page;
    this.tag = tag;
    this.found = new Map();
    this.changed();
  }
}

// What an operation is about; one on the grid of a table, on the grid.
const named = ({ op, id, ids = [], line }) => [op === "grid" ? `grid ${id}` : id, line, ...ids].filter(Boolean);

// Returns everything that may be corrected: what it says, for people, and its state, which changes when somebody does.
function things(page) {
  const found = new Map();
  const put = (kind, id, said, box, state = said) => found.set(id, { kind, id: id.replace(/^grid /, ""), said, box, state });
  for (const line of page.lines) {
    put("line", line.id, line.text, line.box);
    for (const word of line.words) put("word", word.id, word.text, word.box);
  }
  for (const region of page.regions) put("region", region.id, region.label, region.box, JSON.stringify([region.label, region.box]));
  for (const table of page.tables) {
    for (const cell of table.cells) put("cell", cell.id, cell.text, cell.box);
    put("grid", `grid ${table.region_id}`, `${table.rows} × ${table.columns} cells`, table.box, JSON.stringify(table.cells));
  }
  return found;
}

export async function problem(answer) {
  try {
    const { detail, hint } = await answer.json();
    return [detail, hint].filter(Boolean).join(" ");
  } catch {
    return `the server said ${answer.status}`;
  }
}
