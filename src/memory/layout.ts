/**
 * Where things stand in the shared region: word offsets, and nothing else. Two copies of heddle may share a process;
 * a change of any number here is a change of `LAYOUT_VERSION`, and the copies then have a region each.
 *
 * ```text
 * region   ┌ header: version, counters, head of the directory of names
 *          ├ thread records: one per thread that has joined
 *          └ blocks (`blocks.ts`), each with its allocation state in the word before its address
 *
 * block    what its first word, KIND, says:
 *          · a shared object (kinds.ts): SECTION, REFS and lists of waiters, then the words of its kind
 *          · a record that belongs to one object: a waiter's CELL, a thread's HANDLE, a PARCEL (a handle in a message)
 * ```
 *
 * The words of an object that are not marked as truth are an index over such records, kept by whoever holds its
 * section and made anew from the records when a thread has died there (`section.ts`).
 */

export const LAYOUT_VERSION = 6;

/**
 * Tokens begin here, above every address, count and state: no other word of a block can be mistaken for one. The first
 * 15 words of a block hold no bytes of users, and `SECTION` and `REFS` mean the same in all blocks: so a thread that
 * looks at a block which is freed and used anew at that moment does no harm by a compare-and-swap from a token.
 */
export const FIRST_TOKEN: number = 2 ** 30;
/** What words of user data a block has begin here. */
export const DATA = 15;

/** The header of the region. */
export const NEXT_TOKEN = 1;
export const NEXT_ID = 2;
/** 1 if a reaper could not finish because some thread was telling. */
export const UNREAPED = 3;
/** Made at random: two regions differ. */
export const STAMP = 4;
const HEADER_WORDS = 16;

/** Thread records: 16 words each. A thread with token `t` has the one at `t % MOST_THREADS`. */
export const MOST_THREADS = 1024;
export const RECORD_WORDS = 16;
export const FIRST_RECORD: number = HEADER_WORDS;

/** Truth: 0 for nobody's, a token while that thread lives, its negative once it is known to be dead. */
export const RECORD_TOKEN = 0;
/** A blocked thread sleeps on this word: whoever has news for it adds 1 and notifies. */
export const RECORD_PARK = 1;
/** Whether the loop sleeps on this word: 1 if so. Whoever has news for it sets 0 and then notifies. */
export const RECORD_BELL = 2;
/** The mailbox: a list of cells that were set, the newest first; see `mailbox.ts`. */
export const RECORD_NEWS = 3;
/** Raised when each wait of the thread should look at its cell by itself: somebody died before telling. */
export const RECORD_LOOK = 4;
/** 1 while the thread sets cells of others and has not told all of them. */
export const RECORD_TELLING = 5;
/** The runtime's own number of the thread. */
export const RECORD_THREAD_ID = 6;
/** The system's own number of it; 0 if unknown. */
export const RECORD_SYSTEM_THREAD = 7;
/** Whether the thread knows all kinds of objects, and so can mend what others left. */
export const RECORD_MENDS = 9;
/** Raised when something is asked of the thread beside its waits: see `Parking.onErrand`. */
export const RECORD_ERRAND = 8;

/** The directory of names: heads of lists of entries, by the hash of the name. */
export const FIRST_BUCKET: number = FIRST_RECORD + MOST_THREADS * RECORD_WORDS;
export const BUCKETS = 64;

export const FIRST_BLOCK: number = FIRST_BUCKET + BUCKETS;

/** The first word of every block that is in use. */
export const KIND = 0;

/** Kinds of records; those of objects follow in `kinds.ts`. */
export const CELL = 1;
export const NODE = 2;
export const HANDLE = 3;
export const PARCEL = 4;
export const ENTRY = 5;
export const ITEM = 6;
export const JOB = 7;
export const FUNCTION = 8;
export const FIRST_OBJECT_KIND = 16;

/** Shared objects. The id is never used twice, unlike the address. */
export const OBJECT_ID = 1;
/** Who may change the index: 0, a token, or its negative when others wait for it; `TORN` when its holder died. */
export const SECTION = 2;
/** Index: how many handles and parcels there are; or `GARBAGE`, or the negative token of the thread that frees it. */
export const REFS = 3;
/** Index: the ticket of the last waiter. */
export const TICKETS = 4;
/**
 * The name: its length in the lower 20 bits; above them, how many words of the kind stand between `DATA` and its UTF-16
 * units, one a word.
 */
