// The outbox: what was reported and is not yet known to have arrived. It outlives the page and the telephone's restart.

const NAME = "vardkase";
const OUTBOX = "outbox";

/** An outbox in IndexedDB; where there is none, in memory, and `durable` is false. */
export async function open() {
  try {
    const db = await opened();
    void navigator.storage?.persist?.().catch(() => false);
    return new Durable(db);
  } catch {
    return new Passing();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(OUTBOX, { keyPath: "n", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

class Durable {
  durable = true;
  #db;

  constructor(db) {
    this.#db = db;
  }

  /** Keep an entry; when this is done it is on disk. */
  put(entry) {
    return this.#write((store) => store.put(entry));
  }

  remove(n) {
    return this.#write((store) => store.delete(n));
  }

  /** All entries, the oldest first. */
  all() {
    return new Promise((resolve, reject) => {
      const request = this.#db.transaction(OUTBOX).objectStore(OUTBOX).getAll();
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  #write(act) {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(OUTBOX, "readwrite", { durability: "strict" });
      const request = act(transaction.objectStore(OUTBOX));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

class Passing {
  durable = false;
  #entries = new Map();
  #next = 1;

  async put(entry) {
    const n = entry.n ?? this.#next++;
    this.#entries.set(n, { ...entry, n });
    return n;
  }

  async remove(n) {
    this.#entries.delete(n);
  }

  async all() {
    return [...this.#entries.values()];
  }
}
