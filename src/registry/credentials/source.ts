import type { Call } from '../../lib/call.ts'
import type { Credential } from '../credential.ts'
import type { IgnoredKey } from './registry-keys.ts'

/** A place where credentials may be, in the order in which they are looked for. */
export const sourceNames = [
  'flags',
  'variables',
  'DOCKER_AUTH_CONFIG',
  'REGISTRY_AUTH_FILE',
  'podman, this session',
  'podman, this user',
  'docker',
] as const

export type SourceName = (typeof sourceNames)[number]

export interface FoundCredential {
  readonly credential: Credential
  /** what it was found under: `host[:port][/namespace]` */
  readonly key: string
  /** the helper program that gave it, by the name in the configuration */
  readonly helper?: string
}

/** Why there is nothing: the place is not there, or has nothing for this registry. */
export interface NoCredential {
  readonly credential?: undefined
  readonly why: 'not set' | 'no such file' | 'no entry' | 'the helper has none'
}

export interface Source {
  readonly name: SourceName
  /** a file, or the names of flags or variables */
  readonly where: string
  /** @throws `config` where it is broken: that is never taken for "none"; `timeout`, the signal's reason. */
  /** @param isPlainHttp whether the registry is asked over plain http; by default only loopback names are */
  find(
    registry: string,
    path: string | undefined,
    call: Call,
    isPlainHttp?: boolean,
  ): Promise<FoundCredential | NoCredential>
  /** The entries that mention a registry, or no host, and are not used. @throws as `find`. */
  ignoredKeys?(registry: string): Promise<readonly IgnoredKey[]>
}
