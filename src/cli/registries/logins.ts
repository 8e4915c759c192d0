import { resolve } from 'node:path'
import type { Call } from '../../lib/call.ts'
import type { Credential } from '../../registry/credential.ts'
import type { SourceReport } from '../../registry/credentials/explain-credentials.ts'
import type { SourceName } from '../../registry/credentials/source.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { isPlain } from '../../oci/registry-host.ts'
import type { Context } from '../wiring/context.ts'
import type { RegistryOrRepository } from '../../config/resolver/resolve-registry.ts'

export interface LoggedIn {
  readonly registry: string
  readonly username: string
  /** whether the registry required the credentials and accepted them */
  readonly checked: boolean
  readonly file: string
  /** the helper that keeps them; null if they are in the file, unencrypted */
  readonly helper: string | null
  /** the source that wins over them */
  readonly behind: OtherSource | null
}

interface OtherSource {
  readonly source: SourceName
  readonly where: string
}

export interface LoginRequest {
  readonly registry: string
  readonly username: string
  readonly password: string
  /** by default docker's file */
  readonly authFile: string | undefined
}

/**
 * Checks credentials at their registry, and stores them where docker finds them.
 * @throws `unauthorized` if the registry refuses them: nothing is stored then.
 */
export async function logIn(context: Context, request: LoginRequest, call: Call): Promise<LoggedIn> {
  const { registry, username, password, authFile } = request
  const [{ credentialOf }, { keepCredential }] = await Promise.all([
    import('../../registry/credential.ts'),
    import('../../registry/credentials/keep-credential.ts'),
  ])
  const credential = credentialOf(username, password)
  const checked = await checkCredential(context, registry, credential, call)
  const store = await findStore(context, authFile)
  const kept = await keepCredential(store, registry, credential, call)
  const behind = await sourceBefore(context, registry, store.file, call)
  return { registry, username, checked, file: kept.file, helper: kept.helper ?? null, behind }
}

export interface LoggedOut {
  readonly registry: string
  readonly removed: boolean
  readonly file: string
  readonly helper: string | null
  /** the source that still has credentials */
  readonly left: OtherSource | null
}

/** Removes the credentials of a registry. */
export async function logOut(
  context: Context,
  registry: string,
  authFile: string | undefined,
  call: Call,
): Promise<LoggedOut> {
  const { forgetCredential } = await import('../../registry/credentials/keep-credential.ts')
  const store = await findStore(context, authFile)
  const removed = await forgetCredential(store, registry, call)
  const reports = await reportsOf(context, { registry }, call)
  const remaining = reports.find(({ state }) => state === 'used')
  return {
    registry,
    removed: removed !== undefined,
    file: store.file,
    helper: removed?.helper ?? null,
    left: remaining === undefined ? null : { source: remaining.source, where: remaining.where },
  }
}

export interface AuthExplanation {
  readonly registry: string
  /** null: for the registry */
  readonly repository: string | null
  /** the source that wins; null if requests go without credentials, or end with an error */
  readonly used: SourceName | null
  readonly sources: readonly SourceReport[]
  /** the scopes of a token, by the access of a command */
  readonly scopes: { readonly read: string; readonly write: string; readonly delete: string }
}

/** Explains which credentials would be used, and why. Sends no request. */
export async function explainAuth(
  context: Context,
  location: RegistryOrRepository,
  call: Call,
): Promise<AuthExplanation> {
  const [{ formatScopes, scopeSet }, { config }] = await Promise.all([
    import('../../registry/http/auth/scopes.ts'),
    context.config(),
  ])
  const isPlainHttp = isPlain(location.registry, config.registries.get(location.registry))
  const sources = await reportsOf(context, location, call, isPlainHttp)
  const repository = { registry: location.registry, path: location.path ?? 'REPOSITORY' }
  const scope = (...actions: readonly ('pull' | 'push' | 'delete')[]): string =>
    formatScopes(scopeSet([{ repository, actions }])).join(' ')
  return {
    registry: location.registry,
    repository: location.path ?? null,
    used: sources.find(({ state }) => state === 'used')?.source ?? null,
    sources,
    scopes: { read: scope('pull'), write: scope('pull', 'push'), delete: scope('pull', 'delete') },
  }
}

