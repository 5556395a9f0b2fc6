import { startListener, type LaptopListener } from './laptop-listener.ts';

/** A web server on the laptop that answers everything with one word. */
export type Handler = LaptopListener;

/** Starts one; it has ended when this is disposed. */
export async function startHandler(
  answer: string,
  status = 200,
  laptop: 1 | 2 = 1,
): Promise<Handler> {
  const program = `require('node:http')
    .createServer((request, response) =>
      response.writeHead(${String(status)}).end(${JSON.stringify(`${answer}\n`)}))
    .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  return await startListener(['-e', program], { laptop });
}
