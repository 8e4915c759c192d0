import type { components, paths } from '@octokit/openapi-types'
import { expect, it } from 'vitest'
import type {
  GitHubAccount,
  GitHubError,
  GitHubPackage,
  GitHubVersion,
} from '../../../src/embedded/vendors/ghcr/answers.ts'
import { ghcr } from '../../../src/embedded/vendors/ghcr/ghcr.ts'
import { packageOf, versionOf } from '../../../src/registry/vendors/ghcr/pages.ts'
import { notedCall } from '../../support/http-world.ts'
import { imageManifest, vendorWorld } from './vendor-world.ts'

type Schemas = components['schemas']

/** Answers in the published form. The compiler compares each with GitHub's description. */
const version = {
  id: 212_381_245,
  name: `sha256:${'4'.repeat(64)}`,
  url: 'https://api.github.com/orgs/acme/packages/container/api/versions/212381245',
  package_html_url: 'https://github.com/orgs/acme/packages/container/package/api',
  created_at: '2024-05-06T05:20:30Z',
  updated_at: '2024-05-06T05:20:30Z',
  html_url: 'https://github.com/orgs/acme/packages/container/api/212381245',
  metadata: { package_type: 'container', container: { tags: ['1.4.2', 'latest'] } },
} satisfies GitHubVersion

const packageAnswer = {
  id: 197,
  name: 'team/api',
  package_type: 'container',
  url: 'https://api.github.com/orgs/acme/packages/container/team%2Fapi',
  html_url: 'https://github.com/orgs/acme/packages/container/package/team%2Fapi',
  version_count: 1,
  visibility: 'private',
  created_at: '2024-05-06T05:20:30Z',
  updated_at: '2024-05-06T05:20:30Z',
} satisfies GitHubPackage

/** The answers of the imitation are typed as GitHub's. A change of either fails the type check. */
const published = {
  version: (one: GitHubVersion): Schemas['package-version'] => one,
  package: (one: GitHubPackage): Schemas['package'] => one,
  account: (one: GitHubAccount): Pick<Schemas['simple-user'], 'login' | 'id' | 'type'> => one,
  error: (one: GitHubError): Schemas['basic-error'] => one,
}

/** The published endpoints that dray uses, by method. */
const endpoints = {
  GET: [
    '/user',
    '/users/{username}',
    '/orgs/{org}/packages',
    '/user/packages',
    '/orgs/{org}/packages/{package_type}/{package_name}/versions',
    '/user/packages/{package_type}/{package_name}/versions',
  ],
  DELETE: [
    '/orgs/{org}/packages/{package_type}/{package_name}/versions/{package_version_id}',
    '/user/packages/{package_type}/{package_name}/versions/{package_version_id}',
  ],
} as const satisfies Readonly<Record<string, readonly (keyof paths)[]>>

function endpointOf(method: 'GET' | 'DELETE', path: string): string {
  const isOf = (template: string): boolean =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
  return `${method} ${endpoints[method].find(isOf) ?? `is not for ${path}`}`
}

it('dray sends requests to published endpoints only', async () => {
  const users = { jane: 'classic' }
  const { push, entries, inventory, log, repositoryOf } = await vendorWorld({
    kind: 'ghcr',
    vendor: ghcr,
    auth: { scheme: 'basic', users },
    credential: { kind: 'basic', username: 'jane', password: users.jane },
  })
  const call = notedCall()
  for (const path of ['acme/api', 'jane/api']) {
    const digest = await push(path, imageManifest('a'))
    await push(path, imageManifest('b'), '1')
    const handle = (await entries(path)).find((entry) => entry.digest === digest)?.handle ?? ''
    const batch = [{ kind: 'manifest', digest, handle }] as const
    await Array.fromAsync(inventory.remove?.(repositoryOf(path), batch, call) ?? [])
    await Array.fromAsync(inventory.repositories?.(path, call) ?? [])
  }
  const used = log.map(({ method, path }) => endpointOf(method as 'GET' | 'DELETE', path))
  const known = Object.entries(endpoints).flatMap(([method, all]) => all.map((path) => `${method} ${path}`))
  expect(new Set(used)).toEqual(new Set(known))
})

it('a published version is an entry', () => {
  expect(versionOf(published.version(version))).toEqual({
    digest: version.name,
    tags: [{ name: '1.4.2' }, { name: 'latest' }],
    pushedAt: Date.UTC(2024, 4, 6, 5, 20, 30),
    handle: '212381245',
  })
})

it('a published package has its name', () => {
  expect(packageOf(published.package(packageAnswer))).toBe('team/api')
})
