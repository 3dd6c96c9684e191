import decode from './decode.py';
import harness from './harness.py';
import splitter from './splitter.py';

/** What a guest runs that runs programs: `boot()` of harness.py. */
export const HARNESS = `${decode}\n${harness}`;
/** What the trusted interpreter runs: `boot()` of splitter.py. */
export const SPLITTER = `${decode}\n${splitter}`;
