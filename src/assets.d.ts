/** WGSL and Python sources are imported as text: by the plugin in vite.config.ts, by esbuild's text loader for the command line. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
declare module '*.py' {
  const source: string;
  export default source;
}
