// LobeChat's POST /webapi/chat/openai without its pages and its login: its own runtime turns what an OpenAI-compatible
// back end streams into its own events, its own function turns what that throws into an answer.
//   node server.mjs --port 3210 --base http://127.0.0.1:8090/v1 --build 1.143.3
// --faults FILE holds what a bad candidate does: slow:900 (late first bytes, ms), errors:30 (its back end is gone, %).
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';

import { LobeOpenAI } from '@lobechat/model-runtime/src/providers/openai';
import { createErrorResponse } from '@/utils/errorResponse';

const told = new Map<string, string>();
for (let at = 2; at < process.argv.length; at += 2) told.set(process.argv[at].slice(2), process.argv[at + 1]);
const faults = told.get('faults') ?? '';
const build = told.get('build') ?? '';
const runtime = new LobeOpenAI({ apiKey: 'none', baseURL: told.get('base'), maxRetries: 0 });
const dead = new LobeOpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1:9/v1', maxRetries: 0 });

const chat = async (body: any): Promise<Response> => {
  const [fault, amount] = (existsSync(faults) ? readFileSync(faults, 'utf8') : ':').trim().split(':');
  if (fault === 'slow') await new Promise((done) => setTimeout(done, Number(amount)));
  const unlucky = fault === 'errors' && Math.random() * 100 < Number(amount);
  try {
    return await (unlucky ? dead : runtime).chat(body, { user: 'anonymous' });
  } catch (thrown) {
    const { errorType = 500, error: content, ...rest } = thrown as any;
    return createErrorResponse(errorType, { error: content || thrown, ...rest, provider: 'openai' });
  }
};

createServer(async (request, response) => {
  if (request.method !== 'POST' || !request.url?.startsWith('/webapi/chat/')) {
    response.writeHead(request.url === '/' ? 200 : 404, { 'X-Build': build }).end();
    return;
  }
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const answer = await chat(JSON.parse(Buffer.concat(pieces).toString()));
  response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'X-Build': build });
  if (answer.body) Readable.fromWeb(answer.body as any).pipe(response);
  else response.end();
}).listen(Number(told.get('port')), '127.0.0.1');
