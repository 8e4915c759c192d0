import { afterEach, beforeEach } from 'vitest'
import { type Bench, bench } from './promotion.ts'
import { type WatchedRegistry, watchedRegistry } from './world.ts'

/** A registry to promote from and one to promote to, and what a promotion in this process needs. */
export interface TwoRegistries {
  readonly staging: WatchedRegistry
  readonly prod: WatchedRegistry
  readonly run: Bench
}

/** Starts fresh registries for each test of the file; the fields are those of the current test. */
export function twoRegistries(): TwoRegistries {
  const current = {} as { -readonly [Key in keyof TwoRegistries]: TwoRegistries[Key] }
  beforeEach(async () => {
    current.staging = await watchedRegistry()
    current.prod = await watchedRegistry()
    current.run = await bench()
  })
  afterEach(async () => {
    await current.run[Symbol.asyncDispose]()
    await current.staging[Symbol.asyncDispose]()
    await current.prod[Symbol.asyncDispose]()
  })
  return current
}
