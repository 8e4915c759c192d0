import { resolve } from 'node:path'
import type { InferredFlags } from '@oclif/core/interfaces'
import { inParallel } from '../../../images/parallel.ts'
import { asUsage } from '../../../lib/as-usage.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorInfo } from '../../../lib/errors.ts'
import { parsePlatformName, type Platform } from '../../../oci/platform.ts'
import { layoutRegistry } from '../../../oci/reference.ts'
import type { SigningKey } from '../../../signing/signing-keys.ts'
import { decideBundle } from '../../../usecases/bundle/create/decide-bundle.ts'
import type { DeletingRule } from '../../../usecases/bundle/create/decide-deletes.ts'
import { gatherBundle, type PackedImage } from '../../../usecases/bundle/create/gather-bundle.ts'
import { readContents } from '../../../usecases/bundle/create/read-contents.ts'
import type { PackRequest } from '../../../usecases/bundle/create/request.ts'
import { residencyErrors } from '../../gates/residency.ts'
import type { Context } from '../../wiring/context.ts'
import { growHeapSlowly, keepHeapSmall } from '../../wiring/small-heap.ts'
import { type BundleSummary, summaryOf } from '../../../plan/bundle/bundle-summary.ts'
import { readHistory } from './bundle-history.ts'
import type { createFlags } from './create-flags.ts'
import { packRequestOf } from './pack-requests.ts'
import { bundleChunks, writeBundleFile } from './write-bundle.ts'

/** Images whose residency is checked at once. */
const imagesAtOnce = 8
/** The name of a pipe in the rules of `residency`. */
const pipePath = '/dev/stdout'

export type CreateFlags = InferredFlags<typeof createFlags>

export interface CreatePorts {
  readonly context: Context
  readonly call: Call
  /** the bytes to transfer, once they are known */
  readonly expectBytes: (bytes: number) => void
  /** writes to stdout */
  readonly pour: (chunks: AsyncIterable<Uint8Array>) => Promise<void>
}

/**
 * Packs rules and images into a bundle.
 * @param file `-` for stdout
 * @throws `usage`, `refused`; what reading and writing throw. Then there is no file.
 */
export async function createBundle(
  file: string,
  names: readonly string[],
  flags: CreateFlags,
  { context, call, expectBytes, pour }: CreatePorts,
): Promise<BundleSummary> {
  context.keepsReserves = true
  keepHeapSmall()
  growHeapSlowly()
  const { since, need, key: keyFiles = [] } = flags
  if (since !== undefined && file !== '-' && resolve(context.cwd, file) === resolve(context.cwd, since)) {
    throw new DrayError('usage', 'the new bundle cannot replace the file of --since', {
      why: 'the next increment or a repair needs that file',
      hint: 'Write the bundle to another file.',
    })
  }
  const history = since === undefined ? undefined : await readHistory(since, need, keyFiles, context, call)
  const key = await signingKeyOf(flags, context)
  const createdAt = timeOfEnvironment(context.env)
  const { requests, deletingRules } = await resolveNames(names, flags, context, call)
  await context.expectRepositories(
    [],
    requests.map(({ repository }) => repository),
    'read',
  )
  const stores = await context.stores()
  const options = {
    evidence: flags.evidence,
    dangling: flags['allow-missing-evidence'] ? 'skip' : 'fail',
  } as const
  const images = await gatherBundle(requests, stores, options, call)
  await refuseByResidency(file, images, context, call)
  const { document, contents } = decideBundle(images, {
    deletingRules,
    ...(history !== undefined && { history }),
    ...(createdAt !== undefined && { createdAt }),
  })
  expectBytes(contents.reduce((sum, { content }) => sum + content.size, 0))
  const chunks = bundleChunks(document, readContents(contents, stores, call), key)
  let size: number | undefined
  if (file === '-') await pourWhole(chunks, pour)
  else size = await writeBundleFile(file, chunks, context.cwd, call.signal)
  return summaryOf(file, document, { signature: key === undefined ? 'none' : 'signed', size })
}

/** @throws `io` if the reader of the pipe has gone before the end. */
async function pourWhole(chunks: AsyncIterable<Uint8Array>, pour: CreatePorts['pour']): Promise<void> {
  let isWhole = false
  const watched = async function* (): AsyncGenerator<Uint8Array, void> {
    yield* chunks
    isWhole = true
  }
  await pour(watched())
  if (isWhole) return
  throw new DrayError('io', 'cannot write the bundle', {
    subject: 'stdout',
    why: 'the reader of the pipe ended before the end of the bundle',
  })
}

