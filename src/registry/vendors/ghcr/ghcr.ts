import type {
  Inventory,
  InventoryEntry,
  Removal,
  RemovalOutcome,
} from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { readToLast } from '../paging/pages-to-last.ts'
import type { VendorApi } from '../vendor-api.ts'
import { GitHubApi } from './github-api.ts'
import { listPage, packageOf, versionOf } from './pages.ts'

/**
 * GitHub Container Registry, also of GitHub Enterprise Server, by the REST API for packages
 * (docs.github.com/rest/packages/packages; the fields are those of `@octokit/openapi-types`). Each
 * manifest is a version of a package, also the children of an index and attached artifacts. The API
 * deletes a version with all its tags, and no tag alone.
 */
export function createGhcrInventory(api: VendorApi): Inventory {
  const github = new GitHubApi(api)
  return {
    kind: 'ghcr',
    name: 'GitHub Container Registry',
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'no',
      size: 'no',
      children: false,
      locks: false,
    },
    deletes: {
      manifests: 1,
      tags: 'no',
      lastTagDeletesManifest: false,
      restorable: true,
      // docs.github.com/packages, Deleting and restoring a package
      restorableBy: 'with the REST API or in the settings of the package for 30 days',
    },
    entries: (repository, call) => listVersions(github, repository, call),
    repositories: (prefix, call) => listPackages(github, api.registry, prefix, call),
    remove: (repository, batch, call, beforeAttempt) =>
      deleteVersions(github, repository, batch, call, beforeAttempt),
  }
}

async function* listVersions(
  github: GitHubApi,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const subject = formatRepository(repository)
  const path = `${packagePath(repository)}/versions`
  const doing = `list the versions of ${subject}`
  const entries = await readToLast(
    {
      doing,
      subject,
      host: github.host,
      keyOf: ({ digest }: InventoryEntry) => digest,
      read: async (page, of, earlier) =>
        await listPage(github, { repository, path, doing, page, earlier, itemOf: versionOf }, of),
    },
    call,
  )
  yield* entries
}

/** @throws `not-found` for a repository without an owner, which GitHub has none of. */
function packagePath(repository: RepositoryName): string {
  const { path } = repository
  const slash = path.indexOf('/')
  const subject = formatRepository(repository)
  if (slash < 0)
    throw new DrayError('not-found', `${subject} does not exist`, {
      subject,
      why: 'a repository of GitHub has an owner: OWNER/NAME',
    })
  return `/packages/container/${encodeURIComponent(path.slice(slash + 1))}`
}

/**
 * The packages of one owner.
 * @throws `unsupported` for a prefix of several owners, and for the token of a workflow, to which
 * GitHub answers 400 (github.com/cli/cli/issues/9606).
 */
async function* listPackages(
  github: GitHubApi,
  registry: string,
  prefix: string,
  call: Call,
): AsyncGenerator<string, void> {
  const slash = prefix.indexOf('/')
  if (slash < 1)
    throw new DrayError('unsupported', `cannot list the repositories of ${registry}`, {
      subject: registry,
      why: 'GitHub lists the packages of one owner only',
      hint: `Name the owner: ${registry}/OWNER/*`,
    })
  const owner = prefix.slice(0, slash)
  const repository = { registry, path: owner }
  const subject = formatRepository(repository)
  if (await github.isInstallation(repository, call))
    throw new DrayError('unsupported', `cannot list the packages of ${subject}`, {
      subject,
      why: 'GitHub lists no packages for the token of a workflow or an app',
      hint: 'Name the repositories without wildcards, or use a classic token.',
    })
  const doing = `list the packages of ${subject}`
  const names = await readToLast(
    {
      doing,
      subject,
      host: github.host,
      keyOf: (name: string) => name,
      read: async (page, of, earlier) =>
        await listPage(
          github,
          {
            repository,
            path: '/packages',
            query: { package_type: 'container' },
            doing,
            page,
            earlier,
            itemOf: packageOf,
          },
          of,
        ),
    },
    call,
  )
  for (const name of names) {
    const path = `${owner}/${name}`
    if (path.startsWith(prefix)) yield path
  }
}

async function* deleteVersions(
  github: GitHubApi,
  repository: RepositoryName,
  batch: readonly Removal[],
  call: Call,
  beforeAttempt: BeforeAttempt | undefined,
): AsyncGenerator<RemovalOutcome, void> {
  for (const removal of batch) {
    try {
      yield await deleteVersion(github, repository, removal, call, beforeAttempt)
    } catch (error) {
      call.signal.throwIfAborted()
      yield { removal, result: 'failed', error }
    }
  }
}

/**
 * `DELETE …/versions/ID`. 400: it is the last version or the last one with a tag, or it is public
 * and has more than 5,000 downloads. 404 comes also for a version that is still listed, and after
 * 500 (github.com/dataaxiom/ghcr-cleanup-action/issues/74). The package itself is never deleted.
 */
async function deleteVersion(
  github: GitHubApi,
  repository: RepositoryName,
  removal: Removal,
  call: Call,
  beforeAttempt: BeforeAttempt | undefined,
): Promise<RemovalOutcome> {
  const subject = formatRepository(repository)
  const { kind, digest } = removal
  if (kind === 'tag')
    throw new DrayError('unsupported', `cannot delete the tag ${removal.tag} of ${subject}`, {
      subject,
      why: 'GitHub deletes no tag without its image',
    })
  const { handle = '' } = removal
  if (!/^\d+$/.test(handle))
    throw new DrayError('internal', `the number of the version ${digest} is unknown`, { subject })
  const response = await github.send(
    {
      method: 'DELETE',
      repository,
      path: `${packagePath(repository)}/versions/${handle}`,
      expect: [204, 400, 404],
      doing: `delete ${digest} of ${subject}`,
      beforeAttempt,
    },
    call,
  )
  if (response.status === 204) return { removal, result: 'removed' }
  if (response.status === 404) return { removal, result: 'absent' }
  return { removal, result: 'protected', text: (await response.text()) || 'GitHub refused the delete' }
}
