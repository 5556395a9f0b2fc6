import { fnMany } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { builtins } from './builtins.ts';
import { caseFunctions } from './cases.ts';
import { versionFunctions } from './constraints.ts';
import { dateFunctions } from './dates.ts';
import { defaultFunctions } from './defaults.ts';
import { dictFunctions } from './dicts.ts';
import { encodingFunctions } from './encodings.ts';
import { environmentFunctions } from './environment.ts';
import { jsonFunctions } from './json.ts';
import { listFunctions } from './lists.ts';
import { numberFunctions } from './numbers.ts';
import { pathFunctions } from './paths.ts';
import { randomFunctions } from './random.ts';
import { regexFunctions } from './regexps.ts';
import { stringFunctions } from './strings.ts';
import { urlFunctions } from './urls.ts';

/** Sprig's functions that a specification has no use for, and why they are not here. */
const unsupported = new Map(
  [
    [
      'makes keys and certificates',
      'genPrivateKey derivePassword buildCustomCert genCA genCAWithKey',
    ],
    [
      'makes keys and certificates',
      'genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey',
    ],
    ['hashes or encrypts secrets', 'bcrypt htpasswd encryptAES decryptAES'],
    ['asks the network', 'getHostByName'],
  ].flatMap(([why = '', names = '']) => names.split(' ').map((name) => [name, why] as const)),
);

/** Helm's functions that people expect here: its templates have them, Sprig has not. */
const ofHelm: ReadonlySet<string> = new Set([
  'toYaml',
  'fromYaml',
  'toToml',
  'required',
  'include',
  'tpl',
  'lookup',
]);

function refusing(name: string, why: string): TemplateFunction {
  return fnMany('any', () => {
    throw fault(`${name} is not supported in a specification: it ${why}`);
  });
}

/** Every function of the template language: Go's own and Sprig's. */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ...Object.entries(builtins),
  ...Object.entries(defaultFunctions),
  ...Object.entries(stringFunctions),
  ...Object.entries(caseFunctions),
  ...Object.entries(listFunctions),
  ...Object.entries(dictFunctions),
  ...Object.entries(numberFunctions),
  ...Object.entries(randomFunctions),
  ...Object.entries(dateFunctions),
  ...Object.entries(jsonFunctions),
  ...Object.entries(encodingFunctions),
  ...Object.entries(pathFunctions),
  ...Object.entries(versionFunctions),
  ...Object.entries(regexFunctions),
  ...Object.entries(urlFunctions),
  ...Object.entries(environmentFunctions),
  ...[...unsupported].map(([name, why]) => [name, refusing(name, why)] as const),
]);

/** What to add to the words that a function is not defined. */
export function hintFor(name: string): string {
  return ofHelm.has(name) ? ' (it is one of Helm, and not of Sprig)' : '';
}
