import { join } from 'node:path'
import type { Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import type { Credential, CredentialSource } from './credential.ts'
import { type DockerConfig, readDockerConfig } from './docker-config.ts'
import { askHelper } from './helper.ts'
import { helperServer, keysFor } from './registry-keys.ts'

export interface DockerCredentialsOptions {
  /** `DOCKER_CONFIG` is looked at, and helpers are run with all of it */
  readonly env: Readonly<Record<string, string | undefined>>
  /** the home folder */
  readonly home: string
  readonly clock?: Clock
  /** how long a helper may take, milliseconds */
  readonly helperLimitMs?: number
}

/**
 * Credentials as docker keeps them: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. The most specific key wins; for a host its own helper
 * (`credHelpers`) comes before the store (`credsStore`), and that before `auths`, as in docker/cli (`configfile`, `getConfiguredCredentialStore`).
 * The file is read once, and a helper asked once for each server.
 * @throws `config` for a file or helper that does not do what it should; `timeout`.
 */
export function dockerCredentials(options: DockerCredentialsOptions): CredentialSource {
  let config: Promise<DockerConfig | undefined> | undefined
  const asked = new Map<string, Promise<Credential | undefined>>()

  const ask = (name: string, server: string, call: Call): Promise<Credential | undefined> => {
    const key = `${name} ${server}`
    const known = asked.get(key)
    if (known !== undefined) return known
    const { env, clock, helperLimitMs } = options
    const answer = askHelper(
      name,
      server,
      { env, ...(clock && { clock }), ...(helperLimitMs !== undefined && { limitMs: helperLimitMs }) },
      call,
    )
    asked.set(key, answer)
    answer.catch(() => asked.delete(key))
    return answer
  }

  return async (registry, path, call) => {
    config ??= readDockerConfig(configFile(options))
    const found = await config
    if (found === undefined) return undefined
    const host = keysFor(registry, undefined)[0]
    for (const key of keysFor(registry, path)) {
      const helper = found.credHelpers.get(key) ?? (key === host ? found.credsStore : undefined)
      if (helper !== undefined) return ask(helper, helperServer(key), call)
      const credential = found.auths.get(key)
      if (credential !== undefined) return credential
    }
    return undefined
  }
}

function configFile({ env, home }: DockerCredentialsOptions): string {
  const folder = env['DOCKER_CONFIG']
  return join(folder === undefined || folder === '' ? join(home, '.docker') : folder, 'config.json')
}
