import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { AccessOptions } from '../../../../src/embedded/access/permissions.ts'
import type { ProfileName } from '../../../../src/embedded/profiles.ts'
import { toDrayError } from '../../../../src/lib/errors.ts'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { digestOf, parseDigest } from '../../../../src/oci/digest.ts'
import { image, index } from '../../../support/images.ts'
import { embedded, newCall, openStores, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const error = (status: number, code: string, message = 'no'): ScriptedAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, message }] }),
})

const digest = digestOf('x')
const there: ScriptedAnswer = {
  status: 200,
  headers: {
    'content-type': 'application/vnd.oci.image.index.v1+json',
    'content-length': '9',
    'docker-content-digest': digest,
  },
}

describe('a delete', () => {
  it('removes a tag alone, or a manifest with all its tags', async () => {
    const one = await embedded()
    const root = await one.push(image(), 'team/api', 'a', 'b', 'c')
    const store = storeAt(one.registry)
    expect(await store.deleteTag('a', newCall())).toBe('deleted')
    expect(await one.oracle.tags('team/api')).toEqual(['b', 'c'])
    expect(await store.deleteManifest(root.digest, newCall())).toBe('deleted')
    expect(await one.oracle.tags('team/api')).toEqual([])
    expect(await store.deleteManifest(root.digest, newCall())).toBe('absent')
    expect(store.capability('deleteTag')).toBe('yes')
  })

  it('that a registry does not support is requested once', async () => {
    const one = await embedded({ profile: 'docker-registry-2.8' })
    await one.push(image(), 'team/api', 'a', 'b')
    const store = storeAt(one.registry)
    await expect(store.deleteTag('a', newCall())).rejects.toMatchObject({
      code: 'unsupported',
      subject: `${one.registry}/team/api:a`,
    })
    await expect(store.deleteTag('b', newCall())).rejects.toMatchObject({ code: 'unsupported' })
    expect(one.log).toHaveLength(1)
    expect(store.capability('deleteTag')).toBe('no')
    expect(await one.oracle.tags('team/api')).toEqual(['a', 'b'])
  })

  it('that is refused for one manifest is attempted for the next', async () => {
    const one = await embedded({ profile: 'zot-2.1' })
    const content = index(['amd64'])
    const root = await one.push(content, 'team/api', 'a')
    const store = storeAt(one.registry)
    const child = content.manifests.find(({ descriptor }) => descriptor.digest !== root.digest)?.descriptor
      .digest
    await expect(store.deleteManifest(child as typeof root.digest, newCall())).rejects.toMatchObject({
      code: 'refused',
      status: 405,
      hint: expect.stringContaining('index'),
    })
    expect(await store.deleteManifest(root.digest, newCall())).toBe('deleted')
  })

  it.each([
    [error(404, 'MANIFEST_UNKNOWN'), 'refused', 'unknown'],
    [{ status: 404 }, 'unsupported', 'no'],
  ] as const)('that is answered 404 for an existing manifest is an error', async (answer, code, known) => {
    const { registry } = await scripted(({ method }) => (method === 'DELETE' ? answer : there))
    const store = storeAt(registry)
    await expect(store.deleteManifest(digest, newCall())).rejects.toMatchObject({ code, status: 404 })
    expect(store.capability('deleteManifest')).toBe(known)
  })

  it.each([200, 202, 204])('that is answered %i is done', async (status) => {
    const { registry } = await scripted(() => ({ status }))
    expect(await storeAt(registry).deleteManifest(digest, newCall())).toBe('deleted')
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [418, 'protocol'],
  ])('that is answered %i fails', async (status, code) => {
    const { registry } = await scripted(() => ({ status }))
    await expect(storeAt(registry).deleteTag('a', newCall())).rejects.toMatchObject({ code, status })
  })

  it('without permission is an error that names the missing permission', async () => {
    const { registry } = await scripted(() => error(403, 'DENIED'))
    await expect(storeAt(registry).deleteManifest(digest, newCall())).rejects.toMatchObject({
      code: 'forbidden',
      registryCode: 'DENIED',
      hint: expect.stringContaining('as a user with permission to delete in team/api.'),
    })
  })
})

