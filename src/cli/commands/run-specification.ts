import { heededConfig } from '../config/heeded-config.ts';
import { CliError } from '../errors.ts';
import { readSpecification } from '../specification/read-specification.ts';
import { showCopies } from '../specification/show-copies.ts';
import { runSpecification } from '../specification/run-specification.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence intercept run FILE|NAME` */
export const runRunSpecification: RunCommand = async (context, line) => {
  const [typed] = line.words;
  if (typed === undefined) {
    throw new CliError('Usage', 'the file or the name of the Intercept Specification is missing', {
      hint: 'it is: telepresence intercept run FILE|NAME, or - for standard input',
    });
  }
  const shows = line.on('dry-run');
  // Also to show what Compose makes of a document, it is run on it, with the options that are said.
  const source = await readSpecification(context, typed, { yes: line.on('yes') });
  if (shows) {
    await showCopies(context, source);
    return 0;
  }
  const settings = await heededConfig(context);
  return await runSpecification(context, source, { wantsDocker: line.on('docker'), settings });
};
