/** Every kind of shared object: for a thread that meets one it does not know, and for those who mend what the dead left. */
import './crossing/abort-signal.ts';
import './crossing/callback.ts';
import './crossing/iterables.ts';
import './crossing/shared.ts';
import './executor/event-loop-thread.ts';
import './executor/thread-pool-executor.ts';
import './thread/parcels.ts';
import { knowAllKinds } from './park/own-parking.ts';

knowAllKinds();
