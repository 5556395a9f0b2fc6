/** As much of pg's types as the load needs; the package has none of its own. */
declare module 'pg' {
  interface ClientOptions {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
    readonly connectionTimeoutMillis: number;
    readonly query_timeout: number;
  }
  class Client {
    constructor(options: ClientOptions);
    connect(): Promise<void>;
    query(text: string, values: readonly string[]): Promise<{ rows: Record<string, string>[] }>;
    end(): Promise<void>;
    on(event: 'error' | 'end', listener: () => void): this;
  }
  const pg: { readonly Client: typeof Client };
  export default pg;
}
