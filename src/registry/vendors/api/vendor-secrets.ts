import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { CredentialSource } from '../../credential.ts'
import { SharedWork } from '../../http/shared-work.ts'
import type { VendorSecret } from '../vendor-api.ts'
import type { SecretSource } from './api-access.ts'

export interface VendorSecretsOptions {
  readonly registry: string
  readonly from: SecretSource
  /** the name of the variable */
  readonly tokenEnv: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** the credentials of the run, which have been added to the secrets of the stack */
  readonly credentials: CredentialSource
  readonly keepSecret: (text: string) => void
  /** the hint for a variable that is not set */
  readonly howToCreate: string
}

/** Finds the secrets for the API of a vendor, each once until it is refused. */
export class VendorSecrets {
  readonly #options: VendorSecretsOptions
  readonly #lookups = new Map<string | undefined, SharedWork<VendorSecret | undefined>>()
  #wasRefused = false

  constructor(options: VendorSecretsOptions) {
    this.#options = options
  }

  /** @throws `config` for a variable that is not set, and as the source of credentials. */
  async find(path: string | undefined, call: Call): Promise<VendorSecret | undefined> {
    const { from } = this.#options
    if (from === 'none') return undefined
    if (from === 'tokenEnv') return this.#token()
    const known = this.#lookups.get(path)
    const isAgain = this.#wasRefused
    const lookup = known ?? new SharedWork((first) => this.#lookUp(path, first, isAgain))
    this.#lookups.set(path, lookup)
    return await lookup.result(call)
  }

  /** Reads files and runs helpers again for the next request: the API refused a secret. */
  noteRefused(): void {
    this.#wasRefused = true
    this.#lookups.clear()
  }

  #token(): VendorSecret {
    const { registry, tokenEnv = '', env, keepSecret, howToCreate } = this.#options
    const secret = env[tokenEnv] ?? ''
    const setting = `registries.${registry}.tokenEnv`
    if (secret === '')
      throw new DrayError('config', `the variable ${tokenEnv} is not set`, {
        subject: registry,
        why: `${setting} names it for the token of the vendor's API`,
        hint: howToCreate,
      })
    keepSecret(secret)
    if (!/^[\x21-\x7e]+$/.test(secret))
      throw new DrayError('config', `the variable ${tokenEnv} contains no token`, {
        subject: registry,
        why: 'a token has no spaces, line ends or characters beyond ASCII',
        hint: `Set ${tokenEnv} to the token alone.`,
      })
    return { secret, from: 'tokenEnv' }
  }

  async #lookUp(path: string | undefined, call: Call, isAgain: boolean): Promise<VendorSecret | undefined> {
    const credential = await this.#options.credentials(this.#options.registry, path, call, isAgain)
    if (credential === undefined) return undefined
    if (credential.kind === 'identity') return { secret: credential.token, from: 'registry' }
    return { username: credential.username, secret: credential.password, from: 'registry' }
  }
}
