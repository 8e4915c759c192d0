import type { Config } from '../../config/config.ts'
import type { RegistryOrRepository } from '../../config/resolver/resolve-registry.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { isPlain } from '../../oci/registry-host.ts'
import type { Credential } from '../../registry/credential.ts'
import { findCredentials, type FindOptions } from '../../registry/credentials/find-credentials.ts'
import { helperServer } from '../../registry/credentials/registry-keys.ts'
import { lifetimeOf, type TokenLifetime } from '../../registry/credentials/token-lifetime.ts'
import { vendorOfHost } from '../../registry/known-vendors.ts'
import type { KubernetesObject } from '../../usecases/kubernetes/object.ts'
import {
  type PullCredential,
  pullSecret,
  type PullSecretOptions,
} from '../../usecases/kubernetes/pull-secret.ts'

/** The user with which Azure takes a refresh token as a password. */
const azureTokenUser = '00000000-0000-0000-0000-000000000000'

/** A registry in the Secret, without its credentials. */
interface SecretRegistry {
  /** `HOST[:PORT][/PATH]` */
  readonly registry: string
  /** ISO 8601; null: unknown, or the credentials do not expire */
  readonly expiresAt: string | null
}

export interface CreatedPullSecret {
  readonly manifest: KubernetesObject
  readonly registries: readonly SecretRegistry[]
  /** whole sentences */
  readonly warnings: readonly string[]
}

/**
 * Returns a Secret with the credentials that dray uses for these registries. Sends no request.
 * @throws `config` if a registry has no credentials, or a source is broken; `unsupported` for a
 * refresh token that no kubelet can use; `timeout`, the signal's reason.
 */
export async function createPullSecret(
  registries: readonly RegistryOrRepository[],
  config: Config,
  find: FindOptions,
  options: PullSecretOptions,
  call: Call,
): Promise<CreatedPullSecret> {
  const source = findCredentials(find, (registry) => isPlain(registry, config.registries.get(registry)))
  const found: (PullCredential & { readonly name: string; readonly lifetime: TokenLifetime | undefined })[] =
    []
  const missing: string[] = []
  // One after another, because a helper may prompt.
  for (const { registry, path } of registries) {
    const name = path === undefined ? registry : `${registry}/${path}`
    const credential = await source(registry, path, call)
    if (credential === undefined) missing.push(name)
    else
      found.push({
        key: helperServer(name),
        ...passwordOf(registry, name, credential),
        name,
        lifetime: lifetimeOf(registry, credential),
      })
  }
  if (missing.length > 0) throw noCredentials(missing)
  return {
    manifest: pullSecret(found, options),
    registries: found.map(({ name, lifetime }) => ({ registry: name, expiresAt: expiryText(lifetime) })),
    warnings: found.flatMap(({ name, lifetime }) => warningOf(name, lifetime)),
  }
}

/** A kubelet sends a user and a password. It ignores refresh tokens. */
function passwordOf(
  registry: string,
  name: string,
  credential: Credential,
): Pick<PullCredential, 'username' | 'password'> {
  if (credential.kind === 'basic') return credential
  if (vendorOfHost(registry)?.kind === 'acr') return { username: azureTokenUser, password: credential.token }
  throw new DrayError('unsupported', `Kubernetes cannot use the credentials of ${name}`, {
    subject: name,
    why: 'they are a refresh token, and a kubelet sends only a user and a password',
    hint: `Log in with a password or an access token: dray login ${registry}`,
  })
}

function expiryText(lifetime: TokenLifetime | undefined): string | null {
  return lifetime !== undefined && 'expiresAt' in lifetime ? new Date(lifetime.expiresAt).toISOString() : null
}

function warningOf(name: string, lifetime: TokenLifetime | undefined): readonly string[] {
  if (lifetime === undefined) return []
  const end =
    'expiresAt' in lifetime ? `at ${new Date(lifetime.expiresAt).toISOString()}` : `within ${lifetime.within}`
  return [`The token of ${name} expires ${end}. Replace the Secret before, or use credentials that last.`]
}

function noCredentials(names: readonly string[]): DrayError {
  const [first = ''] = names
  const [registry = ''] = first.split('/')
  return new DrayError('config', `there are no credentials for ${names.join(' and ')}`, {
    subject: first,
    why: 'no source of credentials has an entry',
    hint: `Run "dray login ${registry}". If only a namespace has credentials, name it: ${registry}/NAMESPACE.`,
  })
}