export const NAME = 5;
export const NAME_LENGTH: number = 2 ** 20 - 1;
export const NAME_SHIFT = 20;
/** A list of waiters has three words: first and last node, and how many. The first list stands here. */
export const LISTS = 6;
export const LIST_HEAD = 0;
export const LIST_TAIL = 1;
export const LIST_COUNT = 2;
export const LIST_WORDS = 3;

/** No thread has this token. */
export const TORN: number = -(2 ** 31);
export const GARBAGE: number = -(2 ** 31);

/** Records. Truth: which object it belongs to, and 0 when it is out of use. */
export const OBJECT = 1;

/** A node of a list: the part of a cell (or a block of its own, of a cell that stands in several lists). */
export const NODE_CELL = 4;
export const NODE_LIST = 5;
/** Index: neighbours in the list, and whether it is in it. */
export const NODE_NEXT = 6;
export const NODE_PREVIOUS = 7;
export const NODE_LINKED = 8;
/**
 * Who set the cell by this node, or was about to. The node is out of its list by then: whoever dies between overwrites
 * nothing that is needed to put it back.
 */
export const NODE_SETTER: number = NODE_PREVIOUS;
/** Truth while it waits: for whom, the waiter's record of the object; or 0. */
export const NODE_RECORD = 12;
export const NODE_TICKET = 13;
/** Truth: what the waiter wants. */
export const NODE_WANT = 14;
/** What it was set with. Like the setter it stands where a node has no neighbour any more. */
export const NODE_VALUE: number = NODE_NEXT;

/** A cell. Truth: `WAITING`, `CANCELLED`, or the address of the node by which it was set. */
export const CELL_STATE = 9;
/** 1 for a task on a loop, 0 for a blocked thread. */
export const CELL_ASYNC = 10;
/** The next in its thread's mailbox; `ARRIVED` once it was taken out, and is delivered later. */
export const CELL_NEWS = 11;
export const ARRIVED = -1;
/** Of blocks of cells and nodes. */
export const CELL_WORDS = 15;

export const WAITING = 1;
export const CANCELLED = 2;

/** The record of a thread that has handles. Truth: how much of the object the thread holds (`sync/permits.ts`). */
export const HELD = 4;
/** … and how many items of a queue are kept for its waits that have been woken (`queue/store.ts`). */
export const RESERVED = 5;
/**
 * Of a thread and a pool: how many of its jobs block it; how long it was busy, in milliseconds; when the job began that it
 * began last, and when one ended last (`jobs/job-clock.ts`).
 */
export const BLOCKED = 6;
export const BUSY = 7;
export const LAST_BEGAN = 8;
export const LAST_ENDED = 9;
/** … and whether it takes no more jobs: it will be ended by force (`jobs/job-kill.ts`). */
export const CONDEMNED = 10;
/**
 * … and the jobs that it has put itself while it runs others, where it takes these first: the newest of them, and how many it
 * has taken since it took the first of all; 0 there if it has no list of its own.
 */
export const OWN_NEWEST = 11;
export const OWN_TAKES = 12;

/** A parcel: a handle in a message, to the thread with that token, from the thread with that number of the runtime. */
export const PARCEL_TO = 3;
export const PARCEL_FROM = 12;
/** Of a parcel in an item of a queue, `PARCEL_TO` is that item; this is the next parcel in it. Not one of `HELD` and `RESERVED`. */
export const PARCEL_NEXT = 6;

/** An entry of the directory: the object that has the name, and the next entry. The name is as that of an object. */
export const ENTRY_NEXT = 6;

/** The entry by which an object is known; 0 if by none. */
export const OBJECT_ENTRY = 11;

/** A lock (`sync/lock.ts`). Truth: who has it. */
export const LOCK_WORD = 9;
/** Who died with it: the runtime's number of the thread, or `A_TASK`. */
export const LOCK_DIED = 10;
export const A_TASK = -1;

/** Permits (`sync/permits.ts`): how many are free; how many there may be; how many guards hold. */
export const PERMITS_FREE = 9;
export const PERMITS_MAX = 10;
export const PERMITS_HELD = 12;
/** Who died while it held all of them, as `LOCK_DIED`, and whether the next to get any learns of that. */
export const PERMITS_DIED = 13;
export const PERMITS_AFTER_DEATH = 14;

/** A gate (`sync/gate.ts`): it is open while this is 0. */
export const GATE_COUNT = 9;
/** Whether waiters are being let through: up to which ticket, and what they are told; 0 if not. */
export const GATE_UP_TO = 10;
export const GATE_LETTING = 12;

