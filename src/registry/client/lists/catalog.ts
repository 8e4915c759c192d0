import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { isRepositoryPath } from '../../../oci/reference.ts'
import type { RegistryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'
import { pages } from './pages.ts'

/** Repositories asked for in a page: the most that distribution 3 accepts (`catalog.maxentries`). */
const pageSize = 1000
const hint =
  'Name the repositories, or list the images in dray.yaml: not every registry lists its repositories, or lists them for everybody.'

/**
 * The paths of all repositories of a registry (distribution, docs/spec/api.md, Listing Repositories; not of the OCI specification). An entry that
 * comes again on another page, as it does where repositories are created meanwhile, is given once.
 * @throws `unsupported` where there is no catalog; `forbidden` where it is not shown; `protocol` for what is no list of repositories.
 */
export async function* listRepositories(client: RegistryClient, call: Call): AsyncGenerator<string, void> {
  const { registry } = client
  const purpose: Purpose = { registry, doing: 'list the repositories', subject: registry, access: 'read' }
  const given = new Set<string>()
  const parse = ({ bytes }: { readonly bytes: Uint8Array }): readonly string[] => parsePage(bytes, purpose)
  const first = client.url('_catalog', `n=${pageSize}`)
  try {
    const options = { accept: 'application/json', purpose, parse, keyOf: (path: string) => path }
    for await (const page of pages(client, first, options, call)) {
      for (const path of page) {
        if (given.has(path)) continue
        given.add(path)
        yield path
      }
    }
  } catch (error) {
    throw withoutCatalog(error, registry)
  }
}

function parsePage(bytes: Uint8Array, purpose: Purpose): readonly string[] {
  let body: unknown
  try {
    body = parseJson(bytes, 'the list of repositories')
  } catch (cause) {
    throw noList(purpose, 'it is no JSON', cause)
  }
  const paths = isRecord(body) ? body['repositories'] : undefined
  // as docker-registry 2.8 writes an empty list of tags
  if (isRecord(body) && paths === null) return []
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) throw noList(purpose)
  const bad = paths.find((path) => !isRepositoryPath(path))
  if (bad !== undefined) throw noList(purpose, `${JSON.stringify(bad.slice(0, 200))} is no repository`)
  return paths
}

function noList(purpose: Purpose, why?: string, cause?: unknown): DrayError {
  return new DrayError('protocol', `cannot ${purpose.doing}: the answer is no list of repositories`, {
    subject: purpose.subject,
    ...(why !== undefined && { why }),
    ...(cause !== undefined && { cause }),
  })
}

/** A refusal of the catalog says what to do instead: it is no fault of the run. */
function withoutCatalog(error: unknown, registry: string): unknown {
  if (!isDrayError(error)) return error
  const isHidden = error.code === 'forbidden' || error.code === 'unauthorized'
  const isMissing = error.code === 'unsupported' || error.code === 'not-found'
  if (!isHidden && !isMissing) return error
  const message = isMissing ? `${registry} does not list its repositories` : error.message
  return new DrayError(isMissing ? 'unsupported' : 'forbidden', message, {
    subject: registry,
    ...(error.why !== undefined && { why: error.why }),
    hint: isHidden && error.hint !== undefined ? `${error.hint} ${hint}` : hint,
    ...(error.status !== undefined && { status: error.status }),
    ...(error.registryCode !== undefined && { registryCode: error.registryCode }),
    cause: error,
  })
}
