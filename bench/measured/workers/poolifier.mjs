import { ThreadWorker } from 'poolifier';
import { functions } from '../functions.mjs';

const tasks = Object.entries(functions).map(([name, run]) => [name, (args) => run(...args)]);
new ThreadWorker(Object.fromEntries(tasks));
