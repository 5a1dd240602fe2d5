/** The long form: `npm run stress -- [seconds] [seed]`. */
import { poolChaos } from './pool-chaos.ts';

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() & 0x7fffffff);
console.log(`seed ${seed}, ${seconds} s`);
console.log(await poolChaos(seed, seconds * 1000));
