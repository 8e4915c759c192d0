export interface ContextOptions {
  readonly configFile: string | undefined
  readonly env: NodeJS.ProcessEnv
}
export class Context {
  constructor(_options: ContextOptions) {}
  async close(): Promise<void> {}
}
