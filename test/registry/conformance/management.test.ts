import { describe, expect, it } from 'vitest'
import { type Abilities, profiles } from '../../../src/embedded/profiles.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image, index } from '../../support/images.ts'
import { newCall } from '../client/world.ts'
import { path, profileNames, workplaceAt } from './workplace.ts'

describe.each(profileNames)('at %s', (profile) => {
  it('a tag is deleted alone, or the delete is refused and changes nothing', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const content = image()
    await oracle.push(content, path, 'a', 'b')
    const deleted = open().deleteTag('a', newCall())
    if (abilities.deleteTag === 'yes') {
      expect(await deleted).toBe('deleted')
      expect(await open().deleteTag('a', newCall())).toBe('absent')
    } else await expect(deleted).rejects.toMatchObject({ code: 'unsupported' })
    expect(await oracle.tags(path)).toEqual(abilities.deleteTag === 'yes' ? ['b'] : ['a', 'b'])
    expect(await oracle.differences(path, content, 'b')).toEqual([])
  })

  it('a manifest is deleted with its tags, or the delete is refused and changes nothing', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const [content, other] = [image({ label: 'deleted' }), image({ label: 'kept' })]
    await oracle.push(content, path, 'a', 'b')
    await oracle.push(other, path, 'c')
    const digest = parseDigest(content.root.digest)
    const deleted = open().deleteManifest(digest, newCall())
    if (abilities.deleteManifest && abilities.deleteTagged) {
      expect(await deleted).toBe('deleted')
      expect(await open().deleteManifest(digest, newCall())).toBe('absent')
      expect(await oracle.manifest(path, digest)).toBeUndefined()
      expect(await oracle.tags(path)).toEqual(['c'])
    } else {
      const refusal = abilities.held.status === 403 ? 'forbidden' : 'refused'
      const code = abilities.deleteManifest ? refusal : 'unsupported'
      await expect(deleted).rejects.toMatchObject({ code })
      expect(await oracle.tags(path)).toEqual(['a', 'b', 'c'])
      expect(await oracle.differences(path, content, 'a')).toEqual([])
    }
    expect(await oracle.differences(path, other, 'c')).toEqual([])
  })

  it('a manifest of an index is deleted only where the index does not protect it', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const content = index(['linux/amd64', 'linux/arm64'])
    await oracle.push(content, path, 'a')
    const child = content.manifests[0]?.descriptor.digest ?? ''
    const ended = await open()
      .deleteManifest(parseDigest(child), newCall())
      .catch((error: unknown) => error)
    const isThere = (await oracle.manifest(path, child)) !== undefined
    expect(isThere).toBe(ended !== 'deleted')
    expect(ended === 'deleted').toBe(
      abilities.deleteManifest && abilities.deleteInsideIndex && abilities.untagged === 'like others',
    )
    if (isThere) expect(await oracle.differences(path, content, 'a')).toEqual([])
  })
})

describe('a manifest without tags', () => {
  const deletesBoth = profileNames.filter((name) => {
    const { deleteManifest, deleteTag }: Abilities = profiles[name]
    return deleteManifest && deleteTag === 'yes'
  })

  it.each(deletesBoth)('is deleted after its tags at %s, unless it cannot be found', async (profile) => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const content = image()
    await oracle.push(content, path, 'a')
    const digest = parseDigest(content.root.digest)
    expect(await open().deleteTag('a', newCall())).toBe('deleted')
    const isKept = abilities.untagged === 'undeletable'
    expect(
      await open()
        .deleteManifest(digest, newCall())
        .catch((error: unknown) => error),
    ).toEqual(isKept ? expect.objectContaining({ code: 'refused' }) : 'deleted')
    expect(await oracle.digest(path, digest)).toBe(isKept ? digest : undefined)
  })
})
