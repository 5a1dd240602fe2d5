import { describe, expect, test } from 'vitest';
import { sourcePlaces } from '../../../src/bundler/source-places.ts';

/** Kind and text of each place, with the import that makes a module one of heddle's before it. */
function placesIn(text: string, jsx = false): string[] {
  const whole = `import { portable, registerClass, toThread } from 'heddle';\n${text}`;
  return sourcePlaces(whole, jsx).map((place) => {
    const there = place.kind === 'name' ? place.text : whole.slice(place.start, place.end);
    const specifier = 'specifier' in place ? ` of ${place.specifier}` : '';
    const sent = place.kind === 'import' && place.sent ? ', sent' : '';
    return `${place.kind} ${there}${specifier}${sent}`;
  });
}

describe('sourcePlaces()', () => {
  test('finds in a module that does not import heddle only what hardly anything else can mean', () => {
    const kinds = (text: string): string[] => sourcePlaces(text, false).map(({ kind }) => kind);
    expect(kinds("import { pool } from './pool.ts';\npool.import(() => import('./a.js'));")).toEqual([
      'argument',
    ]);
    expect(kinds("pool.submit(async () => (await import('./a.js')).a());")).toEqual(['import']);
    expect(kinds("const page = () => import('./a.js'); pages.map(async () => import('./b.js'));")).toEqual(
      [],
    );
    expect(kinds("portable(import.meta, fn); // from 'heddle'")).toEqual([]);
    expect(kinds("import { portable } from 'heddlesticks'; portable(import.meta, fn);")).toEqual([]);
  });

  test('takes strings, comments, templates and regular expressions for what they are', () => {
    const text = [
      "// portable(import.meta, 'comment')",
      '/* import("./comment.js") */',
      "const s = 'portable(import.meta, function s() {})';",
      'const t = `import("./text.js") $' + '{nested(`portable(import.meta, x)`)}`;',
      'const r = /portable(import.meta, "/;',
    ].join('\n');
    expect(placesIn(text)).toEqual([]);
  });

  test('finds import() within the expressions of a template', () => {
    expect(placesIn('const t = `a $' + '{await import("./b.js")} c`;')).toEqual([
      'import import("./b.js") of ./b.js',
    ]);
  });
});

describe('a call of portable', () => {
  test.each([
    ['portable(import.meta, function square(n) { return n * n; })', '"square"'],
    ['portable(import.meta, async function square(n) { return n; },)', '"square"'],
    ['portable(import.meta, function* square(n) { yield n; })', '"square"'],
    [
      'portable<(n: number) => Map<A, B>>(import.meta, function square<T, U>(n: T): { a: U } { return n; })',
      '"square"',
    ],
    ['portable(import.meta, square)', 'typeof square === \'function\' ? "square" : undefined'],
    ['registerClass(import.meta, Point)', 'undefined, typeof Point === \'function\' ? "Point" : undefined'],
    [
      'registerClass(import.meta, Point, { encode, decode })',
      'typeof Point === \'function\' ? "Point" : undefined',
    ],
    ['registerClass(import.meta, class Point { x = [1, 2] })', 'undefined, "Point"'],
  ])('%s is given the name that stands there', (text, name) => {
    expect(placesIn(text)).toEqual(['own import.meta', `name , ${name}`]);
  });

  test.each([
    "portable(import.meta, function square(n) { return n; }, 'root')",
    "portable(import.meta, square, 'root')",
    'portable(import.meta, { square(n) { return n; }, cube })',
    'portable(import.meta, (n) => n * n)',
    "registerClass(import.meta, Point, codec, 'Point')",
    'registerClass(import.meta, class Point {}, { encode, decode })',
  ])('%s keeps its arguments', (text) => {
    expect(placesIn(text)).toEqual(['own import.meta']);
  });

  test('is known by another name, and as a member', () => {
    const renamed = "import { portable as mark } from 'heddle';\nmark(import.meta, { a });";
    expect(sourcePlaces(renamed, false)).toHaveLength(1);
    const member = "import * as heddle from 'heddle';\nheddle.portable(import.meta, { a });";
    expect(sourcePlaces(member, false)).toHaveLength(1);
    const stranger = "import { toThread } from 'heddle';\nportable(import.meta, { a });";
    expect(sourcePlaces(stranger, false)).toEqual([]);
  });

  test('is left alone if it names another module', () => {
    expect(placesIn('portable(url, square); portable(import.meta.dirname, square);')).toEqual([]);
  });

  test('may name the URL', () => {
    expect(placesIn('portable(import.meta.url, { square });')).toEqual(['own import.meta.url']);
  });

  test('may hold another one', () => {
    const text =
      'portable(import.meta, function outer() { return portable(import.meta, function inner() {}); })';
    expect(placesIn(text)).toEqual([
      'own import.meta',
      'own import.meta',
      'name , "inner"',
      'name , "outer"',
    ]);
  });
});

