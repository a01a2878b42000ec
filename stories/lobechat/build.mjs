// Bundle server.ts with LobeChat's own source: `node build.mjs SOURCE OUT`. Workspace packages are found where its
// monorepo has them; nothing of it is changed.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [source, out] = process.argv.slice(2).map((one) => path.resolve(one));
const file = (base) => [base, `${base}.ts`, `${base}.tsx`, path.join(base, 'index.ts')]
  .find((one) => existsSync(one) && path.extname(one));
const workspace = {
  name: 'workspace',
  setup(plugin) {
    plugin.onResolve({ filter: /^(@lobechat\/|model-bank|ssrf-safe-fetch|@\/)/ }, ({ path: asked }) => {
      const parts = asked.split('/');
      if (parts[0] === '@') {
        const rest = parts.slice(1).join('/');
        return { path: file(path.join(source, 'src', rest)) ?? file(path.join(source, 'packages', parts[1], 'src', parts.slice(2).join('/'))) };
      }
      const name = parts[0] === '@lobechat' ? parts[1] : parts[0];
      const rest = parts.slice(parts[0] === '@lobechat' ? 2 : 1).join('/');
      const folder = path.join(source, 'packages', name);
      // the whole runtime would pull in the SDK of every provider; its errors are what the answer needs of it
      if (name === 'model-runtime' && !rest) return { path: path.join(folder, 'src/types/error.ts') };
      const tries = [path.join(folder, rest), path.join(folder, 'src', rest), path.join(folder, rest, 'index'), path.join(folder, 'index')];
      if (name === 'model-bank' && rest) tries.unshift(path.join(folder, 'src/aiModels', rest));
      return { path: tries.map(file).find(Boolean) };
    });
  },
};
await build({
  entryPoints: [fileURLToPath(new URL('server.ts', import.meta.url))],
  outfile: out,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
  nodePaths: [path.join(path.dirname(source), 'node_modules')],
  plugins: [workspace],
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
