import { CliError } from '../errors.ts';
import type { ParsedLine } from './flag-spec.ts';
import { isSubnet } from './subnet.ts';

/** Words for subnets that the cluster knows. */
const words: ReadonlySet<string> = new Set(['also', 'service', 'pods', 'all']);
const workloadName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const what = 'a subnet, such as 10.1.0.0/16, or also, service, pods or all';

/** The subnets of `--vnat`, as typed. */
export function readVnat(line: ParsedLine): string[] {
  const typed = line.list('vnat').map((each) => each.trim());
  const wrong = typed.find((each) => !isMeant(each));
  if (wrong === undefined) return typed;
  throw new CliError('Usage', `invalid argument "${wrong}" for "--vnat": it is ${what}`);
}

/** The subnets of `--proxy-via`, each with its workload. */
export function readProxyVia(line: ParsedLine): { subnet: string; workload: string }[] {
  return line.list('proxy-via').map((typed) => {
    const [subnet = '', workload, ...more] = typed.trim().split('=');
    const bad = (why: string): CliError =>
      new CliError('Usage', `invalid argument "${typed}" for "--proxy-via": ${why}`);
    if (workload === undefined || more.length > 0) {
      throw bad('it is CIDR=WORKLOAD, such as 10.1.0.0/16=echo or all=echo');
    }
    if (!isMeant(subnet)) throw bad(`"${subnet}" should be ${what}`);
    if (!workloadName.test(workload)) {
      throw bad(`"${workload}" is not the name of a Deployment, StatefulSet or ReplicaSet`);
    }
    return { subnet, workload };
  });
}

function isMeant(typed: string): boolean {
  return words.has(typed) || isSubnet(typed);
}