/**
 * A gate with an outcome (`queue/settlement.ts`): the queue that holds it, and the record by which that is held; of a job,
 * also the pool and where the job stands.
 */
export const SETTLEMENT_OUTCOME = 13;
export const SETTLEMENT_RECORD = 14;
export const SETTLEMENT_POOL = 15;
export const SETTLEMENT_JOB = 16;
export const SETTLEMENT_WORDS = 17;

/** The right to settle one: the record by which it holds that. */
export const RIGHT_RECORD = 9;

/**
 * An item of a queue (`queue/store.ts`), which is its `OBJECT`. Truth: `QUEUED`; or a token: that thread is putting it, or, if
 * it is claimed, has taken it out; or `KEPT`, as the error that the queue was shut down with.
 */
export const ITEM_STATE = 4;
export const QUEUED = 1;
export const KEPT = 2;
/** 0 while it is put; 1 once it was taken out and nobody has looked into it; 2 from then on. */
export const ITEM_CLAIMED = 5;
/** Index: the next in the list; or, in a heap, the next sibling and the first child. */
export const ITEM_NEXT = 6;
export const ITEM_CHILD = 7;
/** Items are in the order of these numbers, which wrap around. */
export const ITEM_TICKET = 8;
/** The length of what is from `DATA` on. */
export const ITEM_BYTES = 9;
/** The first of the parcels in it. */
export const ITEM_PARCELS = 10;
/** The priority as two numbers that are compared one after the other. */
export const ITEM_HIGH = 11;
export const ITEM_LOW = 12;
/** The record of the thread that has taken it out, which holds it until it is done. */
export const ITEM_RECORD = 13;

/** A queue. Its getters wait in the first list. */
export const QUEUE_STATE = 9;
export const QUEUE_SIZE = 10;
export const QUEUE_RESERVED = 12;
/** Index: the item to be taken next, and the last in the list. */
export const QUEUE_FIRST = 13;
export const QUEUE_LAST = 14;
/** The lists of who waits to put and to join. */
export const QUEUE_PUTTERS = 15;
export const QUEUE_JOINERS = 18;
export const QUEUE_CAPACITY = 21;
export const QUEUE_BYTES = 22;
export const QUEUE_MOST_BYTES = 23;
export const QUEUE_UNFINISHED = 24;
/** The ticket of the last item that was put. */
export const QUEUE_TICKETS = 25;
/** The item that holds the error to throw once it is shut down; 0 for the usual one. */
export const QUEUE_ERROR = 26;
/** Whether joiners are let through, what they are told, and up to which ticket. */
export const QUEUE_JOINING = 27;
export const QUEUE_JOIN_UP_TO = 28;
/** Whether a thread died with unfinished items, of which no joiner has heard; and which it was. */
export const QUEUE_UNHEARD = 29;
export const QUEUE_DIED = 30;
export const QUEUE_WORDS = 31;

/** A condition (`sync/condition-word.ts`): notifications to be given, and up to which ticket one may get them. */
export const CONDITION_PENDING = 9;
export const CONDITION_UP_TO = 10;
/** Its lock, and the record by which it holds that. */
export const CONDITION_LOCK = 12;
export const CONDITION_RECORD = 13;

/** A barrier (`sync/barrier-word.ts`): how many make a pass; how many have arrived for it and wait; whether it is broken. */
export const BARRIER_PARTIES = 9;
export const BARRIER_ARRIVED = 10;
export const BARRIER_BROKEN = 12;
/** What is being told to who waits; 0 if nothing. */
export const BARRIER_TELLING = 13;
/** The thread that runs the action; and whether the pass for which it does was broken meanwhile. */
export const BARRIER_RUNNER = 14;
export const BARRIER_DROPPED = 15;
/** How many wait for the action to end; their list. */
export const BARRIER_LATER = 16;
export const BARRIER_NEWCOMERS = 17;
/** Whether its handles have an action. */
export const BARRIER_HAS_ACTION = 20;
export const BARRIER_WORDS = 21;

/**
 * A job (`jobs/job-store.ts`), which is also the cell of the one who submitted it: the words from `CELL_STATE` to
 * `CELL_NEWS` and `NODE_SETTER` are those of a cell that is set by itself. Its `OBJECT` is the pool. Truth: who has it:
 * 0 for nobody but who makes it, `QUEUED`, or the token of the thread that runs it.
 */