describe('a refused delete', () => {
  const missing = [
    ['deleteTag', 400, 'DIGEST_INVALID'],
    ['deleteTag', 400, 'UNSUPPORTED'],
    ['deleteTag', 405, 'UNSUPPORTED'],
    ['deleteTag', 405, undefined],
    ['deleteManifest', 400, 'UNSUPPORTED'],
    ['deleteManifest', 405, 'UNSUPPORTED'],
    ['deleteManifest', 405, 'METHOD_NOT_ALLOWED'],
    ['deleteManifest', 405, undefined],
  ] as const
  const locked = [
    ['deleteTag', 405, 'REGISTRY_DISALLOWED_OPERATION', 'no'],
    ['deleteTag', 412, 'PRECONDITION', 'configured as immutable'],
    ['deleteTag', 409, 'TAG_IMMUTABLE', 'no'],
    ['deleteTag', 409, undefined, ''],
    ['deleteManifest', 400, 'GOOGLE_MANIFEST_DANGLING_TAG', 'no'],
    ['deleteManifest', 400, 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE', 'no'],
    ['deleteManifest', 400, 'FAILED_PRECONDITION', 'no'],
    ['deleteManifest', 400, 'UNSUPPORTED', 'Requested image referenced by manifest list: [sha256:00]'],
    ['deleteManifest', 405, 'UNSUPPORTED', 'Requested image referenced by manifest list: [sha256:00]'],
    ['deleteManifest', 400, 'ImageReferencedByManifestListException', 'no'],
    ['deleteManifest', 400, 'MANIFEST_LOCKED', 'no'],
    ['deleteManifest', 403, 'DENIED', 'Access denied. The manifest may still be referenced.'],
    ['deleteManifest', 403, 'DENIED', 'the image is in use'],
    ['deleteManifest', 400, 'UNKNOWN', 'Undeploy was canceled: Forbidden to delete'],
    ['deleteManifest', 403, 'DENIED', 'the manifest is still referenced by the tag 1.0'],
    ['deleteManifest', 403, 'DENIED', 'tag 1.0 is immutable'],
    ['deleteManifest', 403, 'DENIED', 'the tag 1.0 is protected'],
    ['deleteManifest', 405, 'DENIED', 'requested access to the resource is denied'],
    ['deleteManifest', 405, 'REGISTRY_DISALLOWED_OPERATION', 'no'],
    ['deleteManifest', 409, 'MANIFEST_REFERENCED_IN_LIST', 'no'],
    ['deleteManifest', 412, 'VIOLATE_FOREIGN_KEY_CONSTRAINT', 'no'],
    ['deleteManifest', 423, undefined, ''],
  ] as const
  const plain = [
    ['deleteManifest', 400, undefined, 'protocol'],
    ['deleteManifest', 400, 'DIGEST_INVALID', 'protocol'],
    ['deleteTag', 400, 'UNKNOWN', 'protocol'],
    ['deleteManifest', 401, 'UNAUTHORIZED', 'unauthorized'],
    ['deleteManifest', 403, 'DENIED', 'forbidden'],
    ['deleteTag', 403, undefined, 'forbidden'],
  ] as const
  const says = (status: number, code: string | undefined): ScriptedAnswer =>
    code === undefined ? { status } : error(status, code)
  const remove = (store: ReturnType<typeof storeAt>, name: 'deleteTag' | 'deleteManifest') =>
    name === 'deleteTag' ? store.deleteTag('a', newCall()) : store.deleteManifest(digest, newCall())

  it.each(missing)(
    '(%s, %i %s) means that the registry has no deletes, with a hint',
    async (name, status, code) => {
      const { registry, heard } = await scripted(() => says(status, code))
      const store = storeAt(registry)
      for (let i = 0; i < 2; i++) {
        await expect(remove(store, name)).rejects.toMatchObject({
          code: 'unsupported',
          hint: expect.stringMatching(/storage\.delete\.enabled: true.*REGISTRY_STORAGE_DELETE_ENABLED=true/),
        })
      }
      expect(heard).toHaveLength(1)
      expect(store.capability(name)).toBe('no')
    },
  )

  it.each(locked)(
    '(%s, %i %s, "%s") affects one manifest or tag, and the next one is attempted',
    async (name, status, code, message) => {
      const { registry, heard } = await scripted((_request, count) => {
        if (count > 1) return { status: 202 }
        return code === undefined ? { status } : error(status, code, message)
      })
      const store = storeAt(registry)
      await expect(remove(store, name)).rejects.toMatchObject({ code: 'refused', status })
      expect(store.capability(name)).toBe('unknown')
      expect(await remove(store, name)).toBe('deleted')
      expect(heard).toHaveLength(2)
    },
  )

  it.each(plain)('(%s, %i %s) may affect all of them: %s', async (name, status, code, expected) => {
    const { registry } = await scripted(() => says(status, code))
    const store = storeAt(registry)
    await expect(remove(store, name)).rejects.toMatchObject({
      code: expected,
      hint: expect.stringMatching(/credentials|dray login/),
    })
  })

  it.each([
    [400, undefined],
    [403, 'DENIED'],
  ])('(%i %s) affects one manifest if others were deleted', async (status, code) => {
    const { registry } = await scripted((_request, count) =>
      count === 2 ? says(status, code) : { status: 202 },
    )
    const store = storeAt(registry)
    expect(await remove(store, 'deleteManifest')).toBe('deleted')
    await expect(remove(store, 'deleteManifest')).rejects.toMatchObject({ code: 'refused' })
    expect(await remove(store, 'deleteManifest')).toBe('deleted')
  })

  it.each([
    [405, 'System is currently read-only.', 'protocol'],
    [405, 'This namespace is disabled.', 'protocol'],
    [403, 'The system is in read only mode.', 'forbidden'],
  ])(
    '(%i) with the text "%s" affects the repository, also after a success',
    async (status, message, code) => {
      const { registry } = await scripted((_, count) =>
        count === 1 ? { status: 202 } : error(status, 'DENIED', message),
      )
      const store = storeAt(registry)
      expect(await remove(store, 'deleteManifest')).toBe('deleted')
      await expect(remove(store, 'deleteManifest')).rejects.toMatchObject({ code, why: message })
    },
  )

  it.each(missing)(
    '(%s, %i %s) affects one manifest or tag if others were deleted',
    async (name, status, code) => {
      const { registry } = await scripted((_request, count) =>
        count === 2 ? says(status, code) : { status: 202 },
      )
      const store = storeAt(registry)
      expect(await remove(store, name)).toBe('deleted')
      await expect(remove(store, name)).rejects.toMatchObject({ code: 'refused' })
      expect(await remove(store, name)).toBe('deleted')
    },
  )

  it('in one repository does not affect other repositories', async () => {
    const { registry } = await scripted(({ path }) =>
      path.startsWith('/v2/proxy/') ? error(405, 'UNSUPPORTED') : { status: 202 },
    )
    const stores = openStores()
    const proxy = stores.target({ registry, path: 'proxy/api' })
    const team = stores.target({ registry, path: 'team/api' })
    await expect(proxy.deleteManifest(digest, newCall())).rejects.toMatchObject({ code: 'unsupported' })
    expect(await team.deleteManifest(digest, newCall())).toBe('deleted')
    await expect(proxy.deleteManifest(digest, newCall())).rejects.toMatchObject({ code: 'unsupported' })
  })

  it.each([
    error(400, 'GOOGLE_MANIFEST_DANGLING_TAG'),
    error(400, 'UNKNOWN', 'Manifest is still referenced by one or more tags'),
    error(403, 'DENIED', 'the manifest is still referenced by the tag 1.0'),
  ])('because of a tag reports that tags have to be deleted first (%#)', async (answer) => {
    const { registry } = await scripted(() => answer)
    const store = storeAt(registry)
    await expect(store.deleteManifest(digest, newCall())).rejects.toMatchObject({ code: 'refused' })
    expect(store.capability('deleteTagged')).toBe('no')
  })

  it.each([
    [412, 'PRECONDITION', 'configured as immutable', /^Remove the lock or the rule in the registry/],
    [409, 'MANIFEST_REFERENCED_IN_LIST', 'no', /^Delete the tags, indexes and referrers/],
    [404, 'MANIFEST_UNKNOWN', 'no', /^Delete the tags of the manifest/],
  ])('(%i %s) says what to do about it', async (status, code, message, hint) => {
    const { registry } = await scripted(({ method }) =>
      method === 'DELETE' ? error(status, code, message) : there,
    )
    await expect(remove(storeAt(registry), 'deleteManifest')).rejects.toMatchObject({
      hint: expect.stringMatching(hint) as string,
    })
  })

  it('keeps the message of the registry', async () => {
    const { registry } = await scripted(() => error(405, 'DENIED'))
    await expect(storeAt(registry).deleteManifest(digest, newCall())).rejects.toMatchObject({
      why: 'no',
      registryCode: 'DENIED',
      subject: `${registry}/team/api@${digest}`,
    })
  })
})

describe('a delete with an unclear answer', () => {
  it('is done if its answer was lost and the next attempt finds nothing', async () => {
    const { registry, requests } = await scripted(({ method }, count) => {
      if (method === 'HEAD') return { status: 404 }
      if (count > 1) return error(404, 'MANIFEST_UNKNOWN')
      return { status: 202, raw: (response) => void response.destroy() }
    })
    expect(await storeAt(registry).deleteManifest(digest, newCall())).toBe('deleted')
    const path = `/v2/team/api/manifests/${digest}`
    expect(requests()).toEqual([`DELETE ${path}`, `DELETE ${path}`, `HEAD ${path}`])
  })

  it('is done if the registry fails and the manifest is gone', async () => {
    const { registry } = await scripted(({ method }) => ({ status: method === 'DELETE' ? 500 : 404 }))
    expect(await storeAt(registry).deleteManifest(digest, newCall())).toBe('deleted')
  })

  it.each([
    ['there', there],
    ['unknown', { status: 503 }],
  ] as const)('fails if the registry fails and the manifest is %s', async (_, answer) => {
    const { registry } = await scripted(({ method }) =>
      method === 'DELETE' ? error(500, 'UNKNOWN') : answer,
    )
    const store = storeAt(registry)
    await expect(store.deleteManifest(digest, newCall())).rejects.toMatchObject({
      code: 'unavailable',
      status: 500,
      registryCode: 'UNKNOWN',
      message: expect.stringContaining('delete'),
    })
    expect(store.capability('deleteManifest')).toBe('unknown')
  })

  it('removes the manifest from the cache of the run', async () => {
    const one = await embedded({ profile: 'docker-hub' })
    const root = await one.push(image(), 'team/api', 'a')
    const store = storeAt(one.registry)
    await store.manifest({ digest: root.digest }, newCall())
    await store.deleteTag('a', newCall())
    await store.deleteManifest(root.digest, newCall())
    expect(await store.findManifest({ digest: root.digest }, newCall())).toBeUndefined()
  })
})

describe('an image with children is deleted', () => {
  const deleteEach = async (profile: ProfileName, steps: readonly ('tag' | 'index' | 'child')[]) => {
    const watched = await embedded({ profile })
    const content = index(['amd64'])
    const root = await watched.push(content, 'team/api', 'a')
    const store = storeAt(watched.registry)
    const child = content.manifests.find(({ descriptor }) => descriptor.digest !== root.digest)?.descriptor
    const codes: string[] = []
    for (const step of steps) {
      const one = step === 'index' ? root.digest : parseDigest(child?.digest ?? '')
      const work = step === 'tag' ? store.deleteTag('a', newCall()) : store.deleteManifest(one, newCall())
      codes.push(await work.catch((thrown: unknown) => toDrayError(thrown).code))
    }
    return codes
  }

  it.each([
    ['oci-1.1', ['index', 'child'], ['deleted', 'deleted']],
    ['distribution-3', ['tag', 'index', 'child'], ['deleted', 'deleted', 'deleted']],
    ['docker-registry-2.8', ['tag', 'index', 'child'], ['unsupported', 'deleted', 'deleted']],
    ['olareg-0.2', ['index', 'child'], ['deleted', 'deleted']],
    ['zot-2.1', ['child', 'index', 'child'], ['refused', 'deleted', 'deleted']],
    ['harbor', ['tag', 'index', 'child'], ['unsupported', 'deleted', 'deleted']],
    ['quay', ['child', 'index', 'child'], ['refused', 'deleted', 'refused']],
    ['quay', ['tag', 'index'], ['deleted', 'refused']],
    ['gitlab', ['child', 'index', 'child'], ['refused', 'deleted', 'deleted']],
    ['ghcr', ['tag', 'index'], ['unsupported', 'unsupported']],
    [
      'docker-hub',
      ['index', 'tag', 'child', 'index', 'child'],
      ['refused', 'deleted', 'refused', 'deleted', 'deleted'],
    ],
    [
      'gar',
      ['index', 'tag', 'child', 'index', 'child'],
      ['refused', 'deleted', 'refused', 'deleted', 'deleted'],
    ],
    ['ecr', ['tag', 'index', 'child'], ['unsupported', 'deleted', 'deleted']],
    ['acr', ['tag', 'index', 'child'], ['unsupported', 'deleted', 'deleted']],
  ] as const)('at %s with %j: %j', async (profile, steps, expected) => {
    expect(await deleteEach(profile, steps)).toEqual(expected)
  })
})

describe('the permission to delete', () => {
  const users = { ada: 'secret' }

  async function guarded(auth: Partial<AccessOptions>) {
    const one = await embedded({ auth: { scheme: 'bearer', users, ...auth } })
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => ({ kind: 'basic', username: 'ada', password: 'secret' }),
      userAgent: 'test',
    })
    onTestFinished(() => stack.close())
    const store = storeAt(one.registry, { fetch: stack.fetch, clock: systemClock })
    const scopes = () =>
      one.log.filter(({ kind }) => kind === 'token').map(({ query }) => query.getAll('scope').join(' '))
    const deletes = () => one.log.filter(({ method, status }) => method === 'DELETE' && status !== 401).length
    return { store, scopes, deletes, log: one.log }
  }

  it('is requested separately', async () => {
    const { store, scopes } = await guarded({})
    expect(await store.deleteManifest(digest, newCall())).toBe('absent')
    expect(scopes()).toEqual(['repository:team/api:pull,delete'])
  })

  it('is the permission to push if the registry has none to delete, which is learned once', async () => {
    const { store, scopes, deletes } = await guarded({ deletesBy: 'push' })
    for (let i = 0; i < 3; i++) expect(await store.deleteManifest(digest, newCall())).toBe('absent')
    expect(deletes()).toBe(3)
    expect(scopes().filter((scope) => scope.includes('delete')).length).toBeLessThanOrEqual(2)
    expect(scopes()).toContain('repository:team/api:pull,push')
  })

  it('is not replaced by the permission to push otherwise', async () => {
    const { store, deletes, log } = await guarded({ mayDo: (_user, _path, action) => action !== 'delete' })
    for (let i = 0; i < 3; i++) {
      await expect(store.deleteManifest(digest, newCall())).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringContaining('does not allow dray to pull and delete in team/api'),
      })
    }
    expect(deletes()).toBe(0)
    expect(log.filter(({ method }) => method === 'PUT' || method === 'POST')).toEqual([])
  })
})
