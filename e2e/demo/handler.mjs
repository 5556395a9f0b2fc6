// The developer's own version of the service: it runs on the laptop and answers the cluster's
// requests from the cluster's PostgreSQL and Redis, which it finds by their names and by the
// environment of the pod that it stands in for.
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';

const { DATABASE_URL, TELEPRESENCE_CONTAINER } = process.env;
const database = new pg.Pool({ connectionString: DATABASE_URL, max: 4 });
const redis = new Redis({ host: 'redis', port: 6379, maxRetriesPerRequest: 1 });

async function answer(response) {
  try {
    const { rows } = await database.query('select count(*)::int as todos from todo');
    const visits = await redis.incr('visits');
    response.end(
      `answered by the laptop for ${TELEPRESENCE_CONTAINER}: ${rows[0].todos} todos in PostgreSQL, visit ${visits} in Redis\n`,
    );
  } catch (error) {
    response.writeHead(500).end(`the laptop cannot answer: ${String(error)}\n`);
  }
}

const server = createServer((_request, response) => void answer(response));
server.listen(Number(process.argv[2] ?? 5000), '127.0.0.1', () => console.log('listening'));
process.once('SIGTERM', () => process.exit(0));
