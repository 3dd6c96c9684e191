import environment from './environment.py';
import harness from './harness.py';
import reader from './reader.py';
import sources from './sources.py';
import splitter from './splitter.py';
import stage from './stage.py';
import wire from './wire.py';

/** What a guest runs that runs programs: `boot()` of harness.py. */
export const HARNESS = [wire, environment, harness].join('\n');
/** What the trusted interpreter runs: `boot()` of splitter.py. */
export const SPLITTER = [wire, stage, reader, sources, splitter].join('\n');
