import { GoInt, int } from '../values.ts';
import type { Value } from '../values.ts';
import { Version } from '../functions/version.ts';
import { GoTime } from '../time/go-time.ts';
import { formatTime, showTime } from '../time/layout.ts';
import { fieldsOf } from '../time/zone.ts';
import { fn0, fn1 } from './function.ts';
import type { TemplateFunction } from './function.ts';

/** What a time or a version can be asked with a dot; other values have no methods. */
export function methodOf(receiver: Value, name: string): TemplateFunction | undefined {
  if (receiver instanceof GoTime) return timeMethod(receiver, name);
  if (receiver instanceof Version) return versionMethod(receiver, name);
  return undefined;
}

function versionMethod(version: Version, name: string): TemplateFunction | undefined {
  switch (name) {
    case 'Major':
      return fn0(() => new GoInt('uint64', version.major));
    case 'Minor':
      return fn0(() => new GoInt('uint64', version.minor));
    case 'Patch':
      return fn0(() => new GoInt('uint64', version.patch));
    case 'Prerelease':
      return fn0(() => version.pre);
    case 'Metadata':
      return fn0(() => version.metadata);
    case 'Original':
      return fn0(() => version.original);
    case 'String':
      return fn0(() => version.toString());
    default:
      return undefined;
  }
}

function timeMethod(time: GoTime, name: string): TemplateFunction | undefined {
  switch (name) {
    case 'Format':
      return fn1('string', (layout, { budget }) => {
        budget.make(layout.length * 4);
        return formatTime(time, layout);
      });
    case 'String':
      return fn0(() => showTime(time));
    case 'Unix':
      return fn0(() => new GoInt('int64', time.seconds()));
    case 'UnixMilli':
      return fn0(() => new GoInt('int64', time.nanos / 1_000_000n));
    case 'UTC':
      return fn0(() => new GoTime(time.nanos, 'UTC'));
    case 'Year':
      return fn0(() => int(fieldsOf(time).year));
    case 'Day':
      return fn0(() => int(fieldsOf(time).day));
    case 'Hour':
      return fn0(() => int(fieldsOf(time).hour));
    case 'Minute':
      return fn0(() => int(fieldsOf(time).minute));
    case 'Second':
      return fn0(() => int(fieldsOf(time).second));
    default:
      return undefined;
  }
}
