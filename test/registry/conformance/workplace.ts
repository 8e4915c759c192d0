import { onTestFinished } from 'vitest'
import { type Abilities, type ProfileName, profiles } from '../../../src/embedded/profiles.ts'
import type { TargetRepository } from '../../../src/images/ports.ts'
import { type ErrorCode, isDrayError } from '../../../src/lib/errors.ts'
import { watchedRegistry } from '../../support/world.ts'
import type { Oracle } from '../../support/oracle.ts'
import { openStores } from '../client/world.ts'

export const profileNames = Object.keys(profiles) as ProfileName[]

export interface Workplace {
  readonly registry: string
  readonly oracle: Oracle
  readonly abilities: Abilities
  /** A client that knows nothing about the registry yet. */
  readonly open: (
    path?: string,
    uploads?: { readonly wholeUpTo: number; readonly chunk: number },
  ) => TargetRepository
}

/** The path of the repository of a test. */
export const path = 'team/api'

/** An embedded registry for one test. */
export async function workplaceAt(
  profile: ProfileName,
  different: Partial<Abilities> = {},
): Promise<Workplace> {
  const running = await watchedRegistry({ profile, abilities: different })
  onTestFinished(() => running[Symbol.asyncDispose]())
  return {
    registry: running.host,
    oracle: running.oracle,
    abilities: { ...profiles[profile], ...different },
    open: (at = path, uploads) =>
      openStores(uploads === undefined ? {} : { uploads }).target({ registry: running.host, path: at }),
  }
}

/** The result, or the code of the `DrayError`. */
export async function resultOrCode<T>(running: Promise<T>): Promise<T | ErrorCode> {
  return await running.catch((error: unknown) => {
    if (isDrayError(error)) return error.code
    throw error
  })
}
