#!/usr/bin/env node
/** The command `heddle`. Loads a command's code only when it is asked for. */
import { start } from './command-line.ts';

await start(process.argv.slice(2));
