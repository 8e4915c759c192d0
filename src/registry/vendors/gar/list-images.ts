import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { type ApiFields, textField } from '../api/fields.ts'
import type { ListOfPages } from '../paging/page-bounds.ts'
import type { GarApi } from './gar-api.ts'
import {
  type GarImage,
  type GarRepository,
  lastSegment,
  pathOf,
  prefixOf,
  resourcePath,
} from './resource-names.ts'

/** Lists the images of a repository, or of all repositories of a project. */
export async function* listImages(api: GarApi, prefix: string, call: Call): AsyncGenerator<string, void> {
  const { registry, location } = api
  const named = prefixOf(registry, prefix)
  const doing = `list the images of ${registry}/${prefix}`
  if (named === undefined)
    throw new DrayError('unsupported', `cannot ${doing}: Artifact Registry lists those of a project only`, {
      subject: registry,
      hint: `Name the project: ${registry}/PROJECT/*`,
    })
  const { project } = named
  // Credentials can belong to a path.
  const of = { doing, repository: { registry, path: prefix.slice(0, prefix.lastIndexOf('/')) } }
  const repositories =
    named.repository === undefined ? await listRepositories(api, project, of, call) : [named.repository]
  for (const repository of repositories) {
    const at = { project, location, repository }
    const path = resourcePath(at, 'repositories', repository, 'packages')
    for await (const packages of api.list(path, 'packages', of, call))
      for (const fields of packages) yield pathOf(registry, imageOfPackage(fields, at, api.listOf(of)))
  }
}

async function listRepositories(
  api: GarApi,
  project: string,
  of: Parameters<GarApi['listOf']>[0],
  call: Call,
): Promise<readonly string[]> {
  const at = { project, location: api.location, repository: '' }
  const found: string[] = []
  for await (const page of api.list(resourcePath(at, 'repositories'), 'repositories', of, call)) {
    const docker = page.filter(({ format }) => format === 'DOCKER')
    found.push(...docker.map((fields) => lastSegment(textField(fields, 'name', api.listOf(of).host))))
  }
  return found
}

function imageOfPackage(fields: ApiFields, at: GarRepository, list: ListOfPages): GarImage {
  const name = textField(fields, 'name', list.host)
  return { ...at, image: lastSegment(name).replaceAll(/%2F/gi, '/') }
}
