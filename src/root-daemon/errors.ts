import { CodedError } from '#base/errors.ts';

/** What this program refuses or fails at, beside what the host adapter reports. */
export type RootDaemonErrorCode = 'BadDesired' | 'SubnetConflict' | 'TableLost';

/** The one error class of this program; `facts` go to the user beside the sentence. */
export class RootDaemonError extends CodedError<RootDaemonErrorCode> {
  readonly facts: Readonly<Record<string, string>>;

  constructor(
    code: RootDaemonErrorCode,
    message: string,
    options?: ErrorOptions & { readonly facts?: Readonly<Record<string, string>> },
  ) {
    super(code, message, options);
    this.facts = options?.facts ?? {};
  }
}
