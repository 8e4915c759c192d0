import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { Inventory, InventoryEntry, Removal, RemovalOutcome } from '../../images/inventory/inventory.ts'
import { isRecord } from '../../oci/json.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { httpDate } from '../http/headers.ts'
import { settingLine } from '../http/transport/origins.ts'
import { vendorOfKind } from '../known-vendors.ts'
import { type ApiFields, countOf, digestField, objectsOf, textField } from './api/fields.ts'
import { removeEach, type Settled, settledBy } from './api/remove-each.ts'
import { type NumberedPage, numberedPages } from './paging/numbered-pages.ts'
import type { VendorApi, VendorResponse } from './vendor-api.ts'

/** The most that the API accepts (quay/quay, endpoints/api/tag.py, ListRepositoryTags). */
const pageSize = 100

/**
 * The user under whose name docker sends the token of an OAuth application (auth/credentials.py).
 */
const tokenUser = '$oauthtoken'

/**
 * The inventory of Quay (quay/quay, endpoints/api/tag.py): the tags of a repository, without
 * untagged manifests. Pull times need a request for each tag and a feature that is off by default
 * (`FEATURE_IMAGE_PULL_STATS`, …/tag/TAG/pull_statistics), so dray does not read them. Deleted tags
 * can be restored until the time machine of the namespace expires.
 */
export function createQuayInventory(api: VendorApi): Inventory {
  const quay = new QuayAccess(api)
  return {
    kind: 'quay',
    name: 'Quay',
    knows: {
      untagged: false,
      pushedAt: true,
      pulledAt: 'no',
      size: 'content',
      children: false,
      locks: true,
    },
    // The OCI API deletes manifests, with the same permission.
    deletes: {
      manifests: 'no',
      tags: 1,
      lastTagDeletesManifest: true,
      restorable: true,
      restorableBy: 'in the tag history until the time machine of the namespace expires',
    },
    entries: (repository, call) => listTags(quay, repository, call),
    remove: (repository, batch, call, beforeAttempt) =>
      removeTags(quay, repository, batch, call, beforeAttempt),
  }
}

async function* listTags(
  quay: QuayAccess,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const subject = formatRepository(repository)
  const doing = `list the tags of ${subject}`
  const { host } = quay
  let now = 0
  const read = async (page: number, sent: Call): Promise<NumberedPage<ApiFields>> => {
    const query = { limit: String(pageSize), page: String(page), onlyActiveTags: 'true' }
    const path = pathOf(repository, '')
    const response = await quay.send({ method: 'GET', path, query, expect: [200], doing, repository }, sent)
    now = quay.timeOf(response)
    const body = await response.json()
    const fields = isRecord(body) ? body : {}
    const items = objectsOf(fields['tags'], host)
    return { items, bytes: response.bytes, hasNext: fields['has_additional'] === true }
  }
  const keyOf = (tag: ApiFields): string => `${textField(tag, 'name', host)} ${String(tag['start_ts'])}`
  for await (const page of numberedPages({ doing, subject, host, read, keyOf }, call))
    for (const tag of page) if (isActive(tag, now)) yield entryOf(tag, host)
}

/**
 * Whether a tag has not expired. An expired tag is a former one, and another tag of the same name
 * may exist.
 */
function isActive({ end_ts: end }: ApiFields, now: number): boolean {
  const seconds = countOf(end)
  return seconds === undefined || seconds * 1000 > now
}

/** An index has no size. One without all of its manifests is `sparse`. */
function entryOf(tag: ApiFields, host: string): InventoryEntry {
  const name = textField(tag, 'name', host)
  const startedAt = countOf(tag['start_ts'])
  const bytes = countOf(tag['size'])
  const isImmutable = tag['immutable'] === true
  const times = startedAt === undefined || startedAt === 0 ? {} : { pushedAt: startedAt * 1000 }
  return {
    digest: digestField(tag, 'manifest_digest', host),
    tags: [{ name, ...times, ...(isImmutable && { locked: { of: 'write', text: 'immutable' } }) }],
    ...times,
    ...(bytes !== undefined && tag['is_manifest_list'] !== true && { bytes }),
    ...(isImmutable && { locked: { of: 'delete', text: `immutable tag ${name}` } }),
    ...(tag['is_sparse'] === true && { status: 'sparse' }),
  }
}

