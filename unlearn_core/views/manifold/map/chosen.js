// Which examples are selected, by id, and what was selected before.

const REMEMBERED = 100; // selections that undo can bring back

class Chosen {
  constructor() {
    this.ids = new Set();
    this.past = [];
  }

  // Take another selection; false where it is the same.
  take(ids) {
    const next = new Set(ids);
    if (next.size === this.ids.size && [...next].every((id) => this.ids.has(id))) return false;
    this.past.push(this.ids);
    if (this.past.length > REMEMBERED) this.past.shift();
    this.ids = next;
    return true;
  }

  // Add these ids, take them away, or put them in place of all others.
  combine(how, ids) {
    if (how === "add") return this.take([...this.ids, ...ids]);
    if (how === "subtract") {
      const gone = new Set(ids);
      return this.take([...this.ids].filter((id) => !gone.has(id)));
    }
    return this.take(ids);
  }

  undo() {
    if (!this.past.length) return false;
    this.ids = this.past.pop();
    return true;
  }

  sorted() {
    return [...this.ids].sort((a, b) => a - b);
  }
}
