import { parseSubnet } from '#protocol/ip-address.ts';
import { parseRegular } from '../template/regular/parse-regular.ts';
import { text } from './build.ts';
import type { TextForm } from './shape.ts';

const partName: TextForm = {
  pattern: '^[a-zA-Z][a-zA-Z0-9_-]*$',
  words: 'a letter, then letters, digits, "-" and "_"',
};
const kubeName: TextForm = {
  pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
  words: 'lower-case letters, digits and "-", at most 63',
};
const subnetForm: TextForm = {
  pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$',
  words: 'a subnet such as 10.0.0.0/8',
  isValid: (subnet) => parseSubnet(subnet) !== undefined,
};
const ipv4Octet = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';

const portNumber =
  '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

/** What the parts of a specification are called. */
export const ownName = text(partName);
export const handlerName = text(partName, { max: 64 });
export const interceptName = text(partName, { max: 64 });

/** The same, where the part is referred to. */
export const namedHandler = text(partName, { max: 64, names: 'handler' });
export const namedIntercept = text(partName, { max: 64, names: 'intercept' });

const connectionForm: TextForm = {
  pattern: '^[a-z][a-z0-9-]*$',
  words: 'a lower-case letter, then lower-case letters, digits and "-"',
};
export const connectionName = text(connectionForm, { max: 64 });
export const namedConnection = text(connectionForm, { max: 64, names: 'connection' });

export const namespace = text(kubeName);
export const service = text({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  words: 'a lower-case letter, then lower-case letters, digits and "-", at most 63',
});
export const workloadName = text({
  pattern: '^([a-z][a-z0-9-]*/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$',
  words: 'the name of a workload, or CONNECTION/NAME',
});
export const subnet = text(subnetForm);
export const ipv4 = text({
  pattern: `^(?:${ipv4Octet}\\.){3}${ipv4Octet}$`,
  words: 'an IPv4 address such as 127.0.0.1',
});
export const portName = text({
  pattern: `^(?:${portNumber}|(?:[0-9][0-9-]*)?[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$`,
  words: "the name of a Service's port",
});
/** A number that was written as text, as templates make them. */
export const portDigits = text({ pattern: `^${portNumber}$`, words: 'its digits' });
export const exposed = text({
  pattern:
    '^(?:(?:\\[[0-9a-fA-F:.]+\\]|[0-9.]*):)?(?:[0-9]{1,5}(?:-[0-9]{1,5})?:)?[0-9]{1,5}(?:-[0-9]{1,5})?(?:/(?:tcp|udp|sctp))?$',
  words: '[[IP:]PORT:]CONTAINER PORT[/udp]',
});
export const image = text({
  pattern:
    '^(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@[a-z0-9]+:[a-fA-F0-9]{32,})?$',
  words: '[HOST[:PORT]/]PATH[:TAG][@DIGEST], the path in lower case',
});
export const variableName = text({
  pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$',
  words: 'a letter or "_", then letters, digits and "_"',
});
export const headerName = text({
  pattern: "^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$",
  words: 'the name of an HTTP header',
});
export const metaName = text({
  pattern: '^[a-zA-Z][a-zA-Z0-9._-]*$',
  words: 'a letter, then letters, digits, ".", "_" and "-"',
});
const something: TextForm = {
  pattern: String.raw`^[^\x00]*[^\s\x00][^\x00]*$`,
  words: 'a text that is not empty',
};
/** A text with something in it. */
export const filled = text(something);
/** A regular expression, of a path. */
export const expression = text({
  ...something,
  words: 'a regular expression as Go has them',
  isValid: isRegular,
  isNot: 'no regular expression',
});
/** As much as a system gives a program in one argument. */
export const script = text(something, { max: 131_071 });

function isRegular(source: string): boolean {
  try {
    parseRegular(source);
    return true;
  } catch {
    return false;
  }
}
