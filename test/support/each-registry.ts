import { afterAll, beforeAll, describe } from 'vitest'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { dockerRegistry, startDockerRegistry } from './docker-registry.ts'
import { Oracle } from './oracle.ts'
import { watchedRegistry } from './world.ts'

/** A registry of any kind, for tests that run against several kinds. */
export interface AnyRegistry {
  readonly host: string
  readonly oracle: Oracle
  /** the requests since `forget` */
  requests(): Promise<readonly { readonly method: string; readonly path: string }[]>
  forget(): Promise<void>
}

/**
 * Runs the tests against the embedded registry with the referrers API, and against a real
 * docker-registry, which has none. If that is not installed, its profile of the embedded registry
 * replaces it.
 *
 * @param profiles profiles of the embedded registry
 */
export function describeEachRegistry(
  name: string,
  tests: (registry: () => AnyRegistry) => void,
  profiles: readonly ProfileName[] = dockerRegistry.available
    ? ['oci-1.1']
    : ['oci-1.1', 'docker-registry-2.8'],
): void {
  for (const profile of profiles) {
    describe(`${name} (embedded, ${profile})`, () => {
      runWith(tests, async () => {
        const watched = await watchedRegistry(profile)
        const registry: AnyRegistry = {
          host: watched.host,
          oracle: watched.oracle,
          requests: async () => [...watched.requests],
          forget: async () => watched.forget(),
        }
        return { registry, stop: () => watched[Symbol.asyncDispose]() }
      })
    })
  }
  describe.skipIf(!dockerRegistry.available)(`${name} (docker-registry 2.8)${dockerRegistry.note}`, () => {
    runWith(tests, async () => {
      const real = await startDockerRegistry()
      const registry: AnyRegistry = {
        host: real.host,
        oracle: new Oracle(real.url),
        requests: () => real.log(),
        forget: () => real.clearLog(),
      }
      return { registry, stop: () => real.stop() }
    })
  })
}

interface Started {
  readonly registry: AnyRegistry
  stop(): PromiseLike<void>
}

function runWith(tests: (registry: () => AnyRegistry) => void, start: () => Promise<Started>): void {
  let started: Started | undefined
  beforeAll(async () => {
    started = await start()
  })
  afterAll(async () => {
    await started?.stop()
  })
  tests(() => {
    if (started === undefined) throw new Error('not in a test')
    return started.registry
  })
}
