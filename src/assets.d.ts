/**
 * WGSL and Python sources are imported as text: by the plugin in vite.config.ts, by esbuild's text
 * loader for the command line.
 */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
declare module '*.py' {
  const source: string;
  export default source;
}
/** Vite's own suffixes: a file's text, and the address it is served at. */
declare module '*?raw' {
  const source: string;
  export default source;
}
declare module '*?url' {
  const url: string;
  export default url;
}
