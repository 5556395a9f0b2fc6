// What the guide's image jmalloc/echo-server does: it answers with the request, on $PORT.
const { createServer } = require('node:http');
const { hostname } = require('node:os');

const port = Number(process.env.PORT ?? 8080);
createServer((request, response) => {
  const headers = request.rawHeaders.flatMap((text, at, all) =>
    at % 2 === 0 ? [`${text}: ${all[at + 1]}`] : [],
  );
  response.end(
    [
      `Request served by ${hostname()}`,
      '',
      `${request.method} ${request.url} HTTP/1.1`,
      ...headers,
      '',
    ].join('\n'),
  );
}).listen(port, () => console.log(`Echo server listening on port ${port}.`));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
