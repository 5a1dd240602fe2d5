/**
 * Sends the values of the table through one library, from one row on: `node child.mjs <library> <row>`. A line of JSON for each.
 * Ends after a value that hangs; who started it goes on with the next row in another process.
 */
import { types } from 'node:util';
import { ThreadPoolExecutor } from '../../../dist/index.js';
import { differences } from '../../../test/contract/values/differences.ts';
import { rows } from './rows.mjs';
import { echo } from './sent.mjs';

/** In milliseconds. */
const LIMIT = 5_000;

const [library, first] = [process.argv[2], Number(process.argv[3])];
const call = await open();
await call('echo', [1]);

let tellUncaught = () => {};
process.on('uncaughtException', (error) => tellUncaught(error));
process.on('unhandledRejection', (error) => tellUncaught(error));

for (const [index, { make, wrong }] of rows.entries()) {
  if (index < first || make === undefined) continue;
  process.stdout.write(`${JSON.stringify({ index, began: true })}\n`);
  let verdict = await judge(make, wrong);
  // What was refused must not be in the way of what comes next.
  if (verdict.startsWith('refused') && (await judge(() => 1)) !== 'equal') verdict = 'hangs the pool';
  process.stdout.write(`${JSON.stringify({ index, verdict })}\n`);
  if (verdict.startsWith('hangs')) process.exit(0);
}
process.exit(0);

async function open() {
  if (library === 'structuredClone') return async (_, [value]) => structuredClone(value);
  if (library !== 'heddle') return (await import(`../peers/${library}.mjs`)).open(1);
  const pool = new ThreadPoolExecutor({ threads: 1 });
  return (_, [value]) => pool.submit(echo, value);
}

async function judge(make, wrong) {
  let timer;
  const hangs = new Promise((resolve) => {
    timer = setTimeout(resolve, LIMIT, 'hangs');
  });
  const uncaught = new Promise((resolve) => {
    tellUncaught = (error) => resolve(`hangs: it ends in an error that nobody gets, ${short(error)}`);
  });
  try {
    return await Promise.race([sent(make(), wrong), hangs, uncaught]);
  } finally {
    clearTimeout(timer);
  }
}

async function sent(value, wrong) {
  // Some is gone once it was sent.
  const kind = kindOf(value);
  let copy;
  try {
    copy = await call('echo', [value]);
  } catch (error) {
    return `refused: ${short(error)}`;
  }
  const said = wrong === undefined ? difference(copy, value, kind) : await wrongWith(copy, wrong);
  return said === undefined ? 'equal' : `differs: ${said}`;
}

async function wrongWith(copy, wrong) {
  const said = await wrong(copy);
  return said === undefined ? undefined : `${said}, but ${kindOf(copy)}`;
}

function difference(copy, value, kind) {
  if (kindOf(copy) !== kind) return `becomes ${kindOf(copy)}`;
  if (types.isNativeError(value)) return errorDifference(copy, value);
  const [first] = differences(copy, value);
  return first?.replace(/^value/, '').replace(/^[.:,] ?/, '');
}

/** How it differs from what was thrown or sent, also where structured clone loses it. */
function errorDifference(copy, value) {
  const lost = ['message', 'name', 'part', 'code', 'errors', 'cause'].filter(
    (key) => key in value && JSON.stringify(copy[key]) !== JSON.stringify(value[key]),
  );
  if (value.cause && copy.cause?.constructor !== value.cause.constructor) lost.push('the class of its cause');
  if (lost.length > 0) return `loses ${lost.join(', ')}`;
  return copy.constructor === value.constructor ? undefined : 'a class of the same name';
}

function kindOf(value) {
  if (typeof value !== 'object' || value === null)
    return value === undefined ? 'undefined' : `a ${typeof value}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? 'Object';
  return Object.getPrototypeOf(value) === Object.prototype &&
    Reflect.ownKeys(value).length === 0 &&
    name === 'Object'
    ? 'an empty object'
    : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function short(error) {
  const text = String(error?.message ?? error).split('\n')[0];
  const name = error?.name ?? 'Error';
  return `${name}${text.length > 0 ? `, “${text.length > 90 ? `${text.slice(0, 87)}…` : text}”` : ''}`;
}