interface ResolvedNames {
  readonly requests: readonly PackRequest[]
  readonly deletingRules: readonly DeletingRule[]
}

/** The name of a rule is a rule, everything else an image. */
async function resolveNames(
  names: readonly string[],
  flags: CreateFlags,
  context: Context,
  call: Call,
): Promise<ResolvedNames> {
  if (names.length === 0) {
    throw new DrayError('usage', 'a rule or an image is required', {
      hint: 'Name rules of dray.yaml or images: dray bundle create base.tar docker.io/library/alpine:3.22',
    })
  }
  const platforms = flags.platform?.map((text) => asUsage(() => parsePlatformName(text)))
  const loaded = await context.config()
  const distinct = [...new Set(names)]
  if (loaded.sync === undefined) {
    return { requests: await imagesOf(distinct, platforms, context, call), deletingRules: [] }
  }
  const { rulesByName, selectByRules } = await import('./rule-requests.ts')
  const byName = rulesByName(loaded, context.clock.now())
  const rules = distinct.flatMap((name) => byName.get(name) ?? [])
  const images = distinct.filter((name) => !byName.has(name))
  const selected = await selectByRules(rules, platforms, context, call)
  const requests = [...selected.requests, ...(await imagesOf(images, platforms, context, call))]
  return { ...selected, requests }
}

async function imagesOf(
  names: readonly string[],
  platforms: readonly Platform[] | undefined,
  context: Context,
  call: Call,
): Promise<readonly PackRequest[]> {
  const requests: PackRequest[] = []
  for (const name of names) requests.push(await packRequestOf(name, platforms, context, call))
  return requests
}

/** A bundle counts like an image layout at its path. @throws `refused`. */
async function refuseByResidency(
  file: string,
  images: readonly PackedImage[],
  context: Context,
  call: Call,
): Promise<void> {
  const { config } = await context.config()
  if (config.residency === undefined) return
  const path = file === '-' ? pipePath : resolve(context.cwd, file)
  const found = await inParallel(images, imagesAtOnce, call, async ([{ request, root }], c) => {
    const { image, repository: from } = request
    return await residencyErrors({ image, root, from, to: { registry: layoutRegistry, path } }, context, c)
  })
  const errors = found.flat()
  const [first] = errors
  if (first !== undefined) throw refusalOf(first, errors)
}

function refusalOf(first: ErrorInfo, all: readonly ErrorInfo[]): DrayError {
  const { code, message, ...context } = first
  const details = all.map((one) => one.message)
  return new DrayError(code, message, { ...context, ...(all.length > 1 && { details }) })
}

/** @throws `usage` if a signature is requested and no key is named; `config`, `io`. */
async function signingKeyOf(flags: CreateFlags, context: Context): Promise<SigningKey | undefined> {
  const file = flags['sign-key']
  if (file === undefined && !flags.sign) return undefined
  const { sign } = (await context.config()).config.audit
  const { loadPrivateKey } = await import('../../wiring/private-key.ts')
  const key =
    file === undefined
      ? await context.signingKey()
      : await loadPrivateKey(file, sign?.passwordEnv, context.env)
  if (key !== undefined) return key
  throw new DrayError('usage', 'cannot sign the bundle', {
    why: 'neither --sign-key nor audit.sign.key in dray.yaml names a key',
    hint: 'Pass a private key in PEM with --sign-key. To create one, run: openssl genpkey -algorithm ed25519 -out key.pem',
  })
}

/** The time of SOURCE_DATE_EPOCH (reproducible-builds.org), ISO 8601. @throws `config`. */
function timeOfEnvironment(env: Context['env']): string | undefined {
  const text = env['SOURCE_DATE_EPOCH']
  if (text === undefined || text === '') return undefined
  // The last second that a tar header can have.
  const isValid = /^\d{1,11}$/.test(text) && Number(text) < 8 ** 11
  if (isValid) return new Date(Number(text) * 1000).toISOString()
  throw new DrayError('config', 'SOURCE_DATE_EPOCH is not a time', {
    why: `its value is ${JSON.stringify(text.slice(0, 50))}`,
    hint: 'Set it to the seconds since 1970, or remove it.',
  })
}
