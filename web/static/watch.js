// Watches what becomes of documents: one stream of events for all of them, however many. Where the server has no place
// for a stream they are asked about in turn, and the stream is tried again later.

export const ENDED = new Set(["done", "partial", "rejected", "failed", "cancelled"]);
const EVERY = 1500;
const AT_ONCE = 4;
const SOON = 1000;
const LATEST = 60_000;

export class Watch {
  // `address` is that of all documents.
  constructor(address) {
    this.address = address;
    this.followed = new Map(); // id -> who is told of its state; ids are in order of time
    this.source = null;
    this.timer = null;
    this.wait = SOON;
    addEventListener("pagehide", () => this.#rest());
    addEventListener("pageshow", () => this.#begin());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#begin()));
  }

  // Tells `changed` how a document is, now and whenever that changes, until it ends; null when it is gone.
  follow(id, changed) {
    this.followed.set(id, changed);
    if (this.source && id < this.first) this.#rest();
    this.#begin();
    this.#ask(id);
  }

  #begin() {
    if (this.source || this.timer || !this.followed.size || document.hidden) return;
    this.first = [...this.followed.keys()].reduce((a, b) => (a < b ? a : b));
    this.source = new EventSource(`${this.address}/events?first=${this.first}`);
    this.source.addEventListener("open", () => { this.wait = SOON; });
    this.source.addEventListener("document", ({ data }) => this.#told(JSON.parse(data)));
    this.source.addEventListener("error", () => {
      const refused = this.source.readyState === EventSource.CLOSED;
      this.#rest();
      this.#later(performance.now() + this.wait, refused);
      this.wait = Math.min(this.wait * 2, LATEST);
    });
  }

  #rest() {
    clearTimeout(this.timer);
    this.timer = null;
    this.source?.close();
    this.source = null;
  }

  // Tries the stream again when it is time, and asks meanwhile where it was refused.
  #later(when, asks) {
    const left = when - performance.now();
    this.timer = setTimeout(async () => {
      const due = asks ? [...this.followed].slice(0, AT_ONCE) : [];
      for (const [id, changed] of due) {
        this.followed.delete(id); // it comes last: all have their turn
        this.followed.set(id, changed);
      }
      this.timer = null;
      if (left > EVERY && asks) this.#later(when, asks);
      else this.#begin();
      await Promise.all(due.map(([id]) => this.#ask(id)));
    }, asks ? Math.min(left, EVERY) : left);
  }

  async #ask(id) {
    const answer = await fetch(`${this.address}/${id}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok) this.#told(await answer.json());
    else if (answer?.status === 404) this.#told({ id, gone: true });
  }

  #told(now) {
    const changed = this.followed.get(now.id);
    if (!changed) return;
    if (now.gone || ENDED.has(now.status)) this.followed.delete(now.id);
    if (!this.followed.size) this.#rest();
    changed(now.gone ? null : now);
  }
}