export const JOB_STATE = 5;
/** Index, while it is queued: its neighbours, and the other end of the run of jobs of the same priority. */
export const JOB_NEXT = 6;
export const JOB_PREVIOUS = 7;
export const JOB_OTHER_END = 8;
/**
 * Index, while it is queued: the record of the thread in whose own list it stands as well, or 0, and its neighbours there, of
 * which one stands in the place of `JOB_RAN`.
 */
export const JOB_HOME = 3;
export const JOB_NEWER = 2;
/** Truth, once a thread has it: who ends it, that thread, or who mends what that left. It is in no list then. */
export const JOB_ENDER: number = JOB_NEXT;
/** Truth: who waits for it; the negative token of who mends if that died. */
export const JOB_OWNER = 12;
/** The first of the parcels in it: those of the arguments, then those of the result. `PARCEL_TO` is the job. */
export const JOB_PARCELS = 13;
/** What came of it, before the cell is set. */
export const JOB_OUTCOME = 14;
/** The block of its function; 0 if that comes with the arguments. */
export const JOB_FUNCTION = 15;
/** The priority as two numbers that are compared one after the other. */
export const JOB_HIGH = 16;
export const JOB_LOW = 17;
/** Whether it has been cancelled: 0, or the block with the reason. */
export const JOB_CANCEL = 18;
/** The length of what is from `JOB_DATA` on, in bytes. */
export const JOB_BYTES = 19;
export const JOB_FLAGS = 20;
/** When it began, in milliseconds as `jobs/job-clock.ts` counts them, and how long it ran, in microseconds. */
export const JOB_BEGAN = 21;
export const JOB_RAN = 22;
export const JOB_OLDER: number = JOB_RAN;
export const JOB_TICKET = 23;
/** The block of a result that has no room here; 0 if it is from `JOB_DATA` on. */
export const JOB_RESULT = 24;
/** Outcomes that were sent while it went on: a list of blocks, the newest first. */
export const JOB_PARTS = 25;
/** The block that is being put into that list. */
export const JOB_INTENT = 26;
/** What threads share of its future, if that has travelled. Truth: its owner writes it. It stands in no list of waiters. */
export const JOB_FUTURE: number = NODE_CELL;
/**
 * Truth, while it runs: the job that it waits for, and the ticket of that; it is in no list then. A hint for who looks for
 * cycles.
 */
export const JOB_AWAITS: number = JOB_PREVIOUS;
export const JOB_AWAITS_TICKET: number = JOB_OTHER_END;
/** An odd number: the payload begins at an even word of the region if the block does not, as is the case with all. */
export const JOB_DATA = 27;

/** A pool of jobs (`jobs/job-store.ts`). Threads that are idle wait in the first list. */
export const POOL_STATE = 9;
export const POOL_QUEUED = 10;
/** Index: the job to be run next, and the last in the list. */
export const POOL_FIRST = 12;
export const POOL_LAST = 13;
/** How many jobs may wait beside those that have a slot. */
export const POOL_MAX_PENDING = 14;
/** The list of who waits for room. */
export const POOL_ROOM = 15;
/** The ticket of the last job that was put. */
export const POOL_TICKETS = 18;
/** How many jobs are in threads, and how many threads will look for the next job by themselves. */
export const POOL_RUNNING = 19;
export const POOL_DRAINING = 20;
/** How many jobs may run at once. */
export const POOL_SLOTS = 21;
export const POOL_COMPLETED = 22;
export const POOL_FAILED = 23;
export const POOL_CANCELLED = 24;
/** The thread that starts and ends the threads of the pool, and what it is asked to do. */
export const POOL_KEEPER = 25;
export const POOL_ASKED = 26;
/** How many threads there are. */
export const POOL_THREADS = 27;
/** How many times a job was taken: whether the queue moves. */
export const POOL_TAKEN = 28;
/** Where jobs are counted that ended after they had been counted as cancelled. */
export const POOL_UNCOUNTED = 29;
/** How many jobs block their threads, and how many may. */
export const POOL_BLOCKED = 30;
export const POOL_SPARES = 31;
/** How many jobs threads have ended. */
export const POOL_FINISHED = 32;
/** How many threads are to end when they have nothing to do. */
export const POOL_SURPLUS = 33;
/** The number of the thread of an event loop, as `currentThread()` gives it. */
export const POOL_THREAD = 34;
/** Whether a thread was woken that has not looked for a job yet: short ones wait for that one. */
export const POOL_WAKING = 35;
/** The functions that it knows: a list of blocks that only grows. */
export const POOL_FUNCTIONS = 36;
export const POOL_WORDS = 37;