describe('the argument of import()', () => {
  test.each([
    ["pool.import(() => import('./a.js'))", "() => import('./a.js')"],
    ["pool.import(async () => await import('./a.js'),)", "async () => await import('./a.js')"],
    ["pool?.import<typeof import('./a.js')>(() => import(`./a.js`))", '() => import(`./a.js`)'],
    ["pool.import<Map<A, B>>(new URL('./a.js', import.meta.url))", "new URL('./a.js', import.meta.url)"],
  ])('%s', (text, argument) => {
    expect(placesIn(text)).toEqual([`argument ${argument} of ./a.js`]);
  });

  test('of another form is left to heddle, the import in it apart', () => {
    expect(
      placesIn('pool.import(url); pool.import(load); pool.import(new URL(path, import.meta.url));'),
    ).toEqual([]);
    expect(placesIn("pool.import(() => import('./a.js').then((a) => a.b))")).toEqual([
      "import import('./a.js') of ./a.js",
    ]);
  });
});

describe('an import()', () => {
  test.each([
    "toThread(async () => await import('./a.js'))",
    "pool.submit<number>(async () => { const a = await import('./a.js'); return a.b(); }, 1)",
    "toThread(capture({ x }, async ({ x }) => (await import('./a.js')).b(x)))",
    "new ThreadPoolExecutor({ initializer: async () => { await import('./a.js'); } })",
  ])('in %s is sent', (text) => {
    expect(placesIn(text)).toEqual(["import import('./a.js') of ./a.js, sent"]);
  });

  test.each([
    "const job = async () => { const a = await import('./a.js'); return a.b(); };\npool.submit(job, 1);",
    "toThread(job);\nasync function job() { if (x) { return (await import('./a.js')).b(); } }",
    "const job: Job = async ({ x }) => (await import('./a.js')).b(x);\ntoThread(capture({ x }, job));",
  ])('of a function that is sent by its name is sent: %s', (text) => {
    expect(placesIn(text)).toEqual(["import import('./a.js') of ./a.js, sent"]);
  });

  test('behind such a function is not', () => {
    const text = "const job = () => {}; toThread(job); const a = await import('./a.js');";
    expect(placesIn(text)).toEqual(["import import('./a.js') of ./a.js"]);
  });

  test('elsewhere is not', () => {
    expect(placesIn("const a = await import('./a.js'); toThread(square, 1);")).toEqual([
      "import import('./a.js') of ./a.js",
    ]);
  });

  test('of what is not written out, and a type, are none', () => {
    expect(placesIn("import(name); import('./' + name); type A = typeof import('./a.js');")).toEqual([]);
  });

  test('is covered with its options', () => {
    expect(placesIn("await import('./a.json', { with: { type: 'json' } })")).toEqual([
      "import import('./a.json', { with: { type: 'json' } }) of ./a.json",
    ]);
  });

  test('is found behind JSX', () => {
    const text = "const view = <p title='it'>don't {1}</p>;\ntoThread(() => import('./a.js'));";
    expect(placesIn(text, true)).toEqual(["import import('./a.js') of ./a.js, sent"]);
  });
});

test('text that no parenthesis closes is read to its end', () => {
  expect(() => placesIn('portable(import.meta, function f() {')).not.toThrow();
  expect(() => placesIn("toThread(import('./a.js'")).not.toThrow();
  expect(() => placesIn('portable<')).not.toThrow();
  expect(() => placesIn('portable')).not.toThrow();
  expect(() => placesIn('portable(import.meta, ')).not.toThrow();
});
