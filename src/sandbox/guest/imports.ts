/** Imports of Pyodide's wasm: by module, then by name. */
export type Imports = Record<string, Record<string, (...args: number[]) => unknown>>;

/** What `closeImports` gives: who is at work, and what was refused to him. */
export interface ImportGate {
  /** While true, what a program may not call is refused. */
  running: boolean;
  /** The sentence of the first refusal since it was last set to null. */
  refused: string | null;
}

/**
 * Lets a running program through to the imports on a list and refuses all others. A refusal is
 * thrown through the interpreter, which is lost by it: what is behind such an import lives in
 * JavaScript, where no setting back of the heap reaches. Runs as text: see `guest`.
 */
export function closeImports(imports: Imports): ImportGate {
  const ALLOWED = new Set(
    // Pyodide's own, around each call from JavaScript.
    (
      'JsvArray_Get JsvError_Check JsvNoValue_Check js2python_immutable_js js2python_js js2python_convert ' +
      'pyproxy_Check is_comlink_proxy python2js__default_converter_js python2js__eager_converter_js ' +
      '_python2js_ucs1 _python2js_ucs2 _python2js_ucs4 _python2js_cache_lookup _python2js_add_to_cache ' +
      '_python2js_addto_postprocess_list _python2js_handle_postprocess_list destroy_proxy destroy_proxies ' +
      'destroy_proxies_js gc_register_proxies throw_no_gil saveState restoreState get_suspender set_suspender ' +
      'hiwire_invalid_ref_js is_sentinel emscripten_runtime_keepalive_push emscripten_runtime_keepalive_pop ' +
      '_Py_emscripten_runtime _Py_CheckEmscriptenSignals_Helper _PyEM_InitTrampoline_js ' +
      '_PyEM_GetCountArgsPtr _PyEM_TrampolineCall_JS __call_sighandler _emscripten_runtime_keepalive_clear ' +
      // The end of the interpreter.
      'exit proc_exit _abort_js __assert_fail emscripten_resize_heap emscripten_get_heap_max ' +
      // Time, and where it is measured from.
      'clock_time_get clock_res_get emscripten_date_now emscripten_get_now _tzset_js _timegm_js ' +
      '_mktime_js _localtime_js _gmtime_js random_get environ_sizes_get environ_get ' +
      '_emscripten_get_progname __syscall_poll __syscall__newselect ' +
      // Files: see `closeFileSystem`.
      'fd_close fd_read fd_write fd_seek fd_sync fd_pread fd_pwrite fd_fdstat_get __syscall_fcntl64 ' +
      '__syscall_ioctl __syscall_openat __syscall_faccessat __syscall_chdir __syscall_fchdir ' +
      '__syscall_chmod __syscall_fchmod __syscall_fchmodat2 __syscall_fchownat __syscall_fchown32 ' +
      '__syscall_dup __syscall_dup3 __syscall_fdatasync __syscall_fstat64 __syscall_stat64 ' +
      '__syscall_newfstatat __syscall_lstat64 __syscall_ftruncate64 __syscall_truncate64 ' +
      '__syscall_getcwd __syscall_getdents64 __syscall_mkdirat __syscall_mknodat ' +
      '__syscall_fadvise64 __syscall_fallocate __syscall_readlinkat __syscall_unlinkat ' +
      '__syscall_rmdir __syscall_renameat __syscall_statfs64 __syscall_fstatfs64 ' +
      '__syscall_symlinkat __syscall_utimensat'
    ).split(' '),
  );
  const WHAT: readonly (readonly [RegExp, string])[] = [
    [/^__syscall_pipe/, 'pipes'],
    [/^__syscall_|addrinfo|nameinfo|protobyname/, 'network'],
    [/mmap|munmap|msync/, 'mapped files'],
    [/^_?_?(emscripten_)?dl|lookup_name|^ffi_/, 'foreign functions'],
    [/system/, 'processes'],
    [/itimer/, 'timers'],
  ];
  const gate: ImportGate = { running: false, refused: null };
  // The others hold addresses, and a module of Pyodide's own that tells a marker from other values.
  for (const module of ['env', 'wasi_snapshot_preview1']) {
    const group = imports[module] ?? {};
    for (const [name, value] of Object.entries(group)) {
      if (typeof value !== 'function' || ALLOWED.has(name)) continue;
      const gated = (...args: number[]): unknown => {
        if (!gate.running) return value(...args);
        const what = WHAT.find(([pattern]) => pattern.test(name))?.[1] ?? 'JavaScript';
        gate.refused ??= `The sandbox has no ${what} (${name}).`;
        throw new Error(gate.refused);
      };
      // With its signature, by which Emscripten makes a table entry of it.
      group[name] = Object.assign(gated, value);
    }
  }
  return gate;
}
