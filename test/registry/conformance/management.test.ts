import { describe, expect, it } from 'vitest'
import { type Abilities, profiles } from '../../../src/embedded/profiles.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image, index } from '../../support/images.ts'
import { newCall } from '../client/world.ts'
import { resultOrCode, path, profileNames, workplaceAt } from './workplace.ts'

describe.each(profileNames)('at %s', (profile) => {
  it('a tag is deleted alone, or the delete is refused and changes nothing', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const content = image()
    await oracle.push(content, path, 'a', 'b')
    for (const done of ['deleted', 'absent'])
      expect(await resultOrCode(open().deleteTag('a', newCall()))).toEqual(
        abilities.deleteTag === 'yes' ? done : 'unsupported',
      )
    expect(await oracle.tags(path)).toEqual(abilities.deleteTag === 'yes' ? ['b'] : ['a', 'b'])
    expect(await oracle.differences(path, content, 'b')).toEqual([])
  })

  it('a manifest is deleted with its tags, or the delete is refused and changes nothing', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const [content, other] = [image({ label: 'deleted' }), image({ label: 'kept' })]
    await oracle.push(content, path, 'a', 'b')
    await oracle.push(other, path, 'c')
    const digest = parseDigest(content.root.digest)
    const isDeleted = abilities.deleteManifest && abilities.deleteTagged
    const refused = abilities.deleteManifest ? 'refused' : 'unsupported'
    for (const done of ['deleted', 'absent'])
      expect(await resultOrCode(open().deleteManifest(digest, newCall()))).toEqual(isDeleted ? done : refused)
    expect(await oracle.tags(path)).toEqual(isDeleted ? ['c'] : ['a', 'b', 'c'])
    expect((await oracle.complaints(path, digest)).length).toBe(isDeleted ? 1 : 0)
    expect(await oracle.differences(path, other, 'c')).toEqual([])
  })

  it('a manifest of an index is deleted only if the index does not protect it', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    const content = index(['linux/amd64', 'linux/arm64'])
    await oracle.push(content, path, 'a')
    const child = content.manifests[0]?.descriptor.digest ?? ''
    const isDeleted =
      abilities.deleteManifest && abilities.deleteInsideIndex && abilities.untagged === 'like others'
    const ended = await resultOrCode(open().deleteManifest(parseDigest(child), newCall()))
    expect(ended === 'deleted').toBe(isDeleted)
    expect(await oracle.complaints(path, 'a')).toEqual(isDeleted ? [`${child}: manifest is not there`] : [])
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
    expect(await resultOrCode(open().deleteManifest(digest, newCall()))).toBe(isKept ? 'refused' : 'deleted')
    expect(await oracle.digest(path, digest)).toBe(isKept ? digest : undefined)
  })
})