async function reportsOf(
  context: Context,
  { registry, path }: RegistryOrRepository,
  call: Call,
  isPlainHttp?: boolean,
): Promise<readonly SourceReport[]> {
  const [{ credentialSources }, { explainCredentials }, options] = await Promise.all([
    import('../../registry/credentials/find-credentials.ts'),
    import('../../registry/credentials/explain-credentials.ts'),
    context.credentialOptions(),
  ])
  return await explainCredentials(credentialSources(options), registry, path, call, isPlainHttp)
}

/**
 * Sends `GET /v2/` (distribution-spec, Determining Support). Returns whether the registry asked for
 * credentials.
 */
async function checkCredential(
  context: Context,
  registry: string,
  credential: Credential,
  call: Call,
): Promise<boolean> {
  const stack = await context.stackFor(() => Promise.resolve(credential))
  let isRequired = false
  const watching: Call = {
    ...call,
    notify: (event) => {
      if (event.kind === 'request' && event.status === 401) isRequired = true
      call.notify(event)
    },
  }
  try {
    const url = new URL('/v2/', stack.origin(registry))
    const request = {
      registry,
      method: 'GET',
      url,
      headers: {},
      scopes: [],
      replay: 'always',
      lane: 'small',
    } as const
    const response = await stack.fetch(request, watching).catch((thrown: unknown) => {
      throw isDrayError(thrown) && thrown.code === 'unauthorized' && thrown.status !== undefined
        ? credentialRefused(registry, credential, thrown)
        : thrown
    })
    const { status } = response
    if (status < 400 || status === 404) {
      await response.discard()
      return isRequired
    }
    const { responseError } = await import('../../registry/client/errors.ts')
    const purpose = { registry, doing: 'log in', subject: registry, access: 'read' } as const
    const reader = {
      redact: (text: string) => stack.secrets.redact(text),
      speaksTls: (name: string, c: Call) => stack.speaksTls(name, c),
    }
    const { why, hint } = await responseError(response, purpose, url, reader, call)
    throw new DrayError(
      status === 403 ? 'forbidden' : 'protocol',
      `cannot log in to ${registry} ${describeUser(credential)}`,
      {
        subject: registry,
        status,
        why: why ?? `it answered with status ${status}`,
        // The hint for other answers is a login.
        ...(status === 400 && { hint }),
      },
    )
  } finally {
    await stack.close()
  }
}

function credentialRefused(registry: string, credential: Credential, cause: DrayError): DrayError {
  const wrong =
    (credential.kind === 'identity' ? cause.why : undefined) ??
    'it refused the user and the password or token'
  return new DrayError('unauthorized', `cannot log in to ${registry} ${describeUser(credential)}`, {
    subject: registry,
    status: cause.status,
    why: wrong,
    hint: 'Check the user and the password. Some registries require an access token instead of a password. dray stored nothing.',
    cause,
  })
}

function describeUser(credential: Credential): string {
  return credential.kind === 'basic' ? `as ${credential.username}` : 'with this token'
}

async function findStore(context: Context, authFile: string | undefined) {
  const [{ dockerFile }, { env, home }] = await Promise.all([
    import('../../registry/credentials/find-credentials.ts'),
    context.credentialOptions(),
  ])
  const file = authFile === undefined ? dockerFile(env, home) : resolve(context.cwd, authFile)
  return { file, helpers: { env, clock: context.clock }, clock: context.clock }
}

/** Returns the source that wins for a registry, unless that is `file`. */
async function sourceBefore(
  context: Context,
  registry: string,
  file: string,
  call: Call,
): Promise<OtherSource | null> {
  const reports = await reportsOf(context, { registry }, call)
  const first = reports.find(({ state }) => state === 'used' || state === 'broken')
  return first === undefined || first.where === file ? null : { source: first.source, where: first.where }
}
