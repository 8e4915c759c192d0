import type { GateRequest } from '../../gates/gate-request.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestReader, Repositories, TagLister } from '../../images/ports.ts'
import { listTags } from '../../images/tags/tags.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { PlacementEnd } from '../../plan/plan.ts'
import { sortBySemver } from '../../semver/order.ts'
import { isExactVersion, plainReading } from '../../semver/version.ts'
import type { CheckRequest, CheckTarget } from './request.ts'

/** Images that are judged at once. */
const imagesAtOnce = 8
/** Tags of one repository that are resolved at once. */
const tagsAtOnce = 16

/** The gates of one image at one target. */
export interface CheckedImage {
  /** as the user named it, or with the first of its tags */
  readonly image: string
  /** the tags that were checked */
  readonly tags: readonly string[]
  /** absent if the image could not be read */
  readonly digest?: Digest
  readonly from: PlacementEnd
  readonly to: PlacementEnd
  /** `fail`: a gate or a residency rule refuses it; `error`: it could not be read */
  readonly result: 'pass' | 'fail' | 'error'
  readonly gates: readonly GateResult[]
  /** why a residency rule forbids the target, or why that could not be read */
  readonly violations: readonly ErrorInfo[]
  readonly error?: ErrorInfo
}

export interface CheckPorts {
  readonly stores: Repositories
  readonly judge: (request: GateRequest, call: Call) => Promise<readonly GateResult[]>
  /** why residency rules forbid the image at a repository; empty: they allow it */
  readonly violationsOf: (image: string, request: GateRequest, call: Call) => Promise<readonly ErrorInfo[]>
}

/**
 * Judges images for their targets with the evidence of now, and changes nothing. An image that
 * cannot be read is a result.
 * @throws the reason of the signal.
 */
export async function checkImages(
  requests: readonly CheckRequest[],
  ports: CheckPorts,
  call: Call,
): Promise<readonly CheckedImage[]> {
  const found = await inParallel(requests, imagesAtOnce, call, async (request, c) => {
    try {
      return await findImages(request, ports.stores, c)
    } catch (error) {
      call.signal.throwIfAborted()
      return [{ request, image: request.image, tags: tagsOf(request), error: toErrorInfo(error) }]
    }
  })
  const pairs = found.flat().flatMap((one) => one.request.targets.map((target) => ({ one, target })))
  return await inParallel(pairs, imagesAtOnce, call, ({ one, target }, c) => checkAt(one, target, ports, c))
}

interface ImageToCheck {
  readonly request: CheckRequest
  readonly image: string
  readonly tags: readonly string[]
  readonly root?: Descriptor
  readonly error?: ErrorInfo
}

async function findImages(
  request: CheckRequest,
  stores: Repositories,
  call: Call,
): Promise<readonly ImageToCheck[]> {
  const { at, image, from } = request
  const store = stores.source(from.repository)
  if (at === undefined) return await listImages(request, store, call)
  const content = await store.findManifest(at, call)
  if (content === undefined) throw notFound(formatAt(from.repository, at))
  return [{ request, image, tags: tagsOf(request), root: content.descriptor }]
}

function tagsOf({ at }: CheckRequest): readonly string[] {
  return at !== undefined && 'tag' in at ? [at.tag] : []
}

/**
 * Returns each image of a repository once, in the order for display, with all of its tags: first a
 * version. @throws `not-found` if the user named a repository without tags.
 */
async function listImages(
  request: CheckRequest,
  store: ManifestReader & TagLister,
  call: Call,
): Promise<readonly ImageToCheck[]> {
  const listed = (await listTags(store, call)).filter((tag) => !isEvidenceTag(tag))
  const tags = sortBySemver(listed, plainReading)
  const resolved = await inParallel(tags, tagsAtOnce, call, async (tag, c) => {
    const root = await store.resolve({ tag }, c)
    return root === undefined ? [] : [{ tag, root }]
  })
  if (tags.length === 0 && request.isNamed === true) throw notFound(formatRepository(request.from.repository))
  const byDigest = Map.groupBy(resolved.flat(), ({ root }) => root.digest)
  return [...byDigest.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const own = same.map(({ tag }) => tag)
    const name = own.find((tag) => isExactVersion(tag, plainReading)) ?? first.tag
    const ordered = [name, ...own.filter((tag) => tag !== name)]
    return [{ request, image: `${request.image}:${name}`, tags: ordered, root: first.root }]
  })
}

function notFound(where: string): DrayError {
  return new DrayError('not-found', `cannot find ${where}`, {
    subject: where,
    hint: 'Check the name and the tag with dray ls.',
  })
}

async function checkAt(
  { request, image, tags, root, error }: ImageToCheck,
  { to, gates }: CheckTarget,
  { judge, violationsOf }: CheckPorts,
  call: Call,
): Promise<CheckedImage> {
  const [tag] = tags
  const from = { ...request.from, ...(tag !== undefined && { tag }) }
  const shown = { image, tags, from, to }
  if (root === undefined)
    return { ...shown, result: 'error', gates: [], violations: [], ...(error !== undefined && { error }) }
  const judged: GateRequest = { root, from, to, operation: 'check', gates }
  try {
    const results = gates.length === 0 ? [] : await judge(judged, call)
    const violations = await violationsOf(image, judged, call)
    return {
      ...shown,
      digest: root.digest,
      result: summarise(results, violations),
      gates: results,
      violations,
    }
  } catch (thrown) {
    call.signal.throwIfAborted()
    return {
      ...shown,
      digest: root.digest,
      result: 'error',
      gates: [],
      violations: [],
      error: toErrorInfo(thrown),
    }
  }
}

/** Gates in warn mode refuse nothing. */
function summarise(gates: readonly GateResult[], violations: readonly ErrorInfo[]): CheckedImage['result'] {
  const refusing = gates.filter(({ effect }) => effect === 'refused')
  const isForbidden = violations.some(({ code }) => code === 'refused')
  if (isForbidden || refusing.some(({ result }) => result === 'fail')) return 'fail'
  return refusing.length + violations.length > 0 ? 'error' : 'pass'
}
