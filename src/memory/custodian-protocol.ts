/** What custodians (`custodian-entry.ts`) and the threads that use them (`custody.ts`) say to each other. */

/** What a custodian is told at its start. */
export interface CustodianSettings {
  /** Where the uses of buffers are counted (`buffer-slots.ts`). */
  readonly words: Int32Array;
  /** The name under which all custodians listen. */
  readonly bus: string;
  /** The word that says that it listens, and what to put there; nobody waits for an attendant without. */
  readonly ready?: { readonly word: number; readonly value: number };
}

/** Keep the buffer for as long as it has uses. Each custodian that has it raises `done`. */
export interface Keep {
  readonly type: 'keep';
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
  readonly done?: Int32Array;
}

/** Answer with `Found`, now or when it comes: under the name `answer` of the bus, or else at the port. Then raise `done`. */
export interface Ask {
  readonly type: 'ask';
  readonly id: number;
  readonly done: Int32Array;
  readonly answer?: string;
}

/** The custodian of the root hears everybody from now on. */
export interface Ready {
  readonly type: 'ready';
}

export interface Found {
  readonly type: 'found';
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
}

export type CustodianMessage = Keep | Ask | Ready | Found;
