import type { Call } from '../../lib/call.ts'
import type { Config } from '../../config/config.ts'
import { parseAddress } from '../../config/addresses.ts'
import { environmentNamed, imagesAt, repositoriesOf } from '../../config/environments.ts'
import type { SourceReport } from '../../registry/credentials/explain-credentials.ts'
import { DrayError } from '../../lib/errors.ts'
import { showProxy } from '../../registry/http/transport/proxy.ts'
import {
  type CredentialFacts,
  diagnose,
  type Diagnosis,
  type DoctorFacts,
} from '../../usecases/views/doctor.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { type CheckResult, runCheck } from '../../images/registry-facts.ts'
import type { Context } from '../wiring/context.ts'
import type { Examination } from '../wiring/examination.ts'
import { explainAuth } from './logins.ts'
import { parseRegistryPlace, type RegistryPlace } from '../arguments/registry-place.ts'

/**
 * What is to be examined: what was named, a registry, a repository, `@ENV` or `@ENV/IMAGE`; else every registry of dray.yaml, each with a repository of its own
 * where the images are listed. @throws `usage`, `malformed`.
 */
export function placesToExamine(word: string | undefined, config: Config): readonly RegistryPlace[] {
  if (word === undefined)
    return distinct([...config.environments.keys()].flatMap((name) => placesOf(config, name)))
  if (!word.startsWith('@')) return [parseRegistryPlace(word, config.registries)]
  const address = parseAddress(word)
  if (address.kind === 'environment') return distinct(placesOf(config, address.environment))
  if (address.kind === 'image') return distinct(repositoriesOf(config, address.environment, address.image))
  return [parseRegistryPlace(word, config.registries)]
}

function placesOf(config: Config, environment: string): readonly RegistryPlace[] {
  const [image] = config.images?.keys() ?? []
  if (image !== undefined) return repositoriesOf(config, environment, image)
  return environmentNamed(config, environment).targets.map(({ registry }) => ({ registry }))
}

/** One place for each registry. */
function distinct(places: readonly RegistryPlace[]): readonly RegistryPlace[] {
  return [...new Map(places.toReversed().map((place) => [place.registry, place])).values()].toReversed()
}

/**
 * The repository of `--write`. @throws `usage` where it is none; `refused` where images of dray.yaml belong there and nobody said that it may be written to.
 */
export function scratchRepository(word: string, config: Config, mayBeInUse: boolean): RepositoryName {
  const { registry, path } = parseRegistryPlace(word, config.registries)
  if (path === undefined) {
    throw new DrayError('usage', `--write ${JSON.stringify(word)} names no repository`, {
      hint: 'Name one that nobody needs: --write registry.example.com/scratch/dray',
    })
  }
  const [placed] = imagesAt(config, { registry, path })
  if (placed === undefined || mayBeInUse) return { registry, path }
  throw new DrayError('refused', `${registry}/${path} belongs to the environment ${placed.environment}`, {
    subject: `${registry}/${path}`,
    why: 'a trial writes images and tags there, and deletes them again',
    hint: 'Name a repository that nobody needs, or add --yes.',
  })
}

/** Examines one registry: reads alone, unless `scratch` is given, which is written to. */
export async function examine(
  context: Context,
  place: RegistryPlace,
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
  const looked = await examination.examiner.check(registry, path, call)
  const writing =
    scratch === undefined || 'error' in looked.api
      ? undefined
      : await examination.examiner.probeWrites(scratch, call)
  return diagnose({ ...facts, facts: looked, ...(writing !== undefined && { writing }) }, context.clock.now())
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
  place: RegistryPlace,
  call: Call,
): Promise<CheckResult<CredentialFacts | undefined>> {
  const { sources } = await explainAuth(context, place, call)
  const first = sources.find(({ state }) => state === 'used' || state === 'broken')
  if (first?.error !== undefined) return { error: first.error }
  return { value: first === undefined ? undefined : factsOf(first) }
}

function factsOf({ where, username, helper }: SourceReport): CredentialFacts {
  return { where, ...(username !== undefined && { username }), ...(helper !== undefined && { helper }) }
}
