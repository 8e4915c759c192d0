import type { EndpointRequest } from '../../request.ts'
import type { EndpointResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { accountOf, type GitHubClient, isSameLogin, mayDo } from './accounts.ts'
import { answerWithTag, type GitHubPackage, type GitHubVersion, numberedPage, refused } from './answers.ts'
import { type GitHubRoute, type PackagePath, packagePath } from './paths.ts'
import type { PackageVersions, StoredVersion } from './versions.ts'

/** the most entries of a page */
const maxPerPage = 100

export interface GitHubCall {
  readonly request: EndpointRequest
  readonly state: VendorState
  readonly versions: PackageVersions
}

/**
 * A private package of a user is only at `/user/…`, and with the token of a workflow also at
 * `/users/…`.
 */
export async function mayRead(
  repository: string,
  { owner }: GitHubRoute,
  client: GitHubClient,
  { state }: GitHubCall,
): Promise<boolean> {
  if (!(await state.storage.hasRepository(repository))) return false
  if (isPublic(state)) return true
  return (owner !== 'users' || client.isInstallation) && mayDo(client, state, repository, 'pull')
}

function isPublic({ access, options }: VendorState): boolean {
  return access === undefined || options.traits?.has('public') === true
}

export async function listPackages(
  route: GitHubRoute,
  login: string,
  client: GitHubClient,
  call: GitHubCall,
): Promise<EndpointResponse> {
  const { request, state } = call
  if (client.isInstallation || request.query.get('package_type') !== 'container')
    return refused(400, 'Invalid argument.')
  const found: GitHubPackage[] = []
  for (let last: string | undefined; ;) {
    const names = await state.storage.repositories(last, 1000)
    last = names.at(-1)
    if (last === undefined) break
    for (const repository of names) {
      const slash = repository.indexOf('/')
      if (slash < 0 || !isSameLogin(repository.slice(0, slash), login)) continue
      if (!(await mayRead(repository, route, client, call))) continue
      const paths = packagePath(route, accountOf(login, state), repository.slice(slash + 1))
      found.push(await packageOf({ ...paths, repository }, call))
    }
  }
  const paths = packagePath(route, accountOf(login, state), '')
  const path = paths.numbered.slice(0, paths.numbered.indexOf('/packages/') + '/packages'.length)
  const { entries, headers } = numberedPage(found, request, path, pageLimit(state))
  return answerWithTag(request, entries, headers)
}

export async function getPackage(at: PackagePath, call: GitHubCall): Promise<EndpointResponse> {
  return answerWithTag(call.request, await packageOf(at, call))
}

async function packageOf(at: PackagePath, { request, state, versions }: GitHubCall): Promise<GitHubPackage> {
  const active = await versions.active(at.repository)
  const times = active.map(({ pushedAt }) => pushedAt)
  const newest = times.reduce((a, b) => Math.max(a, b), 0)
  const oldest = times.reduce((a, b) => Math.min(a, b), newest)
  return {
    id: accountOf(at.repository, state).id,
    name: at.name,
    package_type: 'container',
    url: request.origin + at.path,
    html_url: request.origin + at.html,
    version_count: active.length,
    visibility: isPublic(state) ? 'public' : 'private',
    created_at: timeText(oldest),
    updated_at: timeText(newest),
  }
}

export async function listVersions(at: PackagePath, call: GitHubCall): Promise<EndpointResponse> {
  const { request, state, versions } = call
  const isDeleted = request.query.get('state') === 'deleted'
  const all = isDeleted ? versions.deleted(at.repository) : await versions.listed(at.repository)
  const { entries, headers } = numberedPage(all, request, `${at.numbered}/versions`, pageLimit(state))
  const answers = await Promise.all(entries.map((version) => versionOf(at, version, isDeleted, call)))
  return answerWithTag(request, answers, headers)
}

function pageLimit({ options }: VendorState): number {
  return Math.min(options.pageLimit ?? maxPerPage, maxPerPage)
}

async function versionOf(
  at: PackagePath,
  version: StoredVersion,
  withDeletion: boolean,
  { request, state, versions }: GitHubCall,
): Promise<GitHubVersion> {
  const { id, digest, pushedAt, deletedAt } = version
  const tags = await versions.tagsOf(at.repository, version)
  const moved = tags.map((tag) => state.records.tag(at.repository, tag).pushedAt)
  return {
    id,
    name: digest,
    url: `${request.origin}${at.path}/versions/${id}`,
    package_html_url: request.origin + at.html,
    created_at: timeText(pushedAt),
    updated_at: timeText(Math.max(pushedAt, ...moved)),
    html_url: `${request.origin}${at.html}/${id}`,
    ...(withDeletion && deletedAt !== undefined && { deleted_at: timeText(deletedAt) }),
    metadata: { package_type: 'container', container: { tags: [...tags] } },
  }
}

/** GitHub's times have no fraction of a second. */
function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

export async function getVersion(at: PackagePath, id: string, call: GitHubCall): Promise<EndpointResponse> {
  const version = await call.versions.find(at.repository, Number(id))
  return version === undefined
    ? refused(404, 'Package version not found.')
    : answerWithTag(call.request, await versionOf(at, version, false, call))
}

/** Deletes the manifest with all its tags. */
export async function deleteVersion(
  { repository }: PackagePath,
  id: string,
  client: GitHubClient,
  { state, versions }: GitHubCall,
): Promise<EndpointResponse> {
  if (!mayDo(client, state, repository, 'delete'))
    return refused(403, 'The role Admin of the package is required.')
  const refusal = await versions.deletes.run(repository, async () => {
    const version = await versions.find(repository, Number(id))
    if (version === undefined) return refused(404, 'Package version not found.')
    const protection = await protectionOf(repository, version, versions, state)
    if (protection !== undefined) return refused(400, protection)
    await versions.remove(repository, version)
    return undefined
  })
  if (refusal !== undefined) return refusal
  return state.options.traits?.has('lost-answers') === true
    ? refused(500, 'Server Error')
    : { status: 204, body: new Uint8Array() }
}

/** Reported at github.com/kairos-io/kairos/issues/4723 and posit-dev/positron/pull/15764. */
async function protectionOf(
  repository: string,
  version: StoredVersion,
  versions: PackageVersions,
  { options }: VendorState,
): Promise<string | undefined> {
  const tags = await versions.tagsOf(repository, version)
  if (tags.some((tag) => options.lockedTags?.includes(tag)))
    return 'Versions of public packages with more than 5000 downloads cannot be deleted.'
  if ((await versions.active(repository)).length === 1)
    return 'The last version of a package cannot be deleted. Delete the package instead.'
  return tags.length > 0 && !(await versions.isAnotherTagged(repository, version.digest))
    ? 'The last tagged version of a package cannot be deleted. Delete the package instead.'
    : undefined
}

export async function restoreVersion(
  { repository }: PackagePath,
  id: string,
  client: GitHubClient,
  { state, versions }: GitHubCall,
): Promise<EndpointResponse> {
  if (!mayDo(client, state, repository, 'push'))
    return refused(403, 'The role Admin of the package is required.')
  return (await versions.restore(repository, Number(id)))
    ? { status: 204, body: new Uint8Array() }
    : refused(404, 'Package version not found.')
}
