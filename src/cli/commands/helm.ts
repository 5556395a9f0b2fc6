import { CliError } from '../errors.ts';
import type { RunCommand } from './command-spec.ts';

const later: RunCommand = async () => {
  throw await Promise.resolve(new CliError('Failed', 'not in this version'));
};

export const runHelmInstall = later;
export const runHelmUpgrade = later;
export const runHelmUninstall = later;
