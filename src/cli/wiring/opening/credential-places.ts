import type { Clock } from '../../../lib/clock.ts'
import { homeFolder } from '../../../lib/files/user-folders.ts'
import type { FindOptions, GivenCredential } from '../../../registry/credentials/find-credentials.ts'

/** The places of this user and machine to search for credentials. */
export function credentialPlaces(
  env: FindOptions['env'],
  clock: Clock,
  given: GivenCredential | undefined,
): FindOptions {
  const uid = process.getuid?.()
  return {
    env,
    home: homeFolder(env) ?? '/',
    clock,
    ...(uid !== undefined && { uid }),
    ...(given !== undefined && { given }),
  }
}
