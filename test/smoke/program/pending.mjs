/** Awaits nothing: the job alone has to keep the process up until it is done. */
import { toThread } from 'heddle';

toThread(() => new Promise((resolve) => setTimeout(resolve, 300, 'done'))).then(console.log);
