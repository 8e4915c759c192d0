import { onTestFinished } from 'vitest'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { startDockerRegistry } from './docker-registry.ts'
import { Oracle } from './oracle.ts'
import { watchedRegistry } from './world.ts'

/** An embedded registry or a real docker-registry, and its requests. */
export interface LoggedRegistry {
  readonly host: string
  readonly oracle: Oracle
  /** `METHOD /path` of the requests since `forget`, without queries */
  requests(): Promise<readonly string[]>
  forget(): Promise<void>
}

/** Starts a registry that is stopped after the test. */
export async function loggedRegistry(kind: ProfileName | 'docker-registry'): Promise<LoggedRegistry> {
  if (kind === 'docker-registry') {
    const registry = await startDockerRegistry()
    onTestFinished(() => registry.stop())
    return {
      host: registry.host,
      oracle: new Oracle(registry.url),
      requests: async () =>
        (await registry.log()).map(({ method, path }) => `${method} ${path.replace(/\?.*$/, '')}`),
      forget: () => registry.clearLog(),
    }
  }
  const registry = await watchedRegistry(kind)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return {
    host: registry.host,
    oracle: registry.oracle,
    requests: async () => registry.requests.map(({ method, path }) => `${method} ${path}`),
    forget: async () => registry.forget(),
  }
}
