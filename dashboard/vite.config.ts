import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/**
 * Two builds into the package: the page that the server serves (hashed chunks), and `report.js` with `report.css`,
 * the same front end as one script each, which `swept report` writes into a file.
 */
export default defineConfig(({ mode }) => {
  const report = mode === "report";
  return {
    // Relative, because the server may be shown below any prefix; the server writes the page's own addresses.
    base: "./",
    esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
    build: {
      outDir: resolve(__dirname, "../src/swept/server/static/app"),
      emptyOutDir: !report,
      target: "es2022",
      assetsInlineLimit: 0,
      cssCodeSplit: !report,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      copyPublicDir: !report,
      ...(report
        ? {
            rollupOptions: {
              input: resolve(__dirname, "src/main.tsx"),
              output: {
                format: "iife" as const,
                inlineDynamicImports: true,
                entryFileNames: "report.js",
                assetFileNames: "report[extname]",
              },
            },
          }
        : {}),
    },
    server: { proxy: { "/api": process.env["SWEPT_URL"] ?? "http://127.0.0.1:8000" } },
    // A minute: how long a test takes says how busy the machine is.
    test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], testTimeout: 60_000, hookTimeout: 60_000 },
  };
});
