import * as v from 'valibot';
import { kubectl } from '../run.ts';
import type { LoadPort } from './record.ts';

/** An agent gave a connection to the app, because the laptop had not answered for it in time. */
export interface GivenUp {
  readonly pod: string;
  readonly port: LoadPort;
  readonly at: number;
}

const said = v.object({
  time: v.string(),
  event: v.literal('laptop did not answer'),
  port: v.picklist([8080, 5432]),
  reason: v.pipe(v.string(), v.startsWith('no answer within ')),
});
const line = v.pipe(v.string(), v.parseJson(), said);

/** What the agents of these pods say in their logs of laptops that were silent. */
export async function givenUpBy(
  namespace: string,
  pods: readonly string[],
): Promise<readonly GivenUp[]> {
  const logs = await Promise.all(
    pods.map(async (pod) => {
      const log = await kubectl('logs', '-n', namespace, pod, '-c', 'traffic-agent');
      return log.split('\n').flatMap((text): GivenUp[] => {
        const found = v.safeParse(line, text);
        if (!found.success) return [];
        const { time, port } = found.output;
        return [{ pod, port: port === 8080 ? 'web' : 'pg', at: Date.parse(time) }];
      });
    }),
  );
  return logs.flat();
}
