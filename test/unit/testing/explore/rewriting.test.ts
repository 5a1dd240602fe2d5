import { explore } from 'heddle/testing';
import { describe, expect, test } from 'vitest';

type Log = unknown[];
type Program = (state: { log: Log }) => unknown;

/** As Node has it, for vite would write `using` and line ends anew. */
function evaluate(source: string): Program {
  // biome-ignore lint/security/noGlobalEval: the very text is what is tested
  const indirect = globalThis.eval;
  return indirect(`'use strict'; (${source})`) as Program;
}

async function outcomeOf(fn: () => unknown): Promise<string> {
  try {
    return `gives ${show(await fn())}`;
  } catch (error) {
    return `throws ${show(error)}`;
  }
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

/** Runs it as it is, and explored: nobody must see a difference. */
async function compare(source: string): Promise<{ native: unknown[]; explored: unknown[] }> {
  const native: Log = [];
  native.push(await outcomeOf(() => evaluate(source)({ log: native })));
  const explored: Log = [];
  const program = evaluate(source);
  const result: { outcome?: string } = {};
  await explore({
    uses: { program },
    setup: () => ({ log: explored, result }),
    threads: [
      async ({ log, result }) => {
        try {
          const value: unknown = await program({ log });
          result.outcome = `gives ${typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value))}`;
        } catch (error) {
          result.outcome = `throws ${JSON.stringify(error) ?? String(error)}`;
        }
      },
    ],
  });
  explored.push(result.outcome);
  return { native, explored };
}

const PROGRAMS: Record<string, string> = {
  'closures and counters': `({ log }) => { let n = 0; const next = () => ++n; next(); log.push(next(), n); return n }`,
  'function declarations before they stand there': `function ({ log }) {
    log.push(twice(4), even(10))
    function twice(n) { return n * 2 }
    function even(n) { return n === 0 || odd(n - 1) }
    function odd(n) { return n !== 0 && even(n - 1) }
    { log.push(inner()); function inner() { return 'inner' } }
  }`,
  'recursion by the own name': `({ log }) => { const f = function fac(n) { return n < 2 ? 1 : n * fac(n - 1) }; log.push(f(5), f.name) }`,
  'parameters with defaults, rests and patterns': `({ log }) => {
    const f = (a, { b = a + 1, ...rest } = {}, [c, , d = c] = [3], ...more) => [a, b, rest, c, d, more]
    log.push(f(1), f(1, { b: 2, x: 9 }, [7, 8, 9], 10, 11), f.length)
    const g = (a, b = ((x) => x * 2)(a)) => b
    log.push(g(3))
  }`,
  'arguments and this': `({ log }) => {
    function f() { return [arguments.length, this === undefined, [...arguments]] }
    const o = { n: 5, get() { return this.n }, arrow() { return [1, 2].map((x) => x * this.n) } }
    log.push(f(1, 2), o.get(), o.arrow(), o.get.call({ n: 7 }), o.get.apply({ n: 8 }, []), o.get.bind({ n: 9 })())
  }`,
  'optional chains': `({ log }) => {
    const o = { a: { f() { return this === o.a }, list: [1, [2]], g: null } }
    let calls = 0; const none = undefined, key = () => { calls++; return 'a' }
    log.push(o?.a?.f(), o.b?.f(key()), o.a.f?.(), o.a.g?.(key()), none?.x.y.z(key()), o?.[key()].list?.[1][0], o.a.list?.[0], calls)
    log.push(none?.[key()]?.(key()), calls, delete o?.a.g, 'g' in o.a)
    log.push((none?.x).y)
  }`,
  'elements: assignments and updates': `({ log }) => {
    const a = new Int32Array([1, 2, 3]), big = new BigInt64Array([1n]), s = ['x'], o = {}
    let i = 0
    log.push(a[i++] += 10, i, a[0]++, ++a[1], a[2]--, -a[2], [...a])
    log.push(big[0]++ === 1n, big[0] === 2n, (big[0] += 5n) === 7n, --big[0] === 6n)
    s[0] += 'y'; s[1] ??= 'z'; s[1] ??= 'no'; o['k'] = 1; o[s[0]] = 2; o[s[0]] **= 3; o.n ||= 4; s['length']
    log.push(s, o, (a[0] &&= 0), (a[0] &&= 5), (a[0] ||= 6), typeof a[1], delete o[s[0]], o)
    ;[a[0], a[1]] = [a[1], a[0]]; ({ x: a[2], y: s[5] = 'd' } = { x: 42 })
    log.push([...a], s)
  }`,
  'the right side after the read': `async ({ log }) => {
    const a = new Int32Array(1), later = async () => { a[0] = 100; return 1 }
    a[0] += await later()
    log.push(a[0])
  }`,
  'lines without semicolons': `({ log }) => {
    const a = new Int32Array(2)
    const f = () => log.push('f')
    f()
    a[0] = 1
    a[1]++
    if (a[0]) a[1]++
    else a[1]--
    for (const x of [1, 2]) a[0] += x
    do a[1]++
    while (a[1] < 5)
    while (a[1] > 3) a[1]--
    switch (a[1]) { case 3: a[0]++
      f()
      break
      default: a[0] = 99 }
    log.push([...a])
  }`,
  'loops, labels and the end of them': `({ log }) => {
    outer: for (const x of [1, 2, 3]) { for (let y = 0; ; y++) { if (y > x) continue outer; if (x === 3) break outer; log.push([x, y]) } }
    const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); log.push(fs.map((f) => f()))
    for (const k in { a: 1, b: 2 }) log.push(k)
    let z; for (z of [1, 2]); log.push(z); const o = {}; for (o.p of [3]); for (o['q'] in { r: 1 }) ; log.push(o)
  }`,
  'for await: values, break, continue, return and errors': `async ({ log }) => {
    const make = (name, fail) => ({
      [Symbol.asyncIterator]: () => { let n = 0; return {
        next: async () => { if (n === fail) throw name + ' failed'; return { done: n === 4, value: n++ } },
        return: async () => { log.push(name + ' closed'); return {} } } } })
    for await (const n of make('all')) { if (n === 1) continue; log.push(n) }
    loop: for await (const n of make('break')) { for (;;) { if (n === 1) break loop; continue loop } }
    const f = async () => { for await (const n of make('return')) return n }
    log.push(await f())
    try { for await (const n of make('throw')) throw 'body' } catch (e) { log.push(e) }
    try { for await (const n of make('fail', 2)) log.push(n) } catch (e) { log.push(e) }
    let x; const o = {}
    for await (x of [Promise.resolve(1), 2]) log.push(x)
    for await ([o.a, x = 5] of [[1]]) log.push(o, x)
    for await (const { n } of [{ n: 1 }]) log.push(n)
    for await (const n of [7]) log.push(n), log.push(n)
  }`,
  'try, catch and finally': `async ({ log }) => {
    const f = async (n) => { try { if (n) throw 'x'; return 'r' } catch (e) { log.push(e); return 'c' } finally { log.push('f' + n); await null; log.push('g') } }
    log.push(await f(0), await f(1))
    const g = () => { try { return 1 } finally { return 2 } }
    log.push(g())
    await (async () => { throw 'out' })()
  }`,
  'generators, accessors and tags': `async ({ log }) => {
    function* g(n) { const a = yield n; log.push(a); yield* [1, 2].map((x) => x + n) }
    const it = g(5); log.push(it.next(), it.next('in'), [...it])
    async function* h() { yield 1; yield await 2 }
    for await (const x of h()) log.push(x)
    const o = { *m() { yield 1 }, async *n() { yield 2 }, get a() { return 3 }, set a(v) { log.push(v) }, ['c' + 1]: 4, async d() { return 5 }, e: async () => 6, 7: 'seven', 'q-r'() { return 8 } }
    o.a = 9; log.push([...o.m()], o.a, o.c1, await o.d(), await o.e(), o[7], o['q-r'](), o.d.name, o.e.name)
    const tag = (parts, ...values) => parts.raw.join('|') + values.join()
    log.push(tag\`a\${1}b\${2}\`, \`\${o.c1}\`)
  }`,
  classes: `async ({ log }) => {
    class A {
      static made = 0
      static { A.made += 1 }
      #n = 1; list = [1, 2].map((x) => x + 1); arrow = () => this.#n
      constructor(n) { this.#n = n; this.#secret(); A.count() }
      static count() { return ++A.made }
      #secret() { this.seen = this.#n; return this.#n }
      async #slow(x) { await null; return this.#n + x }
      get n() { return this.#n }
      set n(v) { this.#n = v }
      plain(x = 1) { return this.#secret() + x }
      async wait() { return (await this.#slow(1)) + (await this.#slow(2)) }
      *[Symbol.iterator]() { yield this.#n }
      [Symbol.toPrimitive]() { return 'A' + this.#n }
      static is(o) { return #n in o }
      'a b'() { return 1 }
    }
    class B extends A {
      constructor() { super(10); this.b = super.plain(5) }
      plain(x) { return 'B' + super.plain(x) }
      async wait() { return -(await super.wait()) }
    }
    const a = new A(2), b = new B()
    log.push(a.plain(), a.list, a.arrow(), a.seen, await a.wait(), [...a], \`\${a}\`, A.is(b), A.is({}), A.made, a['a b']())
    log.push(b.plain(1), await b.wait(), b.b, b instanceof A, b.n, (b.n = 3), b.n, B.name, a.plain.name)
    const C = class extends A {}; log.push(new C(4).plain(), C.name)
    const f = [1, 2].map(a.plain, a); log.push(f)
  }`,
  'callbacks of arrays': `async ({ log }) => {
    const l = [3, 1, 2]
    log.push(l.map((x, i, all) => x + i + all.length), l.filter((x) => x > 1), l.reduce((a, b) => a + b), l.reduce((a, b) => a + b, 'r'), l.some((x) => x > 2), l.every((x) => x > 2), l.find((x) => x < 3), l.findIndex((x) => x === 9), l.flatMap((x) => [x, [x]]))
    log.push([...l].sort((a, b) => a - b), Array.from({ length: 2 }, (_, i) => i * 2), await Promise.all(l.map(async (x) => { await null; return x * 2 })))
    l.forEach((x) => log.push(x)); log.push([].find((x) => x), [1, 2].findLast((x) => x > 0))
    log.push([..."ab"].map((c) => c.toUpperCase()), Object.entries({ a: 1 }).map(([k, v]) => k + v))
    log.push([].reduce((a, b) => a))
  }`,
  'async functions begin at once and go on in turn': `async ({ log }) => {
    const f = async (n) => { log.push('a' + n); await null; log.push('b' + n); return n }
    const one = f(1), two = f(2)
    log.push('c'); log.push(await two, await one)
    const p = (async () => f(3))()
    log.push(await p, await Promise.race([f(4), new Promise(() => {})]))
    await f(5).then((v) => log.push('then', v)); await Promise.reject('no').catch((e) => log.push(e))
    const t = { then(ok) { ok('thenable') } }; log.push(await t)
  }`,
  'errors of the language': `({ log }) => {
    for (const f of [() => undefined.x, () => null[0], () => ({}).x(), () => new Int32Array(-1)])
      try { f() } catch (e) { log.push(e.constructor.name) }
    let t = 1; { try { t2; } catch (e) { log.push(e.name) } let t2 = 2 }
  }`,
  using: `async ({ log }) => {
    const r = (name, fails) => ({ name, [Symbol.dispose]() { log.push('-' + name); if (fails) throw name }, })
    const ar = (name) => ({ [Symbol.asyncDispose]: async () => { await null; log.push('~' + name) } })
    const f = () => { using a = r('a'), b = r('b'); { using c = r('c'); log.push(c.name) } using d = null; return a.name + b.name }
    log.push(f())
    const g = async () => { await using a = ar('a'); using b = r('b'); await using c = r('c'); log.push('body'); return 1 }
    log.push(await g())
    try { using a = r('a', true); using b = r('b', true); throw 'body' } catch (e) { log.push(e.error, e.suppressed.error, e.suppressed.suppressed) }
    for (const n of [1, 2]) { using a = r('loop' + n); if (n === 1) continue; break }
    try { using a = {}; } catch (e) { log.push(e.name) }
    using late = r('late')
    log.push('end')
  }`,
};

describe('explored code does what the same code does as it is:', () => {
  for (const [name, source] of Object.entries(PROGRAMS)) {
    test.skipIf(name === 'using' && !('dispose' in Symbol && isUsingKnown()))(name, async () => {
      const { native, explored } = await compare(source);
      expect(explored).toEqual(native);
    });
  }
});

function isUsingKnown(): boolean {
  try {
    // biome-ignore lint/security/noGlobalEval: whether the runtime knows the word
    const indirect = globalThis.eval;
    indirect('{ using x = null; }');
    return true;
  } catch {
    return false;
  }
}
