import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** `.wgsl` and `.py` files are imported as their text. */
export function textFiles(): Plugin {
  return {
    name: 'text-files',
    enforce: 'pre',
    transform(code, id) {
      if (/\.(wgsl|py)$/.test(id))
        return { code: `export default ${JSON.stringify(code)};`, map: null };
      return undefined;
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [textFiles(), react()],
  worker: { format: 'es', plugins: () => [textFiles()] },
  // The worker's own packages: found on its first start only, they would be bundled while the page
  // waits.
  optimizeDeps: {
    include: [
      '@huggingface/hub',
      '@huggingface/jinja',
      '@huggingface/tokenizers',
      'hash-wasm',
      'idb-keyval',
    ],
  },
  build: { target: 'es2023', sourcemap: true },
});
