import type { Call } from '../../lib/call.ts'
import type { Credential } from '../credential.ts'
import type { IgnoredKey } from './registry-keys.ts'

/** The sources of credentials, in their order. */
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
  /** the key that it was found under: `host[:port][/namespace]` */
  readonly key: string
  /** the helper program that has it, by its name in the configuration */
  readonly helper?: string
}

/** Why a source has nothing. */
export interface NoCredential {
  readonly credential?: undefined
  readonly why: 'not set' | 'no such file' | 'not readable' | 'no entry' | 'the helper has none'
}

export interface Source {
  readonly name: SourceName
  /** a file, or the names of flags or variables */
  readonly where: string
  /**
   * @param isPlainHttp whether the registry is reached over plain http; by default only loopback
   * names are
   * @throws `config` if the source is broken, which never counts as "none"; `timeout`, the signal's
   * reason.
   */
  find(
    registry: string,
    path: string | undefined,
    call: Call,
    isPlainHttp?: boolean,
  ): Promise<FoundCredential | NoCredential>
  /**
   * Returns the entries that mention a registry, or no host, and that dray does not use. @throws as
   * `find`.
   */
  ignoredKeys?(registry: string): Promise<readonly IgnoredKey[]>
}
