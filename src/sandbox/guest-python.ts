import decode from './decode.py';
import environment from './environment.py';
import harness from './harness.py';
import reader from './reader.py';
import sources from './sources.py';
import splitter from './splitter.py';
import unroll from './unroll.py';

/** What a guest runs that runs programs: `boot()` of harness.py. */
export const HARNESS = [decode, environment, harness].join('\n');
/** What the trusted interpreter runs: `boot()` of splitter.py. */
export const SPLITTER = [decode, unroll, reader, sources, splitter].join('\n');
