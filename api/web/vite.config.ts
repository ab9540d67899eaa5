import { defineConfig } from "vite";

// The server gives the pages under /map/, perhaps behind a proxy: every address is relative.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "docs.html"] },
  },
});
