import type { Call } from '../../lib/call.ts'
import type { Config } from '../../config/config.ts'
import { startsWithRegistry } from '../../config/resolver/argument-grammar.ts'
import { onlyRepository, resolveImage } from '../../config/resolver/resolve.ts'
import {
  registriesOf,
  type RegistryOrRepository,
  resolveRegistries,
} from '../../config/resolver/resolve-registry.ts'
import type { SourceReport } from '../../registry/credentials/explain-credentials.ts'
import { DrayError } from '../../lib/errors.ts'
import { showProxy } from '../../registry/http/transport/proxy.ts'
import type { CredentialFacts } from '../../usecases/views/credential-finding.ts'
import { diagnose, type Diagnosis, type DoctorFacts } from '../../usecases/views/doctor.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { type CheckResult, runCheck } from '../../images/registry-facts.ts'
import type { Context } from '../wiring/context.ts'
import type { Examination } from '../wiring/examination.ts'
import { explainAuth } from './logins.ts'

/**
 * Returns the registries to check: the argument (a registry, a repository, `@ENV` or `@ENV/IMAGE`),
 * or every registry of dray.yaml, each with one of its repositories if the images are listed.
 * @throws `usage`, `malformed`.
 */
export function resolveRegistriesToExamine(
  text: string | undefined,
  config: Config,
): readonly RegistryOrRepository[] {
  return text === undefined
    ? registriesOf([...config.environments.keys()], config)
    : resolveRegistries(text, config)
}

/**
 * The environments whose gates are checked: that of the argument, or without an argument all. None
 * if the argument names a registry.
 */
export function environmentsToExamine(text: string | undefined, config: Config): readonly string[] {
  if (text === undefined) return [...config.environments.keys()]
  const name = /^@([^/]+)/.exec(text)?.[1]
  return name === undefined ? [] : [name]
}

/**
 * Parses the repository of `--write`.
 * @throws `usage` if it is none; `refused` if it belongs to an image of dray.yaml and `mayBeInUse`
 * is false.
 */
export function resolveScratchRepository(word: string, config: Config, mayBeInUse: boolean): RepositoryName {
  if (!word.includes('/') && startsWithRegistry(`${word}/`)) {
    throw new DrayError('usage', `--write ${JSON.stringify(word)} is not a repository`, {
      hint: 'Pass a scratch repository: --write registry.example.com/scratch/dray',
    })
  }
  const image = resolveImage(word, { accepts: ['repository'] }, config)
  const repository = onlyRepository(image)
  if (image.environment === undefined || mayBeInUse) return repository
  const subject = formatRepository(repository)
  throw new DrayError('refused', `${subject} belongs to the environment ${image.environment}`, {
    subject,
    why: 'the test writes images and tags to the repository and deletes them again',
    hint: 'Pass a scratch repository, or add --yes.',
  })
}

/** Checks one registry with reads. Writes only to `scratch`, if it is given. */
export async function examine(
  context: Context,
  place: RegistryOrRepository,
  scratch: RepositoryName | undefined,
  call: Call,
): Promise<Diagnosis> {
  const examination = await context.examination()
  const { registry, path } = scratch ?? place
  const proxy = examination.proxy(examination.origin(registry))
  const [connection, credentials] = await Promise.all([
    proxy === undefined ? inspect(examination, registry, call) : undefined,
    credentialsOf(context, { registry, ...(path !== undefined && { path }) }, call),
  ])
  const facts: DoctorFacts = {
    registry,
    origin: examination.origin(registry).origin,
    credentials,
    ...(proxy !== undefined && { proxy: showProxy(proxy.url) }),
    ...(connection !== undefined && { connection }),
  }
  const isReachable =
    connection === undefined || ('value' in connection && connection.value.tls?.untrusted === undefined)
  if (!isReachable || 'error' in credentials) return diagnose(facts, context.clock.now())
  const registryFacts = await examination.examiner.check(registry, path, call)
  const writing =
    scratch === undefined || 'error' in registryFacts.api
      ? undefined
      : await examination.examiner.probeWrites(scratch, call)
  const { vendorFactsOf } = await import('./doctor-vendor.ts')
  const hasCredentials = credentials.value !== undefined
  const vendor = await vendorFactsOf(registry, hasCredentials, registryFacts.vendor, context)
  return diagnose(
    { ...facts, facts: registryFacts, vendor, ...(writing !== undefined && { writing }) },
    context.clock.now(),
  )
}

async function inspect(
  { origin, certificates }: Examination,
  registry: string,
  call: Call,
): Promise<DoctorFacts['connection']> {
  const { inspectConnection } = await import('../../registry/http/transport/inspect-connection.ts')
  return await runCheck(call, async () =>
    inspectConnection(registry, origin(registry), await certificates(registry), call.signal),
  )
}

async function credentialsOf(
  context: Context,
  place: RegistryOrRepository,
  call: Call,
): Promise<CheckResult<CredentialFacts | undefined>> {
  const { sources } = await explainAuth(context, place, call)
  const first = sources.find(({ state }) => state === 'used' || state === 'broken')
  if (first?.error !== undefined) return { error: first.error }
  return { value: first === undefined ? undefined : factsOf(first) }
}

function factsOf({ where, username, helper, expiresAt }: SourceReport): CredentialFacts {
  return {
    where,
    ...(username !== undefined && { username }),
    ...(helper !== undefined && { helper }),
    ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
  }
}
