import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import type { AccessOptions } from '../../../src/embedded/access/permissions.ts'
import type { Removal, RemovalOutcome } from '../../../src/images/inventory/inventory.ts'
import type { DrayError } from '../../../src/lib/errors.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { vendorOfHost } from '../../../src/registry/known-vendors.ts'
import {
  imageOf,
  locationOf,
  pathOf,
  prefixOf,
  resourcePath,
} from '../../../src/registry/vendors/gar/resource-names.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { newCall, scripted } from '../client/world.ts'
import { imageManifest, imitatedVendor, indexManifest, openInventory } from './imitated-vendor.ts'

const day = 86_400_000
const path = 'acme/web/api'

describe('the inventory of Google Artifact Registry', () => {
  it('lists untagged versions and children, whose sizes are text', async () => {
    const gar = await imitatedVendor('gar')
    const child = imageManifest('amd64')
    const index = indexManifest(child)
    const artifactType = 'application/vnd.example.sbom'
    const sbom = imageManifest('sbom', { artifactType })
    for (const manifest of [child, sbom]) await gar.store(path, manifest)
    await gar.store(path, index, '1.0')
    const now = gar.clock.now()
    gar.records.set(path, { digest: child.digest }, { pushedAt: now - 60 * day })
    const { entries, tags } = await gar.read(path)
    expect(Object.fromEntries(tags)).toEqual({ '1.0': index.digest })
    const { mediaType } = index
    expect(entries.get(index.digest)).toEqual({
      digest: index.digest,
      mediaType,
      pushedAt: now,
      tags: [{ name: '1.0' }],
    })
    expect(entries.get(child.digest)).toMatchObject({
      pushedAt: now - 60 * day,
      bytes: child.bytes.byteLength + 1100,
      tags: [],
    })
    expect(entries.get(sbom.digest)).toMatchObject({ artifactType })
    expect(entries.size).toBe(3)
  })

  it('reads an image whose name has slashes, and not those below it', async () => {
    const gar = await imitatedVendor('gar')
    const digest = await gar.store('acme/web/team/api', imageManifest('1'), 'v1')
    await gar.store('acme/web/team', imageManifest('2'), 'v1')
    await gar.store('acme/web/team/api/debug', imageManifest('3'), 'v1')
    expect([...(await gar.read('acme/web/team/api')).entries.keys()]).toEqual([digest])
    const paths = gar.log.map((entry) => entry.path.slice(entry.path.indexOf('/repositories')))
    expect(paths).toEqual([
      '/repositories/web',
      '/repositories/web/packages/team%252Fapi/versions',
      '/repositories/web/packages/team%252Fapi/tags',
    ])
  })

  it('has all tags of a version that has more than a hundred', async () => {
    const gar = await imitatedVendor('gar')
    const names = Array.from({ length: 250 }, (_, i) => `v${i}`)
    const digest = await gar.store(path, imageManifest('1'), ...names)
    expect((await gar.read(path)).entries.get(digest)?.tags).toHaveLength(250)
  })

  it('reads 10,000 tags with 21 requests', async () => {
    const gar = await imitatedVendor('gar')
    for (let i = 0; i < 10_000; i++) await gar.store(path, imageManifest(String(i)), `v${i}`)
    const { entries, tags } = await gar.read(path)
    expect([entries.size, tags.size, gar.log.length]).toEqual([10_000, 10_000, 21])
  })

  it('reads both lists once more if a tag is on a version that was pushed in between', async () => {
    const pushed = imageManifest('2')
    const push = async (entry: AccessEntry): Promise<void> => {
      if (entry.path.endsWith('/versions')) await gar.storage.putManifest(path, pushed, ['v2'])
    }
    const gar = await imitatedVendor('gar', { onRequest: (entry) => void push(entry) })
    await gar.store(path, imageManifest('1'), 'v1')
    const { tags, entries } = await gar.read(path)
    expect([...tags.keys()]).toEqual(['v1', 'v2'])
    expect(entries.get(pushed.digest)?.mediaType).toBe(pushed.mediaType)
    expect(gar.log).toHaveLength(5)
  })

  it('is an error if the lists contradict each other again', async () => {
    const name = 'projects/acme/locations/-/repositories/web/packages/api'
    const tag = { name: `${name}/tags/v1`, version: `${name}/versions/${imageManifest('1').digest}` }
    const google = await scripted(({ path: asked }) => {
      const answer = asked.includes('/tags') ? { tags: [tag] } : { format: 'DOCKER' }
      return { status: 200, body: JSON.stringify(answer) }
    })
    const inventory = await openInventory(google.registry, 'gar')
    const entries = inventory.entries({ registry: google.registry, path }, newCall())
    await expect(Array.fromAsync(entries)).rejects.toMatchObject({ code: 'unavailable' })
    expect(google.heard).toHaveLength(5)
  })

  it('does not take a tagged version for untagged if the list of tags has an empty answer', async () => {
    const name = 'projects/acme/locations/-/repositories/web/packages/api'
    const version = `${name}/versions/${imageManifest('1').digest}`
    const versions = [{ name: version, relatedTags: [{ name: `${name}/tags/v1`, version }] }]
    const google = await scripted(({ path: asked }) => ({
      status: 200,
      body: JSON.stringify(asked.includes('/versions') ? { versions } : { format: 'DOCKER' }),
    }))
    const inventory = await openInventory(google.registry, 'gar')
    const entries = inventory.entries({ registry: google.registry, path }, newCall())
    expect(await Array.fromAsync(entries)).toMatchObject([{ tags: [{ name: 'v1' }] }])
  })

  it('checks the kind of a repository once for all of its images', async () => {
    const gar = await imitatedVendor('gar')
    for (const image of ['a', 'b', 'c']) await gar.store(`acme/web/${image}`, imageManifest(image), 'v1')
    await Promise.all(['a', 'b', 'c'].map((image) => gar.read(`acme/web/${image}`)))
    expect(gar.log.filter((entry) => entry.path.endsWith('/repositories/web'))).toHaveLength(1)
  })

  it.each([
    ['virtual', 'virtual repositories'],
    ['remote', 'remote repositories'],
  ])('refuses a %s repository, which is read-only', async (kind, trait) => {
    const gar = await imitatedVendor('gar', { vendorOptions: { traits: new Set([trait]) } })
    await gar.store(path, imageManifest('1'), 'v1')
    await expect(gar.read(path)).rejects.toMatchObject({
      code: 'unsupported',
      message: `${gar.host}/${path} is in a ${kind} repository, which is read-only`,
    })
  })

  it('locks tagged versions of a repository with immutable tags', async () => {
    const vendorOptions = { traits: new Set(['immutable tags']) }
    const gar = await imitatedVendor('gar', { vendorOptions })
    const tagged = await gar.store(path, imageManifest('1'), 'v1')
    const untagged = await gar.store(path, imageManifest('2'))
    const locked = { of: 'write', text: 'immutable tags' }
    const { entries } = await gar.read(path)
    expect(entries.get(tagged)).toMatchObject({ locked, tags: [{ name: 'v1', locked }] })
    expect(entries.get(untagged)?.locked).toBeUndefined()
  })

  it('lists the images of a repository and of a project', async () => {
    const gar = await imitatedVendor('gar', { vendorOptions: { pageLimit: 1 } })
    for (const image of ['acme/web/api', 'acme/web/team/ui', 'acme/ops/api', 'other/web/api'])
      await gar.store(image, imageManifest(image), 'v1')
    const list = (prefix: string): Promise<string[]> =>
      Array.fromAsync(gar.inventory.repositories?.(prefix, newCall()) ?? [])
    expect(await list('acme/web/')).toEqual(['acme/web/api', 'acme/web/team/ui'])
    expect((await list('acme/')).toSorted()).toEqual(['acme/ops/api', 'acme/web/api', 'acme/web/team/ui'])
    await expect(list('')).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('waits as long as Google asks for after too many requests', async () => {
    const clock = leapingClock(Date.UTC(2026, 10, 23, 0, 59))
    const gar = await imitatedVendor('gar', { clock, vendorOptions: { requestsPerHour: 2 } })
    await gar.store(path, imageManifest('1'), 'v1')
    const began = clock.now()
    expect((await gar.read(path)).tags.size).toBe(1)
    expect(clock.now() - began).toBe(60_000)
  })
})

describe('the location of repositories', () => {
  it.each([
    ['europe-west1-docker.pkg.dev', 'europe-west1'],
    ['us-docker.pkg.dev', 'us'],
    ['gcr.io', 'us'],
    ['eu.gcr.io', 'europe'],
    ['asia.gcr.io', 'asia'],
    ['registry.example.com', '-'],
  ])('of %s is %s', (registry, location) => {
    expect(locationOf(registry, new URL('https://artifactregistry.googleapis.com'))).toBe(location)
  })

  it('can be named in the URL of the API', async () => {
    const gar = await imitatedVendor('gar')
    await gar.store(path, imageManifest('1'), 'v1')
    const settings = { api: `http://${gar.host}/locations/asia-east1` }
    const inventory = await openInventory(gar.host, 'gar', { settings })
    await Array.fromAsync(inventory.entries(gar.name(path), newCall()))
    expect(gar.log[0]?.path).toBe('/v1/projects/acme/locations/asia-east1/repositories/web')
  })

  it('is asked for if the API does not know the repository in any location', async () => {
    const gar = await imitatedVendor('gar')
    await expect(gar.read(path)).rejects.toMatchObject({
      code: 'config',
      hint: `Name it: registries: { "${gar.host}": { kind: gar, api: "http://${gar.host}/locations/LOCATION" } }`,
    })
  })
})

describe('the host of Artifact Registry', () => {
  it.each(['europe-west1-docker.pkg.dev', 'us-docker.pkg.dev', 'gcr.io', 'eu.gcr.io'])('is %s', (host) => {
    expect(vendorOfHost(host)?.kind).toBe('gar')
  })

  it.each(['mirror.gcr.io', 'docker.pkg.dev', 'us-npm.pkg.dev', 'us-docker.pkg.dev.example.com', 'xgcr.io'])(
    'is not %s',
    (host) => {
      expect(vendorOfHost(host)).toBeUndefined()
    },
  )
})

describe('an image of Artifact Registry', () => {
  it.each([
    ['us-docker.pkg.dev/acme/web/api', 'acme', 'web', 'api'],
    ['us-docker.pkg.dev/acme/web/team/api', 'acme', 'web', 'team/api'],
    ['us-docker.pkg.dev/example.com/acme/web/api', 'example.com:acme', 'web', 'api'],
    ['gcr.io/acme/api', 'acme', 'gcr.io', 'api'],
    ['eu.gcr.io/example.com/acme/team/api', 'example.com:acme', 'eu.gcr.io', 'team/api'],
  ])('%s has project %s, repository %s and name %s', (text, project, repository, image) => {
    const name = parseRepository(text)
    const found = imageOf(name, 'us')
    expect(found).toEqual({ project, location: 'us', repository, image })
    expect(pathOf(name.registry, found)).toBe(name.path)
  })

  it.each(['us-docker.pkg.dev/acme/web', 'us-docker.pkg.dev/acme', 'gcr.io/acme'])(
    '%s names none',
    (text) => {
      expect(() => imageOf(parseRepository(text), 'us')).toThrow('does not name an image')
    },
  )

  it('has escaped slashes in paths of the API', () => {
    const image = imageOf(parseRepository('gcr.io/example.com/acme/team/api'), 'us')
    expect(resourcePath(image, 'repositories', image.repository, 'packages', image.image)).toBe(
      '/v1/projects/example.com%3Aacme/locations/us/repositories/gcr.io/packages/team%252Fapi',
    )
  })

  it.each([
    ['us-docker.pkg.dev', 'acme/web/', { project: 'acme', repository: 'web' }],
    ['us-docker.pkg.dev', 'acme/web/ap', { project: 'acme', repository: 'web' }],
    ['us-docker.pkg.dev', 'acme/we', { project: 'acme', repository: undefined }],
    ['us-docker.pkg.dev', 'example.com/acme/web/', { project: 'example.com:acme', repository: 'web' }],
    ['gcr.io', 'acme/', { project: 'acme', repository: 'gcr.io' }],
    ['us-docker.pkg.dev', 'ac', undefined],
    ['us-docker.pkg.dev', 'example.com/ac', undefined],
  ])('below the prefix %s/%s is searched in %j', (registry, prefix, expected) => {
    expect(prefixOf(registry, prefix)).toEqual(expected)
  })
})

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const keyFile = JSON.stringify({
  type: 'service_account',
  private_key_id: 'key-1',
  private_key: privateKey,
  client_email: 'dray@acme.iam.gserviceaccount.com',
})

describe("the tokens for Google's API", () => {
  const users = {
    oauth2accesstoken: 'ya29.canary',
    _json_key: keyFile,
    _json_key_base64: Buffer.from(keyFile).toString('base64'),
  }
  const auth: AccessOptions = { scheme: 'basic', users }
  const userOfRead = async (username: keyof typeof users): Promise<string | undefined> => {
    const credential = { kind: 'basic', username, password: users[username] } as const
    const gar = await imitatedVendor('gar', { auth, credential })
    await gar.store(path, imageManifest('1'), 'v1')
    await gar.read(path)
    return gar.log[0]?.user
  }

  it("are the password of docker's helper, or signed with the key of a service account", async () => {
    expect(await userOfRead('oauth2accesstoken')).toBe('oauth2accesstoken')
    expect(await userOfRead('_json_key')).toBe('_json_key')
    expect(await userOfRead('_json_key_base64')).toBe('_json_key')
  })

  it('can come from tokenEnv', async () => {
    const settings = { tokenEnv: 'GAR_TOKEN' }
    const env = { GAR_TOKEN: users.oauth2accesstoken }
    const gar = await imitatedVendor('gar', { auth, env, settings })
    await gar.store(path, imageManifest('1'), 'v1')
    await gar.read(path)
    expect(gar.log[0]?.user).toBe('oauth2accesstoken')
  })

  it('are found again after Google refuses one, because an access token lasts an hour', async () => {
    const changing = { oauth2accesstoken: 'ya29.first' }
    const gar = await imitatedVendor('gar', {
      auth: { scheme: 'basic', users: changing },
      credential: () => ({
        kind: 'basic',
        username: 'oauth2accesstoken',
        password: changing.oauth2accesstoken,
      }),
    })
    await gar.store(path, imageManifest('1'), 'v1')
    await gar.read(path)
    changing.oauth2accesstoken = 'ya29.second'
    expect((await gar.read(path)).tags.size).toBe(1)
    expect(gar.log.filter(({ status }) => status === 401)).toHaveLength(1)
  })

  it('that Google refuses again are an error', async () => {
    const credential = { kind: 'basic', username: 'oauth2accesstoken', password: 'ya29.other' } as const
    const gar = await imitatedVendor('gar', { auth, credential })
    await gar.store(path, imageManifest('1'), 'v1')
    await expect(gar.read(path)).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
    expect(gar.log).toHaveLength(1)
  })

  it('are signed again before they expire', async () => {
    const clock = leapingClock()
    const credential = { kind: 'basic', username: '_json_key', password: keyFile } as const
    const gar = await imitatedVendor('gar', { auth, credential, clock })
    await gar.store(path, imageManifest('1'), 'v1')
    await gar.read(path)
    await clock.sleep(58 * 60_000, new AbortController().signal)
    await gar.read(path)
    await clock.sleep(58 * 60_000, new AbortController().signal)
    await gar.read(path)
    expect(gar.log.filter(({ status }) => status !== 200)).toEqual([])
  })

  it.each([
    ['a key file that is no JSON', 'canary-of-a-key', 'the password of _json_key is not a key file'],
    ['another file', '{"canary-of-a-key":1}', 'the key file has no client_email'],
    [
      'a damaged key',
      JSON.stringify({ ...JSON.parse(keyFile), private_key: 'canary-of-a-key' }),
      'its private key cannot be read',
    ],
  ])('cannot be signed with %s, which no error shows', async (_, password, why) => {
    const credential = { kind: 'basic', username: '_json_key', password } as const
    const gar = await imitatedVendor('gar', { auth, credential })
    const error = (await gar.read(path).catch((thrown: unknown) => thrown)) as DrayError
    expect([error.code, error.why]).toEqual(['config', expect.stringContaining(why)])
    const { cause, stack } = error
    expect(`${stack} ${String(cause)} ${JSON.stringify(error)}`).not.toContain('canary-of-a-key')
    expect(gar.log).toEqual([])
  })

  it('do not go to an API of another host, nor to one that the API redirects to', async () => {
    const other = await scripted(() => ({ status: 401 }))
    const credential = { kind: 'basic', username: 'oauth2accesstoken', password: 'ya29.canary' } as const
    const settings = { api: `http://${other.registry}` }
    const gar = await imitatedVendor('gar', { auth, credential, settings })
    await expect(gar.read(path)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining(`dray has no token for http://${other.registry}`) as string,
    })
    const redirecting = await scripted(() => ({
      status: 307,
      headers: { location: `http://${other.registry}/v1/` },
    }))
    const inventory = await openInventory(redirecting.registry, 'gar', { credential })
    const repository = { registry: redirecting.registry, path }
    await expect(Array.fromAsync(inventory.entries(repository, newCall()))).rejects.toMatchObject({
      code: 'protocol',
    })
    expect(redirecting.heard[0]?.headers.authorization).toBe('Bearer ya29.canary')
    expect(other.heard.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })
})

describe("a delete through Google's API", () => {
  const opened = async (...traits: string[]) => {
    const gar = await imitatedVendor('gar', { vendorOptions: { traits: new Set(traits) } })
    const remove = async (removal: Removal): Promise<RemovalOutcome | undefined> => {
      const of = gar.inventory.remove?.(gar.name(path), [removal], newCall())
      return (await Array.fromAsync(of ?? []))[0]
    }
    return { gar, remove }
  }

  it('deletes a version with its tags, and waits for the operation', async () => {
    const { gar, remove } = await opened('slow deletes')
    const digest = await gar.store(path, imageManifest('1'), 'v1')
    const removal = { kind: 'manifest', digest } as const
    const began = gar.clock.now()
    expect(await remove(removal)).toEqual({ removal, result: 'removed' })
    expect(gar.clock.now() - began).toBeGreaterThanOrEqual(5000)
    expect(await gar.storage.manifest(path, digest)).toBeUndefined()
    expect(await remove(removal)).toEqual({ removal, result: 'absent' })
  })

  it('fails if the operation fails after it was accepted', async () => {
    const { gar, remove } = await opened('failing deletes')
    const digest = await gar.store(path, imageManifest('1'))
    expect(await remove({ kind: 'manifest', digest })).toMatchObject({
      result: 'failed',
      error: { code: 'unavailable', why: 'Internal error encountered.' },
    })
    expect(gar.log[0]?.status).toBe(200)
  })

  it('is protected by an index, and by immutable tags', async () => {
    const { gar, remove } = await opened('immutable tags')
    const child = imageManifest('child')
    const digest = await gar.store(path, child)
    await gar.store(path, indexManifest(child), 'v1')
    expect(await remove({ kind: 'manifest', digest })).toMatchObject({
      result: 'protected',
      text: expect.stringContaining('is referenced by') as string,
    })
    const tag = { kind: 'tag', tag: 'v1', digest: indexManifest(child).digest } as const
    expect(await remove(tag)).toMatchObject({ result: 'protected' })
  })

  it('deletes a tag alone', async () => {
    const { gar, remove } = await opened()
    const digest = await gar.store(path, imageManifest('1'), 'v1', 'v2')
    const removal = { kind: 'tag', tag: 'v1', digest } as const
    expect(await remove(removal)).toEqual({ removal, result: 'removed' })
    expect(await gar.storage.tags(path)).toEqual(['v2'])
    expect(await remove(removal)).toEqual({ removal, result: 'absent' })
  })

  it('ends with a timeout if the operation does not end', async () => {
    const name = 'projects/acme/locations/us/operations/1'
    const google = await scripted(() => ({ status: 200, body: JSON.stringify({ name }) }))
    const clock = leapingClock()
    const inventory = await openInventory(google.registry, 'gar', { clock })
    const repository = { registry: google.registry, path }
    const removal = { kind: 'manifest', digest: imageManifest('1').digest } as const
    const outcomes = Array.fromAsync(inventory.remove?.(repository, [removal], newCall()) ?? [])
    expect(await outcomes).toMatchObject([{ result: 'failed', error: { code: 'timeout' } }])
    expect(google.heard.length).toBeLessThan(80)
  })

  it('is sent again if its answer is lost, because only the answer names the operation', async () => {
    const google = await scripted((_, count) =>
      count === 1 ? { status: 200, body: '{"name":' } : { status: 404, body: '{}' },
    )
    const inventory = await openInventory(google.registry, 'gar')
    const removal = { kind: 'manifest', digest: imageManifest('1').digest } as const
    const repository = { registry: google.registry, path }
    const outcomes = Array.fromAsync(inventory.remove?.(repository, [removal], newCall()) ?? [])
    expect(await outcomes).toEqual([{ removal, result: 'absent' }])
    expect(google.heard.map(({ method }) => method)).toEqual(['DELETE', 'DELETE'])
  })

  it('fails for an invalid request, which is no protection', async () => {
    const body = '{"error":{"code":400,"message":"bad name","status":"INVALID_ARGUMENT"}}'
    const google = await scripted(() => ({ status: 400, body }))
    const inventory = await openInventory(google.registry, 'gar')
    const removal = { kind: 'manifest', digest: imageManifest('1').digest } as const
    const repository = { registry: google.registry, path }
    const outcomes = Array.fromAsync(inventory.remove?.(repository, [removal], newCall()) ?? [])
    expect(await outcomes).toMatchObject([{ result: 'failed', error: { code: 'refused', why: 'bad name' } }])
  })
})
