import type { Call } from '../../../lib/call.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { isRepositoryPath } from '../../../oci/reference.ts'
import type { RegistryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'
import { InvalidEntries } from './invalid-entries.ts'
import { type ResponsePage, pages, parseNames } from './pages.ts'

/** The most repositories in a page that distribution 3 accepts (`catalog.maxentries`). */
const pageSize = 1000
const hint = 'Name the repositories, or list the images in dray.yaml.'

/**
 * Lists the paths of all repositories of a registry (distribution, docs/spec/api.md, Listing
 * Repositories; not part of the OCI specification). An entry that is on two pages, because a client
 * creates repositories meanwhile, is listed once. An entry that is no path is skipped, because no
 * request can name it.
 * @throws `unsupported` if there is no catalog; `forbidden` if the registry does not show it;
 * `protocol` for an answer that is no list of repositories.
 */
export async function* listRepositories(client: RegistryClient, call: Call): AsyncGenerator<string, void> {
  const { registry } = client
  const purpose: Purpose = { registry, doing: 'list the repositories', subject: registry, access: 'read' }
  const listed = new Set<string>()
  const options = {
    accept: 'application/json',
    purpose,
    parse: (page: ResponsePage) => parseNames(page, 'repositories', purpose),
    keyOf: (path: unknown) => JSON.stringify(path),
  }
  const invalid = new InvalidEntries(
    `list of repositories of ${registry}`,
    'repository names',
    isRepositoryPath,
  )
  try {
    for await (const page of pages(client, client.url('_catalog', `n=${pageSize}`), options, call)) {
      const added = new Set(invalid.removeFrom(page).filter((path) => !listed.has(path)))
      yield* added
      for (const path of added) listed.add(path)
    }
  } catch (error) {
    throw withoutCatalog(error, registry)
  } finally {
    invalid.report(client.shared, call)
  }
}

/** A refusal of the catalog is not a fault of the run. The error has an action to take instead. */
function withoutCatalog(error: unknown, registry: string): unknown {
  if (!isDrayError(error)) return error
  const isHidden = error.code === 'forbidden' || error.code === 'unauthorized'
  const isMissing = error.code === 'unsupported' || error.code === 'not-found'
  if (isMissing) {
    const message = `${registry} does not list its repositories`
    return error.with({ code: 'unsupported', message, subject: registry, hint })
  }
  if (!isHidden) return error
  const hints = error.hint === undefined ? hint : `${hint} ${error.hint}`
  return error.with({ code: 'forbidden', subject: registry, hint: hints })
}
