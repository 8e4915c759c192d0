import { afterEach, beforeEach } from 'vitest'
import type { RepositoryName } from '../../src/oci/reference.ts'
import { type Bench, bench, repository } from './promotion.ts'
import { type WatchedRegistry, watchedRegistry } from './world.ts'

/** Two registries and a run, new for each test of the file. */
export interface StagingAndProd {
  readonly staging: WatchedRegistry
  readonly prod: WatchedRegistry
  readonly run: Bench
  readonly from: () => RepositoryName
  readonly to: (path?: string) => RepositoryName
}

export function stagingAndProd(): StagingAndProd {
  let current: Omit<StagingAndProd, 'from' | 'to'>
  beforeEach(async () => {
    current = { staging: await watchedRegistry(), prod: await watchedRegistry(), run: await bench() }
  })
  afterEach(async () => {
    for (const one of [current.run, current.staging, current.prod]) await one[Symbol.asyncDispose]()
  })
  return {
    get staging() {
      return current.staging
    },
    get prod() {
      return current.prod
    },
    get run() {
      return current.run
    },
    from: () => repository(current.staging, 'staging/api'),
    to: (path = 'prod/api') => repository(current.prod, path),
  }
}

export const isWrite = ({ method }: { readonly method: string }): boolean =>
  method !== 'GET' && method !== 'HEAD'
