import { describe, expect, it } from 'vitest'
import { listReferrers } from '../../../src/images/evidence/referrers.ts'
import { findTags, listTags } from '../../../src/images/tags/tags.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image, referrer, together } from '../../support/images.ts'
import { newCall, openStores } from '../client/world.ts'
import { resultOrCode, path, profileNames, workplaceAt } from './workplace.ts'

describe.each(profileNames)('at %s', (profile) => {
  it('all pages of the tags are listed', async () => {
    const { open, oracle } = await workplaceAt(profile, { pageLimit: 4 })
    const tags = ['1.0', '1.0.0', 'B', '_a', 'a', 'latest', 'v1', 'v10', 'v2']
    await oracle.push(image(), path, ...tags)
    expect([...(await listTags(open(), newCall()))].sort()).toEqual(tags.sort())
    expect((await findTags(open('team/missing'), newCall())) ?? []).toEqual([])
  })

  it('all referrers are listed, from the API or from the fallback tag', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile, { pageLimit: 2 })
    const subject = image({ label: 'subject' })
    const referrers = Array.from({ length: 5 }, (_, i) => referrer(subject, { payload: `${i}` }))
    await oracle.push(together(subject, ...referrers), path, '1.0')
    const digest = parseDigest(subject.root.digest)
    const expected = referrers.map(({ root }) => root.digest).sort()
    const byApi = await open().referrers(digest, newCall())
    expect(byApi?.map((one) => one.digest).sort()).toEqual(abilities.referrers ? expected : undefined)
    const found = await listReferrers(open(), digest, newCall())
    expect(found.map((one) => one.digest).sort()).toEqual(expected)
    expect(new Set(found.map((one) => one.artifactType))).toEqual(new Set(['application/spdx+json']))
    expect(await listReferrers(open(), parseDigest(expected[0] ?? ''), newCall())).toEqual([])
  })

  it('all pages of the catalog are listed, or it is said that there is none', async () => {
    const { registry, oracle, abilities } = await workplaceAt(profile, { pageLimit: 2 })
    const paths = ['a', 'b/c', 'd', 'e']
    for (const at of paths) await oracle.push(image(), at, '1.0')
    const listed = await resultOrCode(Array.fromAsync(openStores().repositories(registry, newCall())))
    expect(typeof listed === 'string' ? listed : listed.sort()).toEqual(
      abilities.catalog ? paths : 'unsupported',
    )
  })
})
