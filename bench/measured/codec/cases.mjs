/**
 * The values that are encoded and decoded: of each case a list, which takes turns, so that nobody knows the next one from the
 * last. Plain JavaScript, because it runs on Node 20 too.
 */

/** From 0 up to 1, the same in every run. */
function randomness(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomness(20261129);
const whole = (limit) => Math.floor(random() * limit);
const list = (length, make) => Array.from({ length }, (_, index) => make(index));
const pick = (items) => items[whole(items.length)];
const text = (length, letters = 'abcdefghijklmnopqrstuvwxyz') => list(length, () => pick(letters)).join('');

/** As an API gives them: an object inside, a list of short strings, numbers of both kinds. About 200 bytes as JSON. */
function record(index) {
  return {
    id: 100_000 + index,
    name: `${text(6)} ${text(8)}`,
    email: `${text(7)}@example.org`,
    active: random() < 0.8,
    score: random() * 100,
    created: `2026-${10 + whole(3)}-${10 + whole(20)}T12:${10 + whole(50)}:00Z`,
    address: {
      city: pick(['Lisbon', 'Oslo', 'Kyoto', 'Lima']),
      zip: String(10_000 + whole(90_000)),
      lat: random() * 90,
    },
    tags: list(3, () => pick(['new', 'sale', 'summer', 'sport', 'home'])),
  };
}

/** The answer of an API with so many records. */
const answer = (records) => ({
  status: 'ok',
  page: whole(100),
  total: 5000,
  next: null,
  records: list(records, record),
});

const small = (index) => ({ id: index, name: text(6), ok: index % 2 === 0, x: random(), tag: null });

function crossed() {
  const owner = { id: 1, name: text(8), teams: [] };
  const teams = list(4, (index) => ({ id: index, owner, members: list(3, small) }));
  owner.teams.push(...teams);
  return { owner, teams, first: teams[0] };
}

/** By name. */
export const cases = {
  number: () => list(1000, () => whole(1e6)),
  float: () => list(1000, random),
  string: () => list(1000, () => text(10)),
  wide: () => list(1000, () => text(10, 'абвгдежзиклмнопрсту')),
  small: () => list(100, small),
  object1: () => list(20, () => answer(4)),
  object100: () => list(2, () => answer(500)),
  records: () => [list(100_000, small)],
  numbers: () => [list(10_000, random)],
  bytes1: () => list(20, (index) => new Uint8Array(1000).fill(index)),
  bytes100: () => list(4, (index) => new Uint8Array(100_000).fill(index)),
  bytes10m: () => [new Uint8Array(10_000_000).fill(7)],
  doubles: () => list(4, () => Float64Array.from({ length: 1000 }, random)),
  map: () => list(20, () => new Map(list(20, (index) => [text(8), small(index)]))),
  set: () => list(20, () => new Set(list(20, small))),
  dates: () => list(20, () => list(20, (index) => ({ id: index, at: new Date(1.7e12 + whole(1e9)) }))),
  error: () => list(20, (index) => ({ id: index, error: new RangeError(`record ${index} is out of range`) })),
  crossed: () => list(20, crossed),
};

/** A value of each kind that structured clone takes, to see which come out as it gives them. */
export const kinds = {
  undefined: () => [{ a: undefined }, undefined],
  '-0': () => [-0],
  NaN: () => [NaN, Infinity],
  'a large bigint': () => [2n ** 200n],
  'a lone surrogate': () => ['\ud800x'],
  'a sparse array': () => [Object.assign(new Array(5), { 1: 'one' })],
  'an array with a field': () => [Object.assign([1], { extra: 2 })],
  'a Date': () => [new Date(1.7e12 + 1)],
  'a date that is none': () => [new Date(NaN)],
  'a Map': () => [new Map([[{ a: 1 }, new Map([[1, 2]])]])],
  'a Set': () => [new Set([1, { a: 1 }])],
  'a RegExp': () => [/a+b/giu],
  'an Error': () => [new RangeError('x', { cause: new TypeError('y') })],
  'a boxed number': () => [Object(1)],
  'a boxed string': () => [Object('x')],
  'an ArrayBuffer': () => [Uint8Array.of(1, 2, 3).buffer],
  'a Float64Array': () => [Float64Array.of(1.5, -0, NaN)],
  'a BigInt64Array': () => [BigInt64Array.of(-1n)],
  'a DataView': () => [new DataView(new ArrayBuffer(8), 2, 3)],
  'views of one buffer': () => {
    const buffer = new ArrayBuffer(8);
    return [{ one: new Uint8Array(buffer, 4), other: new Int16Array(buffer, 0, 2) }];
  },
  'an object twice': () => {
    const twice = { n: 1 };
    return [{ a: twice, b: [twice] }];
  },
  'a cycle': () => {
    const cycle = { list: [] };
    cycle.list.push(cycle, cycle.list);
    return [cycle];
  },
  'an instance of a class': () => [
    new (class Point {
      x = 1;
    })(),
  ],
  'the key __proto__': () => [JSON.parse('{"a":1,"__proto__":{"b":2}}')],
  'keys like numbers': () => [{ b: 1, 2: 'two', a: 3 }],
};
