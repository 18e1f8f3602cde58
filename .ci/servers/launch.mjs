// Starts one of the file servers from npm: `launch.mjs NAME FOLDER PORT`. Run it in the folder that contains `node_modules`.
import { spawn } from "node:child_process";
import fs from "node:fs/promises";
import { createServer } from "node:http";

const [name, folder, port] = process.argv.slice(2);
const host = "127.0.0.1";

const listen = (handler) => createServer(handler).listen(port, host);
const command = (bin, ...args) => spawn(`node_modules/.bin/${bin}`, args, { stdio: "inherit" });

const servers = {
  "@fastify/static": async () => {
    const app = (await import("fastify")).default();
    app.register((await import("@fastify/static")).default, { root: folder });
    await app.listen({ host, port });
  },
  "@hapi/inert": async () => {
    const app = (await import("@hapi/hapi")).default.server({ host, port });
    await app.register((await import("@hapi/inert")).default);
    app.route({ method: "GET", path: "/{path*}", handler: { directory: { path: folder } } });
    await app.start();
  },
  "@hono/node-server": async () => {
    const { serve } = await import("@hono/node-server");
    const { serveStatic } = await import("@hono/node-server/serve-static");
    const { Hono } = await import("hono");
    const app = new Hono().use("/*", serveStatic({ root: folder }));
    serve({ fetch: app.fetch, hostname: host, port });
  },
  express: async () => {
    const { default: express } = await import("express");
    express().use(express.static(folder)).listen(port, host);
  },
  h3: async () => {
    const { H3, serve, serveStatic } = await import("h3");
    const files = (event) =>
      serveStatic(event, {
        getContents: (id) => fs.readFile(folder + id),
        getMeta: async (id) => {
          const { size, mtimeMs } = await fs.stat(folder + id);
          return { size, mtime: mtimeMs };
        },
      });
    serve(new H3().use(files), { hostname: host, port, silent: true });
  },
  "http-server": () => command("http-server", folder, "-a", host, "-p", port, "-s"),
  "koa-send": async () => {
    const send = (await import("koa-send")).default;
    await koa((context) => send(context, context.path, { root: folder }));
  },
  "koa-static": async () => koa((await import("koa-static")).default(folder)),
  "live-server": () =>
    command("live-server", folder, `--host=${host}`, `--port=${port}`, "--no-browser", "--quiet"),
  "local-web-server": () => command("ws", "-d", folder, "--hostname", host, "-p", port),
  send: async () => {
    const send = (await import("send")).default;
    listen((request, response) => send(request, request.url, { root: folder }).pipe(response));
  },
  serve: () => command("serve", folder, "-l", `tcp://${host}:${port}`, "-L", "-n"),
  "serve --no-etag": () =>
    command("serve", folder, "-l", `tcp://${host}:${port}`, "-L", "-n", "--no-etag"),
  "serve-handler": async () => {
    const handler = (await import("serve-handler")).default;
    listen((request, response) => handler(request, response, { public: folder }));
  },
  sirv: async () => listen((await import("sirv")).default(folder, {})),
  "sirv etag": async () => listen((await import("sirv")).default(folder, { etag: true })),
  "sirv dev": async () => listen((await import("sirv")).default(folder, { dev: true })),
  "sirv dev etag": async () =>
    listen((await import("sirv")).default(folder, { dev: true, etag: true })),
  "sirv-cli": () => command("sirv", folder, "--host", host, "--port", port, "--quiet", "--no-clear"),
  srvx: () => command("srvx", "serve", "--prod", `--static=${folder}`, `--host=${host}`, `--port=${port}`),
  st: async () => listen((await import("st")).default({ path: folder, url: "/" })),
  "st uncached": async () =>
    listen((await import("st")).default({ path: folder, url: "/", cache: false })),
  "vite preview": async () => {
    const { preview } = await import("vite");
    const build = { outDir: folder };
    await preview({ configFile: false, build, preview: { host, port: Number(port), strictPort: true } });
  },
};

async function koa(middleware) {
  const Koa = (await import("koa")).default;
  new Koa().use(middleware).listen(port, host);
}

await servers[name]();
