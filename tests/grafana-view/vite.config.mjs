import { defineConfig } from 'vite';

export default defineConfig({
  preview: { host: '127.0.0.1' },
  build: { chunkSizeWarningLimit: 99999, minify: false },
  define: { 'process.env.NODE_ENV': '"production"' },
});
