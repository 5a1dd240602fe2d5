import { portable } from '../../../dist/index.js';
import { functions as plain } from '../functions.mjs';

export const functions = portable(import.meta, plain);
