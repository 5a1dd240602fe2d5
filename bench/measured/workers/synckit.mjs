import { runAsWorker } from 'synckit';
import { functions } from '../functions.mjs';

runAsWorker(async (a, b) => functions.add(a, b));