/**
 * 409 is an immutable tag, and 503 with a message a repository or a server that refuses writes
 * (endpoints/api/__init__.py, disallow_for_non_normal_repositories and check_readonly).
 */
function removeTags(
  quay: QuayAccess,
  repository: RepositoryName,
  batch: readonly Removal[],
  call: Call,
  beforeAttempt: BeforeAttempt | undefined,
): AsyncIterable<RemovalOutcome> {
  const subject = formatRepository(repository)
  return removeEach(batch, call, async (removal) => {
    if (removal.kind === 'manifest')
      throw new DrayError('internal', `the API of Quay does not delete manifests of ${subject}`)
    const doing = `delete ${subject}:${removal.tag}`
    const path = pathOf(repository, removal.tag)
    const expect = [200, 204, 404, 409, 503]
    const response = await quay.send(
      { method: 'DELETE', path, expect, doing, repository, beforeAttempt },
      call,
    )
    return response.status === 503
      ? await refusedState(response, doing, subject)
      : await settledBy(response, [409])
  })
}

/** @throws `unavailable` if a proxy or an overloaded server answered, and not the API. */
async function refusedState(response: VendorResponse, doing: string, subject: string): Promise<Settled> {
  const body = await response.json().catch(() => undefined)
  const message = isRecord(body) ? body['message'] : undefined
  if (typeof message === 'string') return { result: 'protected', text: await response.text() }
  throw new DrayError('unavailable', `cannot ${doing}: ${response.url.host} answered 503`, {
    subject,
    status: 503,
  })
}

function pathOf({ path }: RepositoryName, tag: string): string {
  return `/api/v1/repository/${path}/tag/${tag}`
}

interface QuayRequest {
  readonly method: 'GET' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly expect: readonly number[]
  readonly doing: string
  readonly repository: RepositoryName
  readonly beforeAttempt?: BeforeAttempt | undefined
}

/**
 * Sends requests with the token of an OAuth application. The API ignores the passwords of users and
 * robots, and answers them as it answers requests without credentials (auth/decorators.py,
 * process_oauth): the tags of public repositories are readable.
 */
class QuayAccess {
  readonly #api: VendorApi
  /** one error for all repositories */
  #missing: DrayError | undefined

  constructor(api: VendorApi) {
    this.#api = api
  }

  get host(): string {
    return this.#api.base.host
  }

  async send(request: QuayRequest, call: Call): Promise<VendorResponse> {
    const secret = await this.#api.secret(request.repository.path, call)
    const isToken = secret !== undefined && (secret.from === 'tokenEnv' || secret.username === tokenUser)
    const authorization = isToken ? `Bearer ${secret.secret}` : undefined
    try {
      return await this.#api.send({ ...request, authorization }, call)
    } catch (error) {
      const isRefused = isDrayError(error) && (error.status === 401 || error.status === 403)
      if (!isRefused || isToken || secret === undefined) throw error
      throw (this.#missing ??= this.#needsToken(error))
    }
  }

  /** The time of Quay: its tags expire by its own clock. */
  timeOf({ headers }: VendorResponse): number {
    const now = this.#api.clock.now()
    return httpDate(headers.get('date') ?? '', now) ?? now
  }

  #needsToken(cause: DrayError): DrayError {
    const { registry } = this.#api
    const { permissions = '', create = '' } = vendorOfKind('quay')?.token ?? {}
    const message = `dray has no token for the API of Quay that lists the tags and times of ${registry}`
    return new DrayError('unauthorized', message, {
      subject: registry,
      status: cause.status,
      why: 'the API does not accept the password of a user or robot',
      hint: `dray needs ${permissions}. Create it: ${create}. Then name its variable in dray.yaml: ${settingLine(registry, 'tokenEnv: VARIABLE')}`,
    })
  }
}
